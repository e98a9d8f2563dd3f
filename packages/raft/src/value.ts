import type { ByteReader, ByteWriter } from "./bytes.ts";
import { readText, writeText } from "./text.ts";

/**
 * Commands as bytes: one tag byte, then what the tag asks for. Whole numbers 0..127 are their own tag, with the high bit set.
 * Numbers, strings, booleans, null, undefined, Uint8Array, arrays and plain objects, nested; every number keeps its exact value.
 */
const Tag = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  /** varint n */
  nonNegative: 4,
  /** varint -1 - n */
  negative: 5,
  float64: 6,
  text: 7,
  /** varint length, bytes */
  bytes: 8,
  /** varint length, values */
  array: 9,
  /** varint count, then key and value of each property */
  object: 10,
  smallInteger: 0x80,
} as const;

/** Deeper than any sensible command; a cycle reaches it soon, damaged bytes cannot overflow the stack. */
const MAX_DEPTH = 200;

/** Throws a TypeError for what is not JSON-like: functions, symbols, bigints, class instances, cycles. */
export function writeValue(writer: ByteWriter, value: unknown): void {
  if (typeof value === "number") writeNumber(writer, value);
  else writeNested(writer, value, 0);
}

function writeNested(writer: ByteWriter, value: unknown, depth: number): void {
  switch (typeof value) {
    case "number":
      writeNumber(writer, value);
      return;
    case "string":
      writer.byte(Tag.text);
      writeText(writer, value);
      return;
    case "boolean":
      writer.byte(value ? Tag.true : Tag.false);
      return;
    case "undefined":
      writer.byte(Tag.undefined);
      return;
    case "object":
      if (value === null) writer.byte(Tag.null);
      else writeObject(writer, value, depth);
      return;
    default:
      throw new TypeError(
        `a command cannot hold a ${typeof value}; use numbers, strings, booleans, null, arrays, plain objects, Uint8Array`,
      );
  }
}

function writeNumber(writer: ByteWriter, value: number): void {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
    writer.byte(Tag.float64);
    writer.float64(value);
  } else if (value < 0) {
    writer.byte(Tag.negative);
    writer.varint(-1 - value);
  } else if (value < 0x80) {
    writer.byte(Tag.smallInteger | value);
  } else {
    writer.byte(Tag.nonNegative);
    writer.varint(value);
  }
}

function writeObject(writer: ByteWriter, value: object, depth: number): void {
  if (depth >= MAX_DEPTH) throw new TypeError(`a command is nested deeper than ${MAX_DEPTH} levels, or holds itself`);
  if (value instanceof Uint8Array) {
    writer.byte(Tag.bytes);
    writer.varint(value.length);
    writer.copy(value);
  } else if (Array.isArray(value)) {
    writer.byte(Tag.array);
    writer.varint(value.length);
    for (let i = 0; i < value.length; i += 1) writeNested(writer, value[i], depth + 1);
  } else {
    writeProperties(writer, value, depth);
  }
}

function writeProperties(writer: ByteWriter, value: object, depth: number): void {
  const prototype: unknown = Object.getPrototypeOf(value);
  // A plain object of another realm has that realm's Object.prototype, whose own prototype is null too.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    throw new TypeError(`a command cannot hold an instance of ${value.constructor?.name}; use a plain object`);
  }
  const keys = Object.keys(value);
  writer.byte(Tag.object);
  writer.varint(keys.length);
  for (const key of keys) {
    writeText(writer, key);
    writeNested(writer, (value as Record<string, unknown>)[key], depth + 1);
  }
}

/** Throws DamagedStateError for bytes that `writeValue` cannot have written. */
export function readValue(reader: ByteReader): unknown {
  return readNested(reader, 0);
}

function readNested(reader: ByteReader, depth: number): unknown {
  if (depth > MAX_DEPTH) throw reader.damage(`a command is nested deeper than ${MAX_DEPTH} levels`);
  const tag = reader.byte("a command");
  if (tag >= Tag.smallInteger) return tag - Tag.smallInteger;
  switch (tag) {
    case Tag.undefined:
      return undefined;
    case Tag.null:
      return null;
    case Tag.false:
      return false;
    case Tag.true:
      return true;
    case Tag.nonNegative:
      return reader.varint("a whole number");
    case Tag.negative:
      return readNegative(reader);
    case Tag.float64:
      return reader.float64("a number");
    case Tag.text:
      return readText(reader);
    case Tag.bytes:
      return reader.copy(reader.varint("the length of a byte array"), "a byte array");
    case Tag.array:
      return readArray(reader, depth);
    case Tag.object:
      return readObject(reader, depth);
    default:
      throw reader.damage(`${tag} is no tag of a command's value`);
  }
}

function readNegative(reader: ByteReader): number {
  const value = -1 - reader.varint("a negative number");
  if (!Number.isSafeInteger(value)) throw reader.damage(`${value} is smaller than -(2^53 - 1)`);
  return value;
}

function readArray(reader: ByteReader, depth: number): unknown[] {
  const length = readCount(reader, "array");
  const array: unknown[] = [];
  for (let i = 0; i < length; i += 1) array.push(readNested(reader, depth + 1));
  return array;
}

function readObject(reader: ByteReader, depth: number): object {
  const count = readCount(reader, "object");
  const object: Record<string, unknown> = {};
  for (let i = 0; i < count; i += 1) {
    const key = readText(reader);
    const value = readNested(reader, depth + 1);
    // Assigning to __proto__ would set the prototype.
    if (key === "__proto__") Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
    else object[key] = value;
  }
  return object;
}

function readCount(reader: ByteReader, what: string): number {
  const count = reader.varint(`the size of an ${what}`);
  // Each element takes at least one byte: a damaged size is found before memory is spent on it.
  if (count > reader.remaining) throw reader.damage(`an ${what} of ${count} values does not fit in ${reader.remaining} bytes`);
  return count;
}
