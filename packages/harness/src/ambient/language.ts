import { type BuiltinChange, BuiltinsGuard } from "./builtins-guard.ts";
import { Lasting } from "./lasting.ts";
import { keepFunctionsClean, objectsOfModule } from "./module-objects.ts";
import { type Setting, settingsOfAll, settingsOfModule, tablesOfInspect } from "./settings.ts";
import { type SharedObject, sharedObjects } from "./shared-objects.ts";

const belongsToAll = "every server, every run and the tester itself need it as it is";
const mustNotOutlive = "a server that boots again must find what its persister holds, and nothing else";

/**
 * The language as code under test finds it: Node's built-in objects, and what a module has added to them while it was evaluated, as polyfills do. It is
 * the same at the beginning of every run.
 */
export class Language {
  /** As Node has it. */
  readonly #nodes: BuiltinsGuard;
  /** With the additions of the module that was evaluated last. */
  #present: BuiltinsGuard;
  /** Those of Node's modules that were asked for. */
  readonly #modules: { readonly objects: readonly SharedObject[]; readonly isStandIn: boolean }[] = [];
  readonly #known: Set<object>;
  readonly #settings: Setting[] = settingsOfAll();
  readonly #lasting: Lasting;
  /** Global variables that modules have set in this run while they were evaluated. */
  #ofModules: Record<string | symbol, true> = noNames();
  #survivor: BuiltinChange | undefined;
  /** Traps are in the language: it is not what it should be, and whoever set them sees for himself what happens. */
  trapped = false;

  constructor(lasting = new Lasting()) {
    const objects = [{ object: globalThis, name: "the global object" }, ...sharedObjects()];
    this.#known = new Set([...objects.map(({ object }) => object), ...tablesOfInspect()]);
    keepFunctionsClean([...this.#known]);
    lasting.learn(objects);
    this.#lasting = lasting;
    this.#nodes = new BuiltinsGuard();
    this.#present = this.#nodes;
  }

  /** A module of Node's, or what stands in for it, is given to code under test for the first time: from now on it is part of the language. */
  learn(name: string, module: unknown, isStandIn: boolean): void {
    const objects = objectsOfModule(name, module, this.#known);
    for (const { object } of objects) this.#known.add(object);
    this.#modules.push({ objects, isStandIn });
    this.#settings.push(...settingsOfModule(name));
    this.#lasting.learn(objects);
    this.#nodes.learn(objects, isStandIn);
    if (this.#present !== this.#nodes) this.#present.learn(objects, isStandIn);
  }

  /**
   * Evaluates a module. What it adds to the built-in objects belongs to the language from then on. Throws an Error when it changes what was there, and
   * what the module throws.
   */
  evaluate<T>(module: () => T): T {
    if (this.trapped) return module();
    // The run has failed by then; it tells so when it is over.
    const before = this.firstChange();
    if (before !== undefined) throw new TypeError(`${before.deed}: ${belongsToAll}`);
    // The additions of an earlier evaluation are not there to be added to.
    if (this.#present !== this.#nodes) this.#nodes.restoreBuiltins();
    this.#present = this.#nodes;
    const globals = this.#nodes.newGlobals();
    try {
      return module();
    } finally {
      this.#adoptGlobals(globals);
      this.#adopt();
    }
  }

  #adoptGlobals(before: readonly (string | symbol)[]): void {
    const now = this.#nodes.newGlobals();
    for (let i = 0; i < now.length; i++) if (!contains(before, now[i]!)) this.#ofModules[now[i]!] = true;
  }

  #adopt(): void {
    const changes = this.#nodes.changes();
    if (changes.length === 0) return;
    for (let i = 0; i < changes.length; i++) {
      const { kind, deed, isOfStandIn } = changes[i]!;
      // A stand-in for one of Node's modules is needed by nobody else.
      if (kind === "added" || isOfStandIn) continue;
      this.#nodes.restoreBuiltins();
      throw new TypeError(`${deed} while it was evaluated: ${belongsToAll}`);
    }
    this.#present = new BuiltinsGuard();
    for (const { objects, isStandIn } of this.#modules) this.#present.learn(objects, isStandIn);
  }

  /** What a run has changed so far, beyond what its modules have added. */
  firstChange(): BuiltinChange | undefined {
    return this.#present.firstChange(this.#lasting.touched);
  }

  /** A global variable that running code has set and that is there when a server boots again: it has outlived a crash. The run has failed then. */
  survivor(): BuiltinChange | undefined {
    if (this.trapped) return undefined;
    const globals = this.#nodes.newGlobals();
    for (let i = 0; i < globals.length && this.#survivor === undefined; i++) {
      const key = globals[i]!;
      if (this.#ofModules[key] !== undefined) continue;
      this.#survivor = { owner: globalThis, key, kind: "added", deed: `kept something in the global ${String(key)}`, why: mustNotOutlive };
    }
    return this.#survivor;
  }

  /** To be called when a run is over: puts all back as Node has it and tells the first thing that the run had changed. */
  settle(): BuiltinChange | undefined {
    const change = this.firstChange() ?? this.#survivor;
    this.#nodes.tidy(change !== undefined || this.#present !== this.#nodes, this.#lasting.touched);
    this.#lasting.touched = false;
    for (let i = 0; i < this.#settings.length; i++) if (this.#settings[i]!.hasChanged()) this.#settings[i]!.reset();
    this.#present = this.#nodes;
    this.#survivor = undefined;
    this.#ofModules = noNames();
    return change;
  }
}

function noNames(): Record<string | symbol, true> {
  return Object.create(null) as Record<string | symbol, true>;
}

function contains(keys: readonly (string | symbol)[], sought: string | symbol): boolean {
  for (let i = 0; i < keys.length; i++) if (keys[i] === sought) return true;
  return false;
}
