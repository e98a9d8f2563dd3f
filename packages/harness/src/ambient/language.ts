import { type BuiltinChange, BuiltinsGuard } from "./builtins-guard.ts";

const belongsToAll = "every server, every run and the tester itself need it as it is";

/**
 * The language as code under test finds it: Node's built-in objects, and what a module has added to them while it was evaluated, as polyfills do. It is
 * the same at the beginning of every run.
 */
export class Language {
  /** As Node has it. */
  readonly #nodes = new BuiltinsGuard();
  /** With the additions of the module that was evaluated last. */
  #present = this.#nodes;
  /** Traps are in the language: it is not what it should be, and whoever set them sees for himself what happens. */
  trapped = false;

  /**
   * Evaluates a module. What it adds to the built-in objects belongs to the language from then on. Throws an Error when it changes what was there, and
   * what the module throws.
   */
  evaluate<T>(module: () => T): T {
    if (this.trapped) return module();
    // The run has failed by then; it tells so when it is over.
    const before = this.#present.firstChange();
    if (before !== undefined) throw new TypeError(`${before.deed}: ${belongsToAll}`);
    // The additions of an earlier evaluation are not there to be added to.
    if (this.#present !== this.#nodes) this.#nodes.restoreBuiltins();
    this.#present = this.#nodes;
    try {
      return module();
    } finally {
      this.#adopt();
    }
  }

  #adopt(): void {
    const change = this.#nodes.firstChange();
    if (change === undefined) return;
    if (change.kind !== "added") {
      this.#nodes.restoreBuiltins();
      throw new TypeError(`${change.deed} while it was evaluated: ${belongsToAll}`);
    }
    this.#present = new BuiltinsGuard();
  }

  /** What a run has changed so far, beyond what its modules have added. */
  firstChange(): BuiltinChange | undefined {
    return this.#present.firstChange();
  }

  /** To be called when a run is over: puts all back as Node has it and tells the first thing that the run had changed. */
  settle(): BuiltinChange | undefined {
    const change = this.#present.firstChange();
    this.#nodes.tidy(change !== undefined || this.#present !== this.#nodes);
    this.#present = this.#nodes;
    return change;
  }
}
