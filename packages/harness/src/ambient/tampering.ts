import { ImplementationError } from "../failure.ts";
import type { RunWatch } from "../sim/run-watch.ts";
import { disableStorages } from "./builtins.ts";
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
  disableStorages();
  const change = currentLanguage()?.settle();
  return watched ? undefined : change;
}

/** Fails the run of a server that boots again and would find what running code has kept beside its persister. */
export function checkNothingOutlives(server: number): void {
  const survivor = currentLanguage()?.survivor();
  if (survivor !== undefined) throw tampering(survivor, server);
}

/** The failure of a run whose code changed a built-in object, when nothing more than that is known. */
export function tampering(change: BuiltinChange, server: number | undefined): ImplementationError {
  const told = `${change.deed}: ${change.why ?? why}`;
  const error = new TypeError(told);
  // Made here, its stack would tell of us.
  error.stack = `${error.name}: ${told}`;
  return new ImplementationError(server, change.deed, error, told);
}

/**
 * Finds, in a run that is made again, the event and the line of code that make a change. An assignment or a call that changes a property runs into a
 * trap; `delete`, and what goes around the traps, is seen when its event is over.
 */
export class TamperingWatch implements RunWatch {
  readonly #change: BuiltinChange;
  readonly #former: PropertyDescriptor | undefined;
  readonly #formerPrototype: object | null;
  #trapped: PropertyDescriptor | undefined;
  readonly #putBack: (() => void)[] = [];

  constructor(change: BuiltinChange) {
    const { owner, key } = change;
    this.#change = change;
    this.#former = getOwnPropertyDescriptor(owner, key);
    this.#formerPrototype = getPrototypeOf(owner);
    const language = currentLanguage();
    if (language !== undefined) language.trapped = true;
    this.#guardCalls();
    const settable = key !== "" && key !== "__proto__" && this.#former?.configurable !== false && this.#former?.get === undefined;
    if (settable && (this.#former !== undefined || !isMadeAnew(key))) this.#setTrap();
  }

  begin(): void {}
  scheduled(): void {}
  hashed(): void {}

  end(): void {
    const world = currentWorld();
    if (world === undefined || world.stopped || !this.#isMade()) return;
    world.fail(tampering(this.#change, nameOfHost()));
  }

  /** Takes the traps away. What went around them is left for the guard to put back. */
  remove(): void {
    const language = currentLanguage();
    if (language !== undefined) language.trapped = false;
    for (const putBack of this.#putBack) putBack();
  }

  #setTrap(): void {
    const { owner, key } = this.#change;
    const former = this.#former;
    let present = former?.value as unknown;
    const refuseIt = (caller: (...args: never[]) => unknown) => this.#refuse(caller);
    const set = function (this: unknown, value: unknown): void {
      // Between events it is the thread's own code that assigns: a test runner changes timers for a moment when it reports.
      if (this === owner && currentWorld()?.inEvent !== true) {
        present = value;
        return;
      }
      // An assignment to what inherits from the owner makes a property there, as without the trap.
      if (this === owner) refuseIt(set);
      defineProperty(this as object, key, { value, writable: true, enumerable: true, configurable: true });
    };
    // An added property that loops would come across must not be there before it is added.
    this.#trapped = { configurable: true, enumerable: former?.enumerable ?? false, get: () => present, set };
    defineProperty(owner, key, this.#trapped);
    this.#putBack.push(() => {
      if (this.#isMade()) return;
      if (former === undefined) deleteProperty(owner, key);
      else defineProperty(owner, key, former);
    });
  }

  #guardCalls(): void {
    const { owner } = this.#change;
    for (const [holder, name, changes] of changingCalls) {
      const former = getOwnPropertyDescriptor(holder, name)!;
      const real = former.value as (...args: unknown[]) => unknown;
      const guarded = (...args: unknown[]): unknown => {
        if (args[0] === owner && changes(this.#change.key, args[1])) this.#refuse(guarded);
        return apply(real, holder, args);
      };
      defineProperty(holder, name, { ...former, value: guarded });
      this.#putBack.push(() => {
        if (getOwnPropertyDescriptor(holder, name)?.value === guarded) defineProperty(holder, name, former);
      });
    }
  }

  #refuse(caller: (...args: never[]) => unknown): never {
    return refuse(this.#change.deed, this.#change.why ?? why, caller);
  }

  /** Whether the change has been made: a trap is no longer what it was, or where none can be set something else is. */
  #isMade(): boolean {
    const { owner, key } = this.#change;
    if (key === "") return !isExtensible(owner);
    if (key === "__proto__") return getPrototypeOf(owner) !== this.#formerPrototype;
    if (this.#trapped === undefined && this.#former === undefined) return ownKeys(owner).some((present) => isSameKey(present, key));
    const now = getOwnPropertyDescriptor(owner, key);
    const then = this.#trapped ?? this.#former;
    return now?.get !== then?.get || now?.value !== then?.value;
  }
}

// Code under test may replace these.
const { apply, defineProperty, deleteProperty, getOwnPropertyDescriptor, getPrototypeOf, isExtensible, ownKeys } = Reflect;

type Key = string | symbol;

/** Whether every run has another symbol of this kind. */
function isMadeAnew(key: Key): boolean {
  return typeof key === "symbol" && Symbol.keyFor(key) === undefined && !wellKnownSymbols.has(key);
}

const wellKnownSymbols: ReadonlySet<unknown> = new Set(ownKeys(Symbol).map((name) => Reflect.get(Symbol, name) as unknown));

function isSameKey(a: unknown, b: Key): boolean {
  return a === b || (typeof a === "symbol" && typeof b === "symbol" && a.description === b.description);
}

const namesKey = (key: Key, named: unknown): boolean => isSameKey(named, key);
const setsPrototype = (key: Key): boolean => key === "__proto__";
const freezes = (key: Key): boolean => key === "";

/** Functions that change the object they are given, and whether with this second argument they make the change of a key. */
const changingCalls: readonly [holder: object, name: string, changes: (key: Key, argument: unknown) => boolean][] = [
  [Object, "defineProperty", namesKey],
  [Reflect, "defineProperty", namesKey],
  [Reflect, "deleteProperty", namesKey],
  [Object, "defineProperties", (key, descriptors) => ownKeys(descriptors as object).includes(key)],
  [Object, "setPrototypeOf", setsPrototype],
  [Reflect, "setPrototypeOf", setsPrototype],
  [Object, "freeze", freezes],
  [Object, "seal", freezes],
  [Object, "preventExtensions", freezes],
  [Reflect, "preventExtensions", freezes],
];
