import { sharedObjects } from "./shared-objects.ts";

type Key = string | symbol;

/** One shared object as it was. */
interface Memory {
  readonly object: object;
  readonly name: string;
  readonly descriptors: ReadonlyMap<Key, PropertyDescriptor>;
  /** How many of its keys are enumerable: an assignment makes such a one, and counting them is cheap. */
  readonly enumerable: number;
  /** Keys that hold a value. */
  readonly keys: readonly Key[];
  readonly prototype: object | null;
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
  /** In words: `changed Array.prototype.push`. */
  readonly deed: string;
}

/**
 * Remembers the built-in objects that all code of this thread shares, tells whether they have been changed since, and puts them back. Taken from
 * them beforehand: the few functions it needs to do so.
 */
export class BuiltinsGuard {
  #memories: readonly Memory[] = [];
  #firstOtherValue: () => number = () => -1;
  #stackTraceLimit = 0;
  #prepareStackTrace: unknown;

  constructor() {
    this.remember();
  }

  /** Takes the present state as the right one. */
  remember(): void {
    this.#memories = [{ object: globalThis, name: "globalThis" }, ...sharedObjects()].map(({ object, name }) => memoryOf(object, name));
    this.#firstOtherValue = valueComparison(this.#memories);
    this.#stackTraceLimit = Error.stackTraceLimit;
    this.#prepareStackTrace = Error.prepareStackTrace;
  }

  /**
   * Undefined when all is as it was. New global variables are no change: code of all kinds sets some. New properties that are not enumerable are
   * looked for only where they would matter most.
   */
  firstChange(): BuiltinChange | undefined {
    const other = this.#firstOtherValue();
    if (other >= 0) return otherValue(this.#memories[other]!);
    for (let i = 1; i < this.#memories.length; i++) {
      const memory = this.#memories[i]!;
      if (keysOf(memory.object).length !== memory.enumerable || inheritedByAll.has(memory.name)) {
        const change = otherKeys(memory);
        if (change !== undefined) return change;
      }
    }
    return undefined;
  }

  /** Removes what a run has left without harm: new global variables, settings of V8. Puts everything back if the run has changed more. */
  tidy(changed: boolean): void {
    if (changed || keysOf(globalThis).length !== this.#memories[0]!.enumerable) this.restore();
    else if (Error.stackTraceLimit !== this.#stackTraceLimit || Error.prepareStackTrace !== this.#prepareStackTrace) this.restore();
  }

  /** Puts everything back, global variables included. */
  restore(): void {
    for (const { object, descriptors, prototype } of this.#memories) {
      putBack(object, descriptors);
      if (getPrototype(object) !== prototype) setPrototype(object, prototype);
    }
  }
}

// Code under test may replace these too.
const {
  ownKeys,
  getPrototypeOf: getPrototype,
  setPrototypeOf: setPrototype,
  getOwnPropertyDescriptor: getDescriptor,
  defineProperty,
  deleteProperty,
} = Reflect;
const { is, keys: keysOf } = Object;

function memoryOf(object: object, name: string): Memory {
  const descriptors = new Map(ownKeys(object).map((key) => [key, getDescriptor(object, key)!]));
  const keys = [...descriptors.keys()].filter((key) => !settings.has(key) && "value" in descriptors.get(key)!);
  return { object, name, descriptors, enumerable: keysOf(object).length, keys, prototype: getPrototype(object) };
}

/**
 * A function that returns the position of the first object one of whose values is another now, or -1. It is written out, a line for each of a thousand
 * properties: a loop over them would look each up by name and take fifty times as long, after every run.
 */
function valueComparison(memories: readonly Memory[]): () => number {
  const keys: Key[] = [];
  const values: unknown[] = [];
  const lines = memories.flatMap((memory, position) => {
    const own = memory.keys.filter((key) => !Number.isNaN(memory.descriptors.get(key)!.value));
    return [
      `object = objects[${position}];`,
      ...own.map((key) => {
        const number = keys.push(key) - 1;
        values.push(memory.descriptors.get(key)!.value);
        const member = typeof key === "string" ? `[${JSON.stringify(key)}]` : `[keys[${number}]]`;
        return `if (object${member} !== values[${number}]) return ${position};`;
      }),
    ];
  });
  const body = `return () => { let object;\n${lines.join("\n")}\nreturn -1; }`;
  const make = new Function("objects", "keys", "values", body) as (...parts: unknown[][]) => () => number;
  return make(
    memories.map(({ object }) => object),
    keys,
    values,
  );
}

function otherValue({ object, name, descriptors }: Memory): BuiltinChange {
  for (const [key, { value, get }] of descriptors) {
    const now = getDescriptor(object, key);
    if (now === undefined) return { owner: object, key, deed: `deleted ${shown(name, key)}` };
    if (!is(now.value, value) || now.get !== get) return { owner: object, key, deed: `changed ${shown(name, key)}` };
  }
  return { owner: object, key: "", deed: `changed ${name}` };
}

function otherKeys(memory: Memory): BuiltinChange | undefined {
  const { object, name, descriptors, prototype } = memory;
  const now = ownKeys(object);
  if (now.length > descriptors.size) {
    const added = now.find((key) => !descriptors.has(key) && !settings.has(key));
    if (added !== undefined) return { owner: object, key: added, deed: `added ${shown(name, added)}` };
  } else if (now.length < descriptors.size) return otherValue(memory);
  return getPrototype(object) === prototype ? undefined : { owner: object, key: "__proto__", deed: `changed the prototype of ${name}` };
}

function shown(name: string, key: Key): string {
  if (name === "globalThis") return `the global ${String(key)}`;
  return typeof key === "symbol" ? `${name}[${String(key)}]` : `${name}.${key}`;
}

function putBack(object: object, descriptors: ReadonlyMap<Key, PropertyDescriptor>): void {
  for (const key of ownKeys(object)) {
    if (!descriptors.has(key)) deleteProperty(object, key);
  }
  for (const [key, descriptor] of descriptors) {
    const now = getDescriptor(object, key);
    if (now === undefined || !is(now.value, descriptor.value) || now.get !== descriptor.get || now.set !== descriptor.set) {
      defineProperty(object, key, descriptor);
    }
  }
}
