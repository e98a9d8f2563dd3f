import { type SharedObject, sharedObjects } from "./shared-objects.ts";

type Key = string | symbol;

/** One shared object as it was. */
interface Memory {
  readonly object: object;
  readonly name: string;
  /** All own keys, and what each of them was. Looking one up calls nothing. */
  readonly keys: readonly Key[];
  readonly descriptors: Readonly<Record<Key, PropertyDescriptor | undefined>>;
  /** Keys whose value is compared after each run, and keys that are code under test's own business. */
  readonly compared: readonly Key[];
  readonly free: Readonly<Record<Key, true | undefined>>;
  /** How many of its keys are enumerable: an assignment makes such a one, and counting them is cheap. */
  readonly enumerable: number;
  readonly prototype: object | null;
  readonly extensible: boolean;
  /** Whether all its keys are counted after each run. */
  readonly thorough: boolean;
}

const inheritedByAll: ReadonlySet<string> = new Set([
  "Object.prototype", "Function.prototype", "Array.prototype", "String.prototype", "Promise.prototype", "Map.prototype", "Set.prototype", "Error.prototype",
]); // biome-ignore format: a list

/** Settings of V8 that code may set for itself, and that every run finds as the first one did. */
const settings: ReadonlySet<Key> = new Set(["stackTraceLimit", "prepareStackTrace"]);

/** The first difference between a shared object and what it was. */
export interface BuiltinChange {
  readonly owner: object;
  readonly key: Key;
  readonly kind: "added" | "changed";
  /** In words: `changed Array.prototype.push`. */
  readonly deed: string;
  /** Why that cannot be, where it is not for the sake of all who need the object as it was. */
  readonly why?: string;
  /** Whether the object stands in for one of Node's modules. */
  readonly isOfStandIn?: boolean;
}

/** Objects whose values are compared by one function. */
interface Group {
  readonly memories: readonly Memory[];
  readonly isStandIn: boolean;
  readonly firstOtherValue: () => number;
}

/**
 * Remembers the built-in objects that all code of this thread shares, tells whether they have been changed since, and puts them back. It is asked when
 * any of them may have been changed: what it needs to look and to put back it takes from them beforehand, and it calls no methods and iterates over nothing.
 */
export class BuiltinsGuard {
  readonly #globals = memoryOf(globalThis, "globalThis");
  readonly #groups: Group[];
  readonly #globalCount = countGlobals();
  readonly #stackTraceLimit: unknown = Error.stackTraceLimit;
  readonly #prepareStackTrace: unknown = Error.prepareStackTrace;

  /** Takes the present state as the right one. */
  constructor() {
    this.#groups = [groupOf([this.#globals, ...memoriesOf(sharedObjects())], false)];
  }

  /** From now on these objects, too, belong to all code, as they are now. */
  learn(objects: readonly SharedObject[], isStandIn: boolean): void {
    this.#groups[this.#groups.length] = groupOf(memoriesOf(objects, true), isStandIn);
  }

  /**
   * Undefined when all is as it was. New global variables are no change: code of all kinds sets some. New properties that no loop comes across are
   * looked for where they would matter most, and everywhere when the look is to be `thorough`; a getter in the place of a getter is not seen.
   */
  firstChange(thorough = false): BuiltinChange | undefined {
    for (let i = 0; i < this.#groups.length; i++) {
      const change = this.#firstChangeIn(this.#groups[i]!, thorough);
      if (change !== undefined) return change;
    }
    return undefined;
  }

  /** The first one of the language, and of each module of Node's. */
  changes(): readonly BuiltinChange[] {
    const changes: BuiltinChange[] = [];
    for (let i = 0; i < this.#groups.length; i++) {
      const group = this.#groups[i]!;
      const change = this.#firstChangeIn(group, true);
      if (change !== undefined) changes[changes.length] = { ...change, isOfStandIn: group.isStandIn };
    }
    return changes;
  }

