import { ImplementationError } from "../failure.ts";
import type { RunWatch } from "../sim/run-watch.ts";
import type { BuiltinChange } from "./builtins-guard.ts";
import { currentLanguage, currentWorld, nameOfHost, refuse } from "./world.ts";

const why = "the built-in objects belong to all servers, and to all runs of this thread";

/**
 * What a run's code has done to the built-in objects; they are as before again when this returns. Undefined without a guard, and when a
 * TamperingWatch has been there: it has told.
 */
export function settleBuiltins(watch: RunWatch | undefined): BuiltinChange | undefined {
  const watched = watch instanceof TamperingWatch;
  if (watched) watch.remove();
  const change = currentLanguage()?.settle();
  return watched ? undefined : change;
}

/** The failure of a run whose code changed a built-in object, when nothing more than that is known. */
export function tampering(change: BuiltinChange, server: number | undefined): ImplementationError {
  const told = `${change.deed}: ${why}`;
  return new ImplementationError(server, change.deed, new TypeError(told), told);
}

/**
 * Finds, in a run that is made again, the event and the line of code that make a change. An assignment runs into a trap; what else changes a
 * property is seen when its event is over.
 */
export class TamperingWatch implements RunWatch {
  readonly #change: BuiltinChange;
  #trapped: PropertyDescriptor | undefined;

  constructor(change: BuiltinChange) {
    this.#change = change;
    this.#setTrap();
  }

  begin(): void {}
  scheduled(): void {}
  hashed(): void {}

  end(): void {
    const world = currentWorld();
    if (world === undefined || world.stopped || !this.#sprung()) return;
    world.fail(tampering(this.#change, nameOfHost()));
  }

  /** Takes the trap away. What went around it is left for the guard to put back. */
  remove(): void {
    if (this.#trapped !== undefined && !this.#sprung()) this.#putBack();
  }

  #setTrap(): void {
    const { owner, key, deed } = this.#change;
    const former = Object.getOwnPropertyDescriptor(owner, key);
    if (key === "" || key === "__proto__" || former?.configurable === false || former?.get !== undefined) return;
    this.#trapped = {
      configurable: true,
      // An added property that loops would come across must not be there before it is added.
      enumerable: former?.enumerable ?? false,
      get: () => former?.value as unknown,
      set(this: unknown, next: unknown) {
        // An assignment to what inherits from the owner makes a property there, as without the trap.
        if (this !== owner) {
          Object.defineProperty(this, key, { value: next, writable: true, enumerable: true, configurable: true });
          return;
        }
        refuse(deed, why);
      },
    };
    this.#putBack = () => {
      if (former === undefined) Reflect.deleteProperty(owner, key);
      else Object.defineProperty(owner, key, former);
    };
    Object.defineProperty(owner, key, this.#trapped);
  }

  #putBack: () => void = () => {};

  /** Whether the trap is no longer what it was, or, where none could be set, whether the change has been made. */
  #sprung(): boolean {
    const { owner, key } = this.#change;
    if (this.#trapped === undefined) return currentLanguage()?.firstChange() !== undefined;
    return Object.getOwnPropertyDescriptor(owner, key)?.get !== this.#trapped.get;
  }
}
