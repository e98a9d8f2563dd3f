import { EventEmitter } from "node:events";

/**
 * The objects that all code of a thread shares: the global object, the built-in functions and their prototypes. Code under test must leave them as they
 * are: a change would reach the other servers, later runs and the harness.
 */
export function sharedObjects(): readonly SharedObject[] {
  const found = new Map<object, string>();
  for (const name of globals) {
    const value: unknown = Reflect.get(globalThis, name);
    if (isObject(value)) addWithPrototype(found, value, name);
  }
  for (const [object, name] of hidden()) addWithPrototype(found, object, name);
  return Array.from(found, ([object, name]) => ({ object, name }));
}

export interface SharedObject {
  readonly object: object;
  /** As users write it: `Array.prototype`. */
  readonly name: string;
}

/** The globals of the language, and those of Node's that a Raft may well use. */
const globals = [
  "Array", "ArrayBuffer", "Atomics", "BigInt", "BigInt64Array", "BigUint64Array", "Boolean", "DataView", "Date", "Error", "EvalError", "Float32Array",
  "Float64Array", "Function", "Int8Array", "Int16Array", "Int32Array", "Intl", "JSON", "Map", "Math", "Number", "Object", "Promise", "Proxy", "RangeError",
  "ReferenceError", "Reflect", "RegExp", "Set", "SharedArrayBuffer", "String", "Symbol", "SyntaxError", "TypeError", "URIError", "Uint8Array",
  "Uint8ClampedArray", "Uint16Array", "Uint32Array", "WeakMap", "WeakSet", "AggregateError", "AbortController", "AbortSignal", "Buffer", "console",
  "DOMException", "Event", "EventTarget", "TextDecoder", "TextEncoder", "URL", "URLSearchParams", "clearImmediate", "clearInterval", "clearTimeout",
  "performance", "process", "queueMicrotask", "setImmediate", "setInterval", "setTimeout", "structuredClone", "crypto", "WeakRef", "FinalizationRegistry",
  "Float16Array", "DisposableStack", "AsyncDisposableStack", "SuppressedError", "Iterator", "Temporal",
  "WebAssembly",
]; // biome-ignore format: a list

function addWithPrototype(found: Map<object, string>, value: object, name: string): void {
  if (found.has(value)) return;
  found.set(value, name);
  const prototype: unknown = typeof value === "function" ? value.prototype : undefined;
  if (isObject(prototype) && !found.has(prototype)) found.set(prototype, `${name}.prototype`);
}

/** Built-in objects that no global names. */
function hidden(): [object, string][] {
  const prototype = (object: object): object => Object.getPrototypeOf(object) as object;
  const generator = function* (): Generator {};
  const asyncGenerator = async function* (): AsyncGenerator {};
  return [
    [EventEmitter, "EventEmitter"],
    [prototype(async () => {}), "AsyncFunction.prototype"],
    [prototype(generator), "GeneratorFunction.prototype"],
    [prototype(asyncGenerator), "AsyncGeneratorFunction.prototype"],
    [prototype(generator.prototype as object), "Generator.prototype"],
    [prototype(asyncGenerator.prototype as object), "AsyncGenerator.prototype"],
    [prototype(prototype(generator.prototype as object)), "Iterator.prototype"],
    [prototype(prototype(asyncGenerator.prototype as object)), "AsyncIterator.prototype"],
    [prototype([][Symbol.iterator]()), "ArrayIterator.prototype"],
    [prototype(new Map()[Symbol.iterator]()), "MapIterator.prototype"],
    [prototype(new Set()[Symbol.iterator]()), "SetIterator.prototype"],
    [prototype(""[Symbol.iterator]()), "StringIterator.prototype"],
    [prototype(Uint8Array), "TypedArray"],
  ];
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}
