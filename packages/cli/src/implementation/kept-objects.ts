/** One property and its value as it was. */
interface Property {
  readonly owner: Readonly<Record<PropertyKey, unknown>>;
  readonly key: PropertyKey;
  readonly value: unknown;
}

/** One property that was a getter, a setter or both. */
interface Accessor {
  readonly owner: object;
  readonly key: PropertyKey;
  readonly get: unknown;
  readonly set: unknown;
}

/** What an object was made of, whatever its properties held. */
interface Shape {
  readonly owner: object;
  /** Of its own, those included that no loop comes across. */
  readonly keys: number;
  readonly prototype: unknown;
}

/** A method and the number of its keys that an assignment could have added to. */
interface Method {
  readonly owner: object;
  readonly keys: number;
}

/**
 * The functions, classes and objects that a module keeps at its top level, as they were when it had been evaluated: own properties and their values,
 * and those of all that can be reached by them.
 */
export class KeptObjects {
  readonly #properties: Property[] = [];
  readonly #accessors: Accessor[] = [];
  readonly #shapes: Shape[] = [];
  /** Classes have many, and few are ever held by themselves: to see a symbol that one of them was given would cost ten times as much. */
  readonly #methods: Method[] = [];
  readonly #seen = new Set<object>();

  constructor(objects: readonly unknown[]) {
    for (const object of objects) this.#remember(object);
  }

  /** Whether each of them still is as it was. */
  get unchanged(): boolean {
    try {
      return this.#haveSameValues() && this.#haveSameShapes();
    } catch {
      // A value has become a getter, and the getter throws.
      return false;
    }
  }

  #haveSameValues(): boolean {
    for (const { owner, key, value } of this.#properties) if (!Object.is(owner[key], value)) return false;
    for (const { owner, key, get, set } of this.#accessors) {
      const now = Reflect.getOwnPropertyDescriptor(owner, key);
      if (now?.get !== get || now?.set !== set) return false;
    }
    return true;
  }

  #haveSameShapes(): boolean {
    for (const { owner, keys } of this.#methods) if (Object.keys(owner).length !== keys) return false;
    for (const { owner, keys, prototype } of this.#shapes) {
      if (Reflect.ownKeys(owner).length !== keys || Object.getPrototypeOf(owner) !== prototype) return false;
    }
    return true;
  }

  #remember(object: unknown): void {
    if (!isObject(object) || this.#seen.has(object)) return;
    this.#seen.add(object);
    // What is frozen can only hold something that changes.
    if (!Object.isFrozen(object)) {
      this.#shapes.push({ owner: object, keys: Reflect.ownKeys(object).length, prototype: Object.getPrototypeOf(object) });
    }
    for (const key of Reflect.ownKeys(object)) this.#rememberProperty(object, key);
    if (object instanceof Map || object instanceof Set) for (const [key, value] of object.entries()) this.#rememberAll(key, value);
    if (ArrayBuffer.isView(object)) this.#remember(object.buffer);
  }

  #rememberAll(...objects: readonly unknown[]): void {
    for (const object of objects) this.#remember(object);
  }

  #rememberProperty(owner: object, key: PropertyKey): void {
    const { value, get, set, writable, configurable, enumerable } = Reflect.getOwnPropertyDescriptor(owner, key)!;
    if (get !== undefined || set !== undefined) {
      // The functions are code of the module's own.
      if (configurable) this.#accessors.push({ owner, key, get, set });
      return;
    }
    if (writable || configurable) this.#properties.push({ owner: owner as Property["owner"], key, value });
    if (typeof value === "function" && !enumerable && key !== "constructor") this.#rememberMethod(value);
    else this.#remember(value);
  }

  #rememberMethod(method: object): void {
    if (this.#seen.has(method)) return;
    this.#seen.add(method);
    this.#methods.push({ owner: method, keys: Object.keys(method).length });
  }
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}
