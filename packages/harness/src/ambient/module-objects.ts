import { promisify } from "node:util";
import type { SharedObject } from "./shared-objects.ts";

/**
 * The objects of one of Node's modules that code could leave something in, by the names under which users reach them: `path.posix`, `stream.Readable.prototype`.
 * Its plain functions are not among them: they take no properties from here on. `known`: objects that are looked after already.
 */
export function objectsOfModule(name: string, module: unknown, known: ReadonlySet<object>): SharedObject[] {
  const found = new Map<object, string>();
  const walk = (object: unknown, path: string): void => {
    if (!isObject(object) || known.has(object) || found.has(object) || Object.isFrozen(object)) return;
    if (isPlainFunction(object)) {
      keepClean(object);
      return;
    }
    found.set(object, path);
    // It marks what it is going to return, which may be a plain function of another module.
    if (typeof object === "function" && Object.hasOwn(object, promisify.custom)) promisify(object as () => void);
    if (!isOfClass(object)) for (const [key, value] of valuesOf(object)) walk(value, `${path}.${key}`);
  };
  walk(module, name);
  return Array.from(found, ([object, path]) => ({ object, name: path }));
}

/** From here on the plain functions that these objects hold take no properties, but those that are among the objects themselves. */
export function keepFunctionsClean(objects: readonly object[]): void {
  const known = new Set<unknown>(objects);
  // Written for speed: a thousand functions at the start of each thread, in code that V8 has not optimised.
  for (const object of objects) {
    for (const key of Reflect.ownKeys(object)) {
      const value: unknown = Reflect.getOwnPropertyDescriptor(object, key)!.value;
      if (typeof value === "function" && key !== "constructor" && !known.has(value) && isPlainFunction(value)) keepClean(value);
    }
  }
}

function keepClean(plain: object): void {
  Object.preventExtensions(plain);
  if (!Object.hasOwn(plain, "prototype")) return;
  const prototype: unknown = Reflect.getOwnPropertyDescriptor(plain, "prototype")?.value;
  if (isObject(prototype)) Object.preventExtensions(prototype);
}

const ofEveryFunction: ReadonlySet<PropertyKey> = new Set(["length", "name", "prototype", "arguments", "caller"]);

/** A function that has nothing of its own that could be changed. */
function isPlainFunction(value: unknown): value is object {
  if (typeof value !== "function") return false;
  const keys = Reflect.ownKeys(value);
  // Its length and its name.
  if (keys.length === 2) return true;
  if (!keys.every((key) => ofEveryFunction.has(key))) return false;
  const prototype: unknown = Reflect.getOwnPropertyDescriptor(value, "prototype")?.value;
  return !isObject(prototype) || Reflect.ownKeys(prototype).every((key) => key === "constructor");
}

/** What getters give is not asked for: some load what nobody needs, some warn that they are deprecated. */
function* valuesOf(object: object): Generator<[key: string, value: unknown]> {
  for (const key of Reflect.ownKeys(object)) {
    const value: unknown = Reflect.getOwnPropertyDescriptor(object, key)!.value;
    if (key !== "constructor" && isObject(value)) yield [String(key), value];
  }
}

/** An instance, whose members are its own business; not a function, a plain object or what has methods, as a prototype has. */
function isOfClass(object: object): boolean {
  if (typeof object === "function" || Object.hasOwn(object, "constructor")) return false;
  const prototype: unknown = Object.getPrototypeOf(object);
  return prototype !== null && prototype !== Object.prototype;
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}
