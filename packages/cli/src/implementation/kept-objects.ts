/** One property and its value as it was. */
interface Property {
  readonly owner: Readonly<Record<PropertyKey, unknown>>;
  readonly key: PropertyKey;
  readonly value: unknown;
}

/** An object and the number of keys that an assignment could have added to. */
interface Size {
  readonly owner: object;
  readonly keys: number;
}

/**
 * The functions, classes and objects that a module keeps at its top level, as they were when it had been evaluated: own properties and their values,
 * and those of the prototypes and plain objects they hold.
 */
export class KeptObjects {
  readonly #properties: Property[] = [];
  readonly #sizes: Size[] = [];
  readonly #seen = new Set<object>();

  constructor(objects: readonly unknown[]) {
    for (const object of objects) this.#remember(object);
  }

  /** Whether each of them still is as it was. */
  get unchanged(): boolean {
    for (const { owner, key, value } of this.#properties) if (!Object.is(owner[key], value)) return false;
    for (const { owner, keys } of this.#sizes) if (Object.keys(owner).length !== keys) return false;
    return true;
  }

  #remember(object: unknown): void {
    if (!isObject(object) || this.#seen.has(object)) return;
    this.#seen.add(object);
    this.#sizes.push({ owner: object, keys: Object.keys(object).length });
    for (const key of Reflect.ownKeys(object)) {
      const descriptor = Reflect.getOwnPropertyDescriptor(object, key)!;
      // A getter is code of the module's own; what cannot be written to cannot change.
      if (!("value" in descriptor)) continue;
      const { value } = descriptor;
      if (descriptor.writable && key !== "constructor") this.#properties.push({ owner: object as Property["owner"], key, value });
      if (key === "prototype" || isPlain(value)) this.#remember(value);
    }
  }
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

/** What a literal makes; not an object of a class, which looks after itself. */
function isPlain(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === Array.prototype || prototype === null;
}
