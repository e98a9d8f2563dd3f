import process from "node:process";
import { wakeUps } from "../sim/wake-ups.ts";
import { BuiltinsGuard } from "./builtins-guard.ts";
import { Lasting } from "./lasting.ts";
import type { Replacement } from "./locale.ts";
import { sharedObjects } from "./shared-objects.ts";
import { tampering } from "./tampering.ts";

/**
 * The language in a thread in which runs take turns on the real clock. To look at it after each turn would take more than the turns do, so it is looked at now
 * and then, and when a run has ended: a change is undone, and if several runs share the thread it ends. They are made again alone then, and whoever changes
 * it is known.
 */
export class SharedLanguage {
  #guard: BuiltinsGuard;
  readonly #lasting = new Lasting();

  constructor() {
    this.#lasting.learn([{ object: globalThis, name: "the global object" }, ...sharedObjects()]);
    this.#guard = new BuiltinsGuard();
  }

  /** Stand-ins for what makes changes that cannot be undone; to be in their places before `watch`. */
  replacements(): readonly Replacement[] {
    return this.#lasting.replacements();
  }

  /** `endThread`: ends it at once. */
  watch(endThread: () => never): void {
    this.#guard = new BuiltinsGuard();
    wakeUps.look = (only) => {
      const change = this.#guard.firstChange();
      if (change === undefined) return;
      this.#guard.restoreBuiltins();
      if (only === undefined) endThread();
      only.fail(tampering(change, undefined));
    };
  }

  /** Evaluates a module. What it does to the built-in objects belongs to the language from then on. */
  evaluate<T>(module: () => T): T {
    try {
      return module();
    } finally {
      if (this.#guard.firstChange() !== undefined) this.#guard = new BuiltinsGuard();
    }
  }
}

// Stand-ins take its place for servers.
const { exit } = process;

/** Ends the thread. */
export function endThread(): never {
  return exit(1);
}
