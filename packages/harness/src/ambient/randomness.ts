import nodeCrypto from "node:crypto";
import { RandomStream } from "../sim/random.ts";
import { virtualDateMs } from "./time.ts";
import { setImmediate } from "./timers.ts";
import { currentHost } from "./world.ts";

/** For a module's evaluation, and for code that a run left behind: it must neither throw nor move a server's stream. */
let idle = new RandomStream({ high: 0, low: 0 });

/** Every evaluation of a module draws the same. */
export function rewindIdle(): void {
  idle = new RandomStream({ high: 0, low: 0 });
}

function stream(): RandomStream {
  return currentHost()?.random ?? idle;
}

/** `Math.random`: the stream of the server that asks. */
export function random(): number {
  return stream().next();
}

function fill(bytes: Uint8Array): void {
  const from = stream();
  for (let i = 0; i < bytes.length; ) {
    let word = from.word();
    for (let end = Math.min(i + 4, bytes.length); i < end; i++, word >>>= 8) bytes[i] = word;
  }
}

/** A view's bytes, whatever its elements are. */
function bytesOf(view: ArrayBufferView | ArrayBuffer): Uint8Array {
  return ArrayBuffer.isView(view) ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength) : new Uint8Array(view);
}

const integerArrays = new Set(
  ["Int8", "Uint8", "Int16", "Uint16", "Int32", "Uint32", "BigInt64", "BigUint64"].map((type) => `${type}Array`),
).add("Uint8ClampedArray");

/** `crypto.getRandomValues`. What it cannot fill, Node itself refuses. */
function getRandomValues<T extends ArrayBufferView>(view: T): T {
  const type = ArrayBuffer.isView(view) ? (Reflect.get(view, Symbol.toStringTag) as string) : "";
  if (!integerArrays.has(type) || view.byteLength > 65_536) return nodeCrypto.getRandomValues(view as never);
  fill(bytesOf(view));
  return view;
}

/** A version 4 UUID (RFC 9562, section 5.4). */
function randomUUID(): string {
  const bytes = new Uint8Array(16);
  fill(bytes);
  return uuidFrom(bytes, 4);
}

/** A version 7 UUID (RFC 9562, section 5.7): 48 bits of milliseconds, then random ones. */
function randomUUIDv7(): string {
  const bytes = new Uint8Array(16);
  fill(bytes);
  let ms = virtualDateMs();
  for (let i = 5; i >= 0; i--) {
    bytes[i] = ms % 256;
    ms = Math.floor(ms / 256);
  }
  return uuidFrom(bytes, 7);
}

function uuidFrom(bytes: Uint8Array, version: number): string {
  bytes[6] = (bytes[6]! & 0x0f) | (version << 4);
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20), digits.slice(20)].join("-");
}

type Callback<T> = (error: null, value: T) => void;

/** Node answers callbacks later, from its thread pool. */
function answer<T>(value: T, callback: Callback<T> | undefined): T | undefined {
  if (callback === undefined) return value;
  setImmediate(() => callback(null, value));
  return undefined;
}

function randomBytes(size: number, callback?: Callback<Buffer>): Buffer | undefined {
  if (!(size >= 0 && size < 2 ** 31 && isCallback(callback)))
    return nodeCrypto.randomBytes(size, callback as never) as unknown as undefined;
  const bytes = Buffer.alloc(size);
  fill(bytes);
  return answer(bytes, callback);
}

type IntegerCallback = Callback<number>;

/** `randomInt([min, ]max[, callback])`: a whole number in [min, max). */
function randomInt(a: number, b?: number | IntegerCallback, c?: IntegerCallback): number | undefined {
  const [min, max, callback] = b === undefined || typeof b === "function" ? [0, a, b] : [a, b, c];
  const fit = Number.isSafeInteger(min) && Number.isSafeInteger(max) && max > min && max - min < 2 ** 48;
  if (!fit || !isCallback(callback)) return nodeCrypto.randomInt(a, b as number, c as never) as unknown as undefined;
  return answer(stream().int(min, max), callback);
}

function isCallback(callback: unknown): boolean {
  return callback === undefined || typeof callback === "function";
}

function randomFillSync<T extends ArrayBufferView | ArrayBuffer>(view: T, offset = 0, size?: number): T {
  // Node checks the arguments, and fills the same bytes: ours come after.
  if (!ArrayBuffer.isView(view) || offset !== 0 || size !== undefined) nodeCrypto.randomFillSync(view as never, offset, size as never);
  const unit = "BYTES_PER_ELEMENT" in view ? (view.BYTES_PER_ELEMENT as number) : 1;
  const bytes = bytesOf(view);
  fill(bytes.subarray(offset * unit, size === undefined ? undefined : (offset + size) * unit));
  return view;
}

function randomFill(view: ArrayBufferView, ...rest: unknown[]): void {
  const callback = rest.pop();
  if (typeof callback !== "function") nodeCrypto.randomFill(view as never, callback as never);
  answer(randomFillSync(view, ...(rest as [number?, number?])), callback as Callback<unknown>);
}

/** The functions of `node:crypto` that draw random values, drawing them from the run. */
export const randomFunctions = {
  getRandomValues,
  randomUUID,
  ...("randomUUIDv7" in nodeCrypto ? { randomUUIDv7 } : {}),
  randomBytes,
  pseudoRandomBytes: randomBytes,
  prng: randomBytes,
  rng: randomBytes,
  randomInt,
  randomFillSync,
  randomFill,
};

/** Functions of `node:crypto` that give the same for the same arguments, and at once. */
export const repeatableCrypto: ReadonlySet<string> = new Set([
  "Cipheriv", "Decipheriv", "Hash", "Hmac", "KeyObject", "Verify", "X509Certificate", "constants", "createCipheriv", "createDecipheriv", "createHash",
  "createHmac", "createPrivateKey", "createPublicKey", "createSecretKey", "createVerify", "getCipherInfo", "getCiphers", "getCurves", "getFips",
  "getHashes", "hash", "hkdfSync", "pbkdf2Sync", "privateDecrypt", "publicDecrypt", "scryptSync", "timingSafeEqual",
]); // biome-ignore format: a list