  #firstChangeIn(group: Group, thorough: boolean): BuiltinChange | undefined {
    const { memories } = group;
    const other = positionOfOtherValue(group);
    if (other >= 0) return otherValue(memories[other]!);
    for (let i = 0; i < memories.length; i++) {
      const memory = memories[i]!;
      if (memory === this.#globals) continue;
      if (thorough || memory.thorough || keysOf(memory.object).length !== memory.enumerable) {
        const change = otherKeys(memory);
        if (change !== undefined) return change;
      }
    }
    return undefined;
  }

  /** Removes what a run has left without harm. Puts everything back if the run has changed more. */
  tidy(changed: boolean, thorough = false): void {
    if (changed || this.hasLeftovers(thorough)) this.restore();
  }

  /** Whether code under test has set global variables of its own or V8's settings: no harm in itself. Those that no loop comes across take a `thorough` look. */
  hasLeftovers(thorough = false): boolean {
    if (Error.stackTraceLimit !== this.#stackTraceLimit || Error.prepareStackTrace !== this.#prepareStackTrace) return true;
    return countGlobals() !== this.#globalCount || (thorough && this.#hasOtherGlobals());
  }

  /** Names of global variables that are there now and were not then. */
  newGlobals(): Key[] {
    return this.#hasOtherGlobals() ? namesOfOthers(this.#globals) : [];
  }

  /** By their number: one of another name is there only beside those that were there. */
  #hasOtherGlobals(): boolean {
    return ownKeys(globalThis).length !== this.#globals.keys.length;
  }

