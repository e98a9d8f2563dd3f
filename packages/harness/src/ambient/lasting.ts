import type { Replacement } from "./locale.ts";
import type { SharedObject } from "./shared-objects.ts";
import { currentWorld, refuse } from "./world.ts";

type Call = (...args: never[]) => unknown;
type Definition = PropertyDescriptor | undefined;

/**
 * Keeps what code under test does to shared objects from being for ever: a property that it defines on one can be deleted, whatever it asks for, and to
 * freeze one fails the run.
 */
export class Lasting {
  readonly #names = new WeakMap<object, string>();
  /** Whether a property has been defined on a shared object: perhaps one that no loop comes across. */
  touched = false;

  learn(objects: readonly SharedObject[]): void {
    for (const { object, name } of objects) this.#names.set(object, name);
  }

  /** Stand-ins for the functions of the language that could do so. */
  replacements(): Replacement[] {
    const { freeze, seal, preventExtensions } = Object;
    return [
      ...[Object, Reflect].map((holder) => this.#defining(holder, holder.defineProperty as Call)),
      this.#definingAll(Object.defineProperties),
      this.#fixing(Object, "freeze", freeze),
      this.#fixing(Object, "seal", seal),
      this.#fixing(Object, "preventExtensions", preventExtensions),
      this.#fixing(Reflect, "preventExtensions", Reflect.preventExtensions),
    ];
  }

  #defining(holder: object, real: Call): Replacement {
    const define = real as (object: object, key: PropertyKey, definition: Definition) => unknown;
    const defining = (object: object, key: PropertyKey, definition: Definition): unknown => {
      if (!this.#isShared(object)) return define(object, key, definition);
      this.#refuseForGetter(object, key, defining);
      return define(object, key, deletable(object, key, definition));
    };
    return standIn(holder, "defineProperty", real, defining);
  }

  #definingAll(real: typeof Object.defineProperties): Replacement {
    const defining = (object: object, properties: PropertyDescriptorMap): unknown => {
      if (!this.#isShared(object)) return real(object, properties);
      for (const key of Reflect.ownKeys(properties)) this.#refuseForGetter(object, key, defining);
      return real(object, this.#allDeletable(object, properties));
    };
    return standIn(Object, "defineProperties", real, defining);
  }

  /** In a run: what takes the place of a getter is seen by nobody afterwards, and the thread's own code may depend on it at once. */
  #refuseForGetter(object: object, key: PropertyKey, caller: Call): void {
    if (currentWorld() === undefined || Reflect.getOwnPropertyDescriptor(object, key)?.get === undefined) return;
    const member = typeof key === "symbol" ? `[${String(key)}]` : `.${String(key)}`;
    refuse(`changed ${this.#names.get(object)}${member}`, "it belongs to all servers, and to all runs of this thread", caller);
  }

  #isShared(object: object): boolean {
    if (!this.#names.has(object)) return false;
    this.touched = true;
    return true;
  }

  #fixing(holder: object, method: string, real: Call): Replacement {
    const fix = real as (object: object) => unknown;
    const names = this.#names;
    const fixing = (object: object): unknown => {
      const name = names.get(object);
      return name === undefined
        ? fix(object)
        : refuse(`froze ${name}`, "it belongs to all servers, and to all runs of this thread", fixing);
    };
    return standIn(holder, method, real, fixing);
  }

  #allDeletable(object: object, properties: PropertyDescriptorMap): PropertyDescriptorMap {
    const all = Reflect.ownKeys(properties).map((key) => [key, deletable(object, key, properties[key as string])]);
    return Object.fromEntries(all) as PropertyDescriptorMap;
  }
}

/** What is no definition is left for the language to refuse. */
function deletable(object: object, key: PropertyKey, definition: Definition): Definition {
  if (typeof definition !== "object" || definition === null || definition.configurable) return definition;
  const former = Reflect.getOwnPropertyDescriptor(object, key);
  if (former !== undefined && (!former.configurable || definition.configurable === undefined)) return definition;
  return { ...definition, configurable: true };
}

function standIn(holder: object, name: string, real: Call, value: Call): Replacement {
  return [holder, name, Object.defineProperties(value, { name: { value: name }, length: { value: real.length } })];
}
