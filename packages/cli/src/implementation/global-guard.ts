/** The global object as it was, to be put back: what one run leaves there must not be found by the next. */
export class GlobalGuard {
  readonly #before = new Map(Reflect.ownKeys(globalThis).map((key) => [key, Reflect.getOwnPropertyDescriptor(globalThis, key)!]));

  restore(): void {
    for (const key of Reflect.ownKeys(globalThis)) if (!this.#before.has(key)) Reflect.deleteProperty(globalThis, key);
    for (const [key, before] of this.#before) {
      const now = Reflect.getOwnPropertyDescriptor(globalThis, key);
      if (now === undefined || !isSame(now, before)) Reflect.defineProperty(globalThis, key, before);
    }
  }
}

function isSame(one: PropertyDescriptor, other: PropertyDescriptor): boolean {
  return Object.is(one.value, other.value) && one.get === other.get && one.set === other.set;
}
