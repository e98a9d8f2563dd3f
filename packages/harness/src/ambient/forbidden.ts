import { currentWorld, refuse } from "./world.ts";

const why = "what lies outside of the run cannot be made to repeat (only --clock real allows it)";

/** Fails the run for a call. `caller`: the stand-in that was called. */
export function refuseCall(name: string, caller: (...args: never[]) => unknown): never {
  return refuse(`called ${name}()`, why, caller);
}

/** A function that fails the run of whoever calls or constructs it. `name`: how users write the call, without the parentheses. */
export function forbiddenFunction(name: string): (...args: unknown[]) => never {
  return function forbidden() {
    return refuseCall(new.target === undefined ? name : `new ${name}`, forbidden);
  };
}

/** The same for a function that the thread itself needs between its runs. */
export function forbiddenDuringRuns<A extends unknown[], R>(name: string, real: (...args: A) => R): (...args: A) => R {
  return function forbidden(...args) {
    return currentWorld() === undefined ? real(...args) : refuseCall(name, forbidden);
  };
}

/** The same for a function that Node's own JavaScript calls by its global name, at a time of its own. */
export function forbiddenForOthersThanNode(name: string, real: (...args: unknown[]) => unknown): (...args: unknown[]) => unknown {
  return function forbidden(...args) {
    const isNew = new.target !== undefined;
    if (isCalledByNode(forbidden)) return isNew ? Reflect.construct(real, args) : Reflect.apply(real, undefined, args);
    return refuseCall(isNew ? `new ${name}` : name, forbidden);
  };
}

function isCalledByNode(callee: (...args: never[]) => unknown): boolean {
  const { stackTraceLimit, prepareStackTrace } = Error;
  const caller = { stack: "" };
  try {
    Error.stackTraceLimit = 1;
    Error.prepareStackTrace = (_, frames) => frames[0]?.getFileName() ?? "";
    Error.captureStackTrace(caller, callee);
    return caller.stack.startsWith("node:internal/");
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    Error.prepareStackTrace = prepareStackTrace;
  }
}

/**
 * A stand-in for a namespace of functions: those that `allowed` does not name fail the run of whoever calls them; constants stay. Importing such a
 * module is no offence: many libraries import what they call only elsewhere.
 */
export function forbiddenNamespace(name: string, real: object, allowed: (member: string) => boolean = () => false): object {
  const stand: Record<string, unknown> = {};
  for (const [key, { value, get }] of membersOf(real)) {
    const standIn = (member: unknown): unknown => {
      if (allowed(key) && !isObjectOfData(member)) return member;
      if (typeof member === "function") return forbiddenFunction(`${name}.${key}`);
      if (key === "default" || member === real) return stand;
      return isData(member) ? frozenCopy(member) : forbiddenNamespace(`${name}.${key}`, member as object);
    };
    // Getters are asked when the member is: some load what nobody needs, some warn that they are deprecated.
    if (get === undefined) stand[key] = standIn(value);
    else Object.defineProperty(stand, key, { configurable: true, enumerable: true, get: () => standIn(attempt(() => get.call(real))) });
  }
  return stand;
}

/** Puts other members into a stand-in. Copying the stand-in instead would ask all its getters. */
export function withMembers(stand: object, members: object): object {
  return Object.defineProperties(stand, Object.getOwnPropertyDescriptors(members));
}

/** The real class but for methods that fail the run of their caller. */
export function withForbiddenMethods(Real: abstract new (...args: never[]) => object, ...methods: readonly string[]): object {
  const { name } = Real;
  const simulated = class extends (Real as new () => object) {};
  Object.defineProperty(simulated, "name", { value: name });
  for (const method of methods) {
    const value = forbiddenFunction(`${name}.${method}`);
    Object.defineProperty(simulated.prototype, method, { value, writable: true, configurable: true });
  }
  return simulated;
}

/** Members of an object by name, with those it inherits as an instance of a class. */
export function membersOf(real: object): Map<string, PropertyDescriptor> {
  const members = new Map<string, PropertyDescriptor>();
  for (let owner: object | null = real; owner !== null && !ends.has(owner); owner = Object.getPrototypeOf(owner) as object | null) {
    for (const key of Object.getOwnPropertyNames(owner)) {
      if (!members.has(key) && !(key === "constructor" && owner !== real)) members.set(key, Object.getOwnPropertyDescriptor(owner, key)!);
    }
  }
  return members;
}

const ends: ReadonlySet<object> = new Set([Object.prototype, Function.prototype]);

/** Whether a value does nothing: it is no object, or one of plain data. */
function isData(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) return false;
  return Object.values(Object.getOwnPropertyDescriptors(value)).every(
    (member) => member.get === undefined && typeof member.value !== "function",
  );
}

function isObjectOfData(value: unknown): boolean {
  return typeof value === "object" && isData(value);
}

/** Data that nobody can change, and that is nobody else's. */
export function frozenCopy<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return Object.freeze(value.map(frozenCopy)) as T;
  const copy = Object.create(Object.getPrototypeOf(value) as object | null) as Record<string, unknown>;
  for (const key of Object.keys(value)) copy[key] = frozenCopy((value as Record<string, unknown>)[key]);
  return Object.freeze(copy) as T;
}

function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
