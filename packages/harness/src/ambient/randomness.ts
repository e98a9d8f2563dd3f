import nodeCrypto from "node:crypto";
import { RandomStream } from "../sim/random.ts";
import { setImmediate } from "./timers.ts";
import { currentHost } from "./world.ts";

/** For code that a run left behind: it must neither throw nor move a server's stream. */
const idle = new RandomStream({ high: 0, low: 0 });

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

/** `crypto.getRandomValues`. */
function getRandomValues<T extends ArrayBufferView>(view: T): T {
  if (!ArrayBuffer.isView(view) || view instanceof DataView || view instanceof Float32Array || view instanceof Float64Array) {
    throw new DOMException("The data argument must be an integer-type TypedArray", "TypeMismatchError");
  }
  if (view.byteLength > 65_536) throw new DOMException(`The requested length exceeds 65,536 bytes`, "QuotaExceededError");
  fill(bytesOf(view));
  return view;
}

/** A version 4 UUID (RFC 9562, section 5.4). */
function randomUUID(): string {
  const bytes = new Uint8Array(16);
  fill(bytes);
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
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
  const bytes = Buffer.alloc(size);
  fill(bytes);
  return answer(bytes, callback);
}

type IntegerCallback = Callback<number>;

/** `randomInt([min, ]max[, callback])`: a whole number in [min, max). */
function randomInt(a: number, b?: number | IntegerCallback, c?: IntegerCallback): number | undefined {
  const [min, max, callback] = typeof b === "number" ? [a, b, c] : [0, a, b];
  if (!(Number.isSafeInteger(min) && Number.isSafeInteger(max) && max > min)) {
    throw new RangeError(`randomInt(min, max) needs whole numbers with min < max, got ${min} and ${max}`);
  }
  return answer(stream().int(min, max), callback);
}

function randomFillSync<T extends ArrayBufferView | ArrayBuffer>(view: T, offset = 0, size?: number): T {
  const unit = "BYTES_PER_ELEMENT" in view ? (view.BYTES_PER_ELEMENT as number) : 1;
  const bytes = bytesOf(view);
  fill(bytes.subarray(offset * unit, size === undefined ? undefined : (offset + size) * unit));
  return view;
}

function randomFill(view: ArrayBufferView, ...rest: unknown[]): void {
  const callback = rest.pop() as Callback<unknown>;
  answer(randomFillSync(view, ...(rest as [number?, number?])), callback);
}

/** The functions of `node:crypto` that draw random values, drawing them from the run. */
export const randomFunctions = {
  getRandomValues,
  randomUUID,
  randomBytes,
  pseudoRandomBytes: randomBytes,
  randomInt,
  randomFillSync,
  randomFill,
};

/** Functions of `node:crypto` that work in other threads, or draw random values that cannot be taken from the run. */
export const unsimulatedCrypto: ReadonlySet<string> = new Set(
  Object.keys(nodeCrypto).filter((name) =>
    /^(generate|check|scrypt$|pbkdf2$|hkdf$|createECDH$|createDiffieHellman$|diffieHellman$|argon2$|encapsulate|decapsulate)/.test(name),
  ),
);
