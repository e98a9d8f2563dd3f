import { Buffer } from "node:buffer";
import { mix32 } from "../sim/random.ts";
import { elementShape, nameHash, type RecordShape, typeBytes } from "./record-shape.ts";
import { placeOfUnsendable } from "./unsendable.ts";

/**
 * Everything that crosses a wire is copied, sized and hashed in one pass. The size is that of a self-describing binary encoding like Go's gob,
 * so that byte counts compare with the labs': each message names the fields of its records once, small numbers take one byte.
 */

/** Bytes of framing around each message: its length and the id of its type. */
const messageBytes = 4;
/** Nesting beyond which a value is taken to contain itself. */
const maxDepth = 200;

// The measures of the copy under way, in variables of the module: an object for them would be one more for every message.
let bytes = 0;
let digest = 0;

// Of what was copied last: its encoded size, and the hash of its contents.
export { bytes as copiedBytes, digest as copiedDigest };

/**
 * Copies a message or a command. Throws a TypeError that names the offending part when it holds what cannot be sent. `copiedBytes` and
 * `copiedDigest` tell what was measured on the way.
 */
export function copyOverWire(value: unknown, shape?: RecordShape): unknown {
  bytes = messageBytes;
  digest = 0;
  try {
    return typeof value === "object" && value !== null ? copyMessage(value, shape) : copyValue(value, 0, true);
  } catch (thrown) {
    if (!(thrown instanceof UnsendableError)) throw thrown;
    const place = placeOfUnsendable(value);
    throw new TypeError(place === undefined ? thrown.message : `${place}: ${thrown.message}`);
  }
}

/** A part of a message cannot be sent. */
class UnsendableError extends Error {}

function copyMessage(message: object, shape: RecordShape | undefined): unknown {
  if (Array.isArray(message) || ArrayBuffer.isView(message)) return copyValue(message, 0, true);
  const copy = shape && copyShaped(message, shape, 0, true);
  if (copy !== undefined) return copy;
  const isRecord = Object.getPrototypeOf(message) === Object.prototype;
  return isRecord ? copyRecord(message as Record<string, unknown>, shape, 0, true) : copyValue(message, 0, true);
}

/** `describes`: whether a record met here names its fields; the records of one array share one description. */
function copyValue(value: unknown, depth: number, describes: boolean): unknown {
  // One comparison after the other: of a switch V8 makes a call that gives the type's name, and compares names.
  if (typeof value === "number") addNumber(value);
  else if (typeof value === "object") return value === null ? copyNull() : copyObject(value, depth, describes);
  else if (typeof value === "string") addString(value);
  else if (typeof value === "boolean") addBoolean(value);
  else if (typeof value === "undefined") digest = mix32(digest, 0x756e);
  else if (typeof value === "bigint") addString(`${value}n`);
  else throw new UnsendableError(`a ${typeof value} cannot be sent: messages and commands are plain data`);
  return value;
}

function addBoolean(value: boolean): void {
  bytes += 1;
  digest = mix32(digest ^ 0x626f_6f6c, value ? 1 : 0);
}

function copyNull(): null {
  bytes += 1;
  digest = mix32(digest ^ 0x6e75_6c6c, 0);
  return null;
}

function copyObject(value: object, depth: number, describes: boolean): unknown {
  if (depth > maxDepth) throw new TypeError(`a value nested more than ${maxDepth} deep cannot be sent: does it contain itself?`);
  if (Array.isArray(value)) return copyArray(value, depth, describes);
  if (ArrayBuffer.isView(value)) return copyView(value);
  const copy = copyShaped(value, elementShape, depth, describes);
  if (copy !== undefined) return copy;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null) return copyAnyRecord(value as Record<string, unknown>, depth, describes);
  if (prototype !== Object.prototype) return copyExotic(value, depth, describes);
  return copyRecord(value as Record<string, unknown>, elementShape, depth, describes);
}

/** Undefined if the object is not like the record of its kind that was met last. */
function copyShaped(object: object, { latest }: RecordShape, depth: number, describes: boolean): Record<string, unknown> | undefined {
  const copy = latest?.copyFields(object, copyField, depth, describes);
  if (copy !== undefined) endRecord(describes ? latest!.typeBytes : 0);
  return copy;
}

/** `shape`: of the kind of record that it is; undefined if it is of no kind. It is not like the one of its kind that was met last. */
function copyRecord(
  record: Record<string, unknown>,
  shape: RecordShape | undefined,
  depth: number,
  describes: boolean,
): Record<string, unknown> {
  const isKnown = shape?.learn(record) !== undefined;
  return (isKnown ? copyShaped(record, shape!, depth, describes) : undefined) ?? copyAnyRecord(record, depth, describes);
}

/** Fields named by symbols do not travel. */
function copyAnyRecord(record: Record<string, unknown>, depth: number, describes: boolean): Record<string, unknown> {
  const copy: Record<PropertyKey, unknown> = { ...record };
  for (const symbol of Object.getOwnPropertySymbols(copy)) delete copy[symbol];
  const names = Object.keys(copy);
  for (const name of names) {
    const field = copy[name];
    const fieldCopy = copyField(field, nameHash(name), depth, describes);
    // Defined already: an assignment to a field named __proto__ sets that field, not the prototype.
    if (fieldCopy !== field) copy[name] = fieldCopy;
  }
  endRecord(describes ? typeBytes(names) : 0);
  return copy;
}