  /** Puts everything back, global variables included. */
  restore(): void {
    this.restoreBuiltins();
    removeOthers(this.#globals);
  }

  /** Puts everything back but lets new global variables be. */
  restoreBuiltins(): void {
    for (let i = 0; i < this.#groups.length; i++) {
      const { memories } = this.#groups[i]!;
      for (let j = 0; j < memories.length; j++) {
        if (memories[j] !== this.#globals) removeOthers(memories[j]!);
        putBack(memories[j]!);
      }
    }
  }
}

const {
  ownKeys,
  getPrototypeOf: getPrototype,
  setPrototypeOf: setPrototype,
  getOwnPropertyDescriptor,
  defineProperty,
  deleteProperty,
  isExtensible,
} = Reflect;
const { is, keys: keysOf, getOwnPropertySymbols } = Object;

/** Of those that an assignment makes: counting all would take four times as long. */
function countGlobals(): number {
  return keysOf(globalThis).length + getOwnPropertySymbols(globalThis).length;
}

function memoriesOf(objects: readonly SharedObject[], thorough?: boolean): Memory[] {
  return objects.map(({ object, name }) => memoryOf(object, name, thorough));
}

function groupOf(memories: readonly Memory[], isStandIn: boolean): Group {
  return { memories, isStandIn, firstOtherValue: valueComparison(memories) };
}

/** Position of the first object that has another value, or -1. */
function positionOfOtherValue({ memories, firstOtherValue }: Group): number {
  try {
    return firstOtherValue();
  } catch {
    // A value has become a getter, and the getter throws.
    let position = memories.length - 1;
    while (position >= 0 && !hasOtherDescriptor(memories[position]!)) position--;
    return position;
  }
}

/** A descriptor that inherits nothing: what code under test adds to Object.prototype must not be part of it. */
function descriptorOf(object: object, key: Key): PropertyDescriptor | undefined {
  const descriptor = getOwnPropertyDescriptor(object, key);
  if (descriptor !== undefined) setPrototype(descriptor, null);
  return descriptor;
}

function memoryOf(object: object, name: string, thorough = inheritedByAll.has(name)): Memory {
  const keys = ownKeys(object);
  const descriptors = Object.create(null) as Record<Key, PropertyDescriptor>;
  for (const key of keys) descriptors[key] = descriptorOf(object, key)!;
  const free = Object.create(null) as Record<Key, true | undefined>;
  for (const key of settings) free[key] = true;
  return {
    object,
    name,
    keys,
    descriptors,
    compared: keys.filter((key) => free[key] === undefined && isComparable(descriptors[key]!)),
    free,
    enumerable: keysOf(object).length,
    prototype: getPrototype(object),
    extensible: isExtensible(object),
    thorough,
  };
}

/** NaN is not even the same as itself. */
function isComparable(descriptor: PropertyDescriptor): boolean {
  return "value" in descriptor && !Number.isNaN(descriptor.value);
}

/**
 * A function that returns the position of the first object one of whose values is another now, or -1. It is written out, a line for each of a thousand
 * properties: a loop over them would look each up by name and take fifty times as long, after every run.
 */
function valueComparison(memories: readonly Memory[]): () => number {
  const keys: Key[] = [];
  const values: unknown[] = [];
  const lines = memories.flatMap((memory, position) => [
    `object = objects[${position}];`,
    ...memory.compared.map((key) => {
      const number = keys.push(key) - 1;
      values.push(memory.descriptors[key]!.value);
      const member = typeof key === "string" ? `[${JSON.stringify(key)}]` : `[keys[${number}]]`;
      return `if (object${member} !== values[${number}]) return ${position};`;
    }),
  ]);
  const body = `return () => { let object;\n${lines.join("\n")}\nreturn -1; }`;
  const make = new Function("objects", "keys", "values", body) as (...parts: unknown[][]) => () => number;
  return make(
    memories.map(({ object }) => object),
    keys,
    values,
  );
}

function otherValue({ object, name, keys, descriptors, free, extensible }: Memory): BuiltinChange {
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!;
    if (free[key] !== undefined) continue;
    const now = descriptorOf(object, key);
    if (now === undefined) return { owner: object, key, kind: "changed", deed: `deleted ${shown(name, key)}` };
    if (isOther(now, descriptors[key]!)) return { owner: object, key, kind: "changed", deed: `changed ${shown(name, key)}` };
  }
  return { owner: object, key: "", kind: "changed", deed: extensible && !isExtensible(object) ? `froze ${name}` : `changed ${name}` };
}

function hasOtherDescriptor({ object, keys, descriptors, free }: Memory): boolean {
  for (let i = 0; i < keys.length; i++) {
    if (free[keys[i]!] === undefined && isOther(descriptorOf(object, keys[i]!), descriptors[keys[i]!]!)) return true;
  }
  return false;
}

function isOther(now: PropertyDescriptor | undefined, then: PropertyDescriptor): boolean {
  return now === undefined || !is(now.value, then.value) || now.get !== then.get || now.set !== then.set;
}

function otherKeys(memory: Memory): BuiltinChange | undefined {
  const { object, name, keys, descriptors, free, prototype, extensible } = memory;
  const now = ownKeys(object);
  if (now.length < keys.length || (extensible && !isExtensible(object))) return otherValue(memory);
  for (let i = 0; now.length > keys.length && i < now.length; i++) {
    const key = now[i]!;
    if (descriptors[key] === undefined && free[key] === undefined)
      return { owner: object, key, kind: "added", deed: `added ${shown(name, key)}` };
  }
  return getPrototype(object) === prototype
    ? undefined
    : { owner: object, key: "__proto__", kind: "changed", deed: `changed the prototype of ${name}` };
}

function shown(name: string, key: Key): string {
  if (name === "globalThis") return `the global ${String(key)}`;
  return typeof key === "symbol" ? `${name}[${String(key)}]` : `${name}.${key}`;
}

function namesOfOthers({ object, descriptors }: Memory): Key[] {
  const now = ownKeys(object) as Key[];
  const names: Key[] = [];
  for (let i = 0; i < now.length; i++) if (descriptors[now[i]!] === undefined) names[names.length] = now[i]!;
  return names;
}

function removeOthers({ object, descriptors }: Memory): void {
  const now = ownKeys(object);
  for (let i = 0; i < now.length; i++) {
    if (descriptors[now[i]!] === undefined) deleteProperty(object, now[i]!);
  }
}

function putBack({ object, keys, descriptors, prototype }: Memory): void {
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!;
    const present = descriptorOf(object, key);
    const former = descriptors[key]!;
    if (isOther(present, former) || present?.writable !== former.writable) defineProperty(object, key, former);
  }
  if (getPrototype(object) !== prototype) setPrototype(object, prototype);
}
