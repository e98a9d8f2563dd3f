import type { ByteReader, ByteWriter } from "./bytes.ts";

/**
 * Strings as UTF-8, generalized to WTF-8: a surrogate without its partner is written as the three bytes of its code, so that every
 * string survives. The length in front is in UTF-16 code units, which needs no pass over the text before it is written.
 */
export function writeText(writer: ByteWriter, text: string): void {
  writer.varint(text.length);
  writer.reserve(3 * text.length);
  if (text.length >= LONG_TEXT && writeAscii(writer, text)) return;
  const bytes = writer.bytes;
  let at = writer.length;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) {
      bytes[at++] = unit;
    } else if (unit < 0x800) {
      bytes[at++] = 0xc0 | (unit >> 6);
      bytes[at++] = 0x80 | (unit & 0x3f);
    } else if (isHighSurrogate(unit) && isLowSurrogate(text.charCodeAt(i + 1))) {
      i += 1;
      const code = 0x10000 + ((unit - 0xd800) << 10) + (text.charCodeAt(i) - 0xdc00);
      bytes[at++] = 0xf0 | (code >> 18);
      bytes[at++] = 0x80 | ((code >> 12) & 0x3f);
      bytes[at++] = 0x80 | ((code >> 6) & 0x3f);
      bytes[at++] = 0x80 | (code & 0x3f);
    } else {
      bytes[at++] = 0xe0 | (unit >> 12);
      bytes[at++] = 0x80 | ((unit >> 6) & 0x3f);
      bytes[at++] = 0x80 | (unit & 0x3f);
    }
  }
  writer.length = at;
}

/** From so many characters on, the platform's own encoder is worth its call. */
const LONG_TEXT = 64;

/** Every platform has it; this package is compiled without the types of any. */
declare const TextEncoder: new () => { encodeInto(text: string, bytes: Uint8Array): { readonly written: number } };

const utf8 = new TextEncoder();

/** Returns false, and the writer stands where it stood, if some character is not ASCII: it takes more than a byte then, also a surrogate without its partner. */
function writeAscii(writer: ByteWriter, text: string): boolean {
  const { written } = utf8.encodeInto(text, writer.bytes.subarray(writer.length));
  if (written !== text.length) return false;
  writer.length += written;
  return true;
}

export function readText(reader: ByteReader): string {
  const length = reader.varint("the length of a string");
  if (length > reader.remaining) throw reader.damage(`a string of ${length} characters does not fit in ${reader.remaining} bytes`);
  let text = "";
  let units: number[] = [];
  for (let count = 0; count < length; ) {
    const code = readCode(reader);
    count += code < 0x10000 ? 1 : 2;
    if (code < 0x10000) units.push(code);
    else units.push(0xd800 + ((code - 0x10000) >> 10), 0xdc00 + ((code - 0x10000) & 0x3ff));
    if (count > length) throw reader.damage(`a string is longer than its length ${length}`);
    if (units.length >= UNITS_PER_PIECE) {
      text += String.fromCharCode(...units);
      units = [];
    }
  }
  return text + String.fromCharCode(...units);
}

/** Arguments of one call of String.fromCharCode: far below every engine's limit. */
const UNITS_PER_PIECE = 4096;

function readCode(reader: ByteReader): number {
  const lead = reader.byte("a string");
  if (lead < 0x80) return lead;
  const more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
  if (lead < 0xc0 || lead > 0xf4) throw reader.damage(`byte ${lead} does not begin a character`);
  let code = lead & (0x3f >> more);
  for (let i = 0; i < more; i += 1) {
    const byte = reader.byte("a character");
    if ((byte & 0xc0) !== 0x80) throw reader.damage(`byte ${byte} does not continue a character`);
    code = (code << 6) | (byte & 0x3f);
  }
  if (code < SMALLEST_CODE[more]! || code > 0x10ffff) throw reader.damage(`character code ${code} is out of range`);
  return code;
}

/** By the number of continuation bytes. */
const SMALLEST_CODE = [0, 0x80, 0x800, 0x10000];

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}
