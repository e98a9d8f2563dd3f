/**
 * Stand-ins for the classes that let code see when garbage is collected, which no two runs have in common. The language lets a collector be as late
 * as it likes: here nothing is ever collected.
 */

class StrongRef<T extends object> {
  readonly #target: T;

  constructor(target: T) {
    // Lets the real one say what is wrong with a target that is none.
    if (!canBeHeldWeakly(target)) new RealWeakRef(target);
    this.#target = target;
  }

  deref(): T {
    return this.#target;
  }
}

class IdleRegistry {
  constructor(cleanup: () => void) {
    if (typeof cleanup !== "function") new RealRegistry(cleanup);
  }

  register(): void {}

  unregister(): boolean {
    return false;
  }
}

const RealWeakRef = WeakRef;
const RealRegistry = FinalizationRegistry;

function canBeHeldWeakly(target: unknown): boolean {
  return (typeof target === "object" && target !== null) || typeof target === "function";
}

for (const [simulated, name] of [
  [StrongRef, "WeakRef"],
  [IdleRegistry, "FinalizationRegistry"],
] as const) {
  Object.defineProperty(simulated, "name", { value: name });
  Object.defineProperty(simulated.prototype, Symbol.toStringTag, { value: name, configurable: true });
}

export { IdleRegistry as SimulatedFinalizationRegistry, StrongRef as SimulatedWeakRef };