function endRecord(described: number): void {
  bytes += described + 1;
  // Where a record ends is part of what it says.
  digest = mix32(digest, 0x7d);
}

/** Copies what a field of a record holds; `name`: the hash of the field's name. */
function copyField(field: unknown, name: number, depth: number, describes: boolean): unknown {
  bytes += 1;
  // The commonest kind of field, without another call.
  if (typeof field === "number" && (field | 0) === field) {
    bytes += field >= 0 && field < 0x40 ? 1 : smallIntBytes(field);
    digest = mix32(digest, field ^ name);
    return field;
  }
  digest = (digest + name) | 0;
  return copyValue(field, depth + 1, describes);
}

function copyArray(array: readonly unknown[], depth: number, describes: boolean): unknown[] {
  const length = array.length;
  bytes += lengthBytes(length);
  digest = mix32(digest, length ^ 0x6172);
  const copy: unknown[] = new Array(length);
  for (let i = 0; i < length; i++) copy[i] = copyValue(array[i], depth + 1, describes && i === 0);
  return copy;
}

function copyView(view: ArrayBufferView): ArrayBufferView {
  const from = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  bytes += from.length + lengthBytes(from.length);
  addBytes(from);
  const copy = from.slice();
  if (view instanceof Uint8Array) return copy;
  if (view instanceof DataView) return new DataView(copy.buffer);
  const type = view.constructor as new (buffer: ArrayBuffer) => ArrayBufferView;
  return new type(copy.buffer);
}

/** Objects that are neither records, arrays nor bytes: the built-in containers keep their type, anything else arrives as a record of its own fields. */
function copyExotic(value: object, depth: number, describes: boolean): unknown {
  if (value instanceof Map) return new Map(copyArray([...value], depth, describes) as [unknown, unknown][]);
  if (value instanceof Set) return new Set(copyArray([...value], depth, describes));
  if (value instanceof Date) {
    addNumber(value.getTime());
    return new Date(value.getTime());
  }
  if (value instanceof ArrayBuffer) return (copyView(new Uint8Array(value)) as Uint8Array).buffer;
  if (value instanceof Promise) throw new UnsendableError("a Promise cannot be sent: await it first");
  return copyAnyRecord(value as Record<string, unknown>, depth, describes);
}

function addNumber(value: number): void {
  if ((value | 0) === value) {
    bytes += smallIntBytes(value);
    digest = mix32(digest, value);
    return;
  }
  bytes += 9;
  scratchFloat[0] = value;
  digest = mix32(mix32(digest, scratchWords[0]!), scratchWords[1]!);
}

const scratchFloat = new Float64Array(1);
const scratchWords = new Int32Array(scratchFloat.buffer);

function smallIntBytes(value: number): number {
  const magnitude = value < 0 ? -value : value;
  if (magnitude < 0x40) return 1;
  if (magnitude < 0x80) return 2;
  if (magnitude < 0x8000) return 3;
  return magnitude < 0x80_0000 ? 4 : 5;
}

function addString(text: string): void {
  const length = text.length;
  if (length > 64) {
    addLongString(text);
    return;
  }
  let hash = length ^ 0x7374;
  let wide = 0;
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    hash = Math.imul(hash ^ unit, 0x01000193);
    if (unit > 0x7f) wide += unit > 0x7ff ? 2 : 1;
  }
  bytes += length + wide + lengthBytes(length);
  digest = mix32(digest, hash);
}

/** Of the long string met last: a long command goes the same way many times, to each server and to its service. */
let longText = "";
let longTextBytes = 0;
let longTextHash = 0;

function addLongString(text: string): void {
  if (text !== longText) measureLongString(text);
  bytes += longTextBytes + lengthBytes(longTextBytes);
  digest = mix32(digest, longTextHash);
}

/** Hashed four bytes at a time: character by character they would be most of what their test costs. */
function measureLongString(text: string): void {
  const most = 3 * text.length;
  if (most > scratchBytes.length) {
    scratchBytes = Buffer.alloc(2 * most + 3);
    scratchInts = intsOver(scratchBytes);
  }
  const size = scratchBytes.write(text, "utf8");
  scratchBytes.fill(0, size, size + 3);
  let hash = size ^ 0x7374;
  for (let i = 0; i < (size + 3) >> 2; i++) hash = Math.imul(hash ^ scratchInts[i]!, 0x01000193) ^ (hash >>> 15);
  longText = text;
  longTextBytes = size;
  longTextHash = hash;
}

let scratchBytes = Buffer.alloc(1 << 15);
let scratchInts = intsOver(scratchBytes);

function intsOver(buffer: Buffer): Int32Array {
  return new Int32Array(buffer.buffer, buffer.byteOffset, buffer.length >> 2);
}

function addBytes(from: Uint8Array): void {
  let hash = from.length ^ 0x6279;
  for (let i = 0; i < from.length; i++) hash = Math.imul(hash ^ from[i]!, 0x01000193);
  digest = mix32(digest, hash);
}

function lengthBytes(length: number): number {
  if (length < 0x80) return 1;
  return length < 0x100 ? 2 : length < 0x1_0000 ? 3 : 5;
}
