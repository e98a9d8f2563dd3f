import {
  type BeforeEvent,
  type ClockKind,
  installAmbient,
  installForRealClock,
  type ProbeEnd,
  probe,
  registerSourceMap,
} from "@raft-stress/harness";
import type { MakeRaft, Raft } from "@raft-stress/raft/api";
import { checkBuiltinImports } from "./builtin-imports.ts";
import { requireFor } from "./builtins.ts";
import type { BundledRaft } from "./bundled-raft.ts";
import { compile, type Evaluation } from "./evaluate.ts";
import { exportedMakeRaft } from "./exported.ts";
import { KeptObjects } from "./kept-objects.ts";
import { attempt, NotLoaded, placeOfExport, threwAtTopLevel } from "./load-error.ts";

/** The Raft under test, in one thread. */
export interface Implementation {
  readonly makeRaft: MakeRaft;
  /** Boots it once, so that what is wrong with it is known before anything runs. `beforeEvent` is told of that boot. Throws NotLoaded. */
  check(progress: Int32Array, beforeEvent?: BeforeEvent): Promise<void>;
  /** Makes a run whose result owes nothing to any other run. */
  runAlone<T>(run: () => Promise<T>): Promise<T>;
}

/** Throws NotLoaded for what can be wrong with the module. */
export async function loadImplementation(bundle: BundledRaft, clock: ClockKind): Promise<Implementation> {
  return new BundledImplementation(bundle, clock);
}

/** One evaluation that serves all servers, because nothing in it can change. */
interface Shared {
  readonly makeRaft: MakeRaft;
  readonly kept: KeptObjects;
}

class BundledImplementation implements Implementation {
  readonly makeRaft: MakeRaft;
  readonly #bundle: BundledRaft;
  readonly #clock: ClockKind;
  readonly #evaluate: () => Evaluation;
  /** Undefined: each server has an evaluation of its own. */
  #shared: Shared | undefined;

  constructor(bundle: BundledRaft, clock: ClockKind) {
    this.#bundle = bundle;
    this.#clock = clock;
    registerSourceMap(bundle.scriptName, bundle.map, bundle.ownNames);
    checkBuiltinImports(bundle);
    const ambient = clock === "virtual" ? installAmbient() : installForRealClock();
    try {
      const evaluate = compile(bundle, requireFor(ambient.requireBuiltin));
      this.#evaluate = () => ambient.evaluate(evaluate);
      if (bundle.state.kind === "shared") this.#shared = this.#share(this.#evaluate());
    } catch (thrown) {
      throw attempt(() => thrown instanceof NotLoaded, false) ? thrown : threwAtTopLevel(thrown, bundle);
    }
    this.makeRaft = (env) => (this.#shared?.makeRaft ?? this.#select(this.#evaluate()))(env);
  }

  #share(evaluation: Evaluation): Shared {
    return { makeRaft: this.#select(evaluation), kept: new KeptObjects(evaluation.kept) };
  }

  #select({ exports }: Evaluation): MakeRaft {
    return exportedMakeRaft(exports, this.#bundle).makeRaft;
  }

  async check(progress: Int32Array, beforeEvent?: BeforeEvent): Promise<void> {
    const evaluation = await this.#tryEvaluation();
    const { name } = exportedMakeRaft(evaluation.exports, this.#bundle);
    // With progress: what goes wrong from here on is the implementation's doing, not a module's that cannot be loaded.
    const end = await this.#probe(this.makeRaft, progress, beforeEvent);
    // A MakeRaft that throws is a Raft with a fault: its runs will show it.
    if (end.type === "misfit") throw new NotLoaded(`does not fit the contract: ${end.why}${placeOfExport(name, this.#bundle)}`);
  }

  /** Within an event of its own, so that a promise that is rejected at the top level is told as what is thrown there. */
  async #tryEvaluation(): Promise<Evaluation> {
    let evaluation: (() => Evaluation) | undefined;
    const end = await this.#probe(() => {
      evaluation = this.#outcomeOfEvaluation();
      return idleRaft;
    });
    if (end.type === "threw") throw threwAtTopLevel(end.thrown, this.#bundle);
    return evaluation!();
  }

  /** Kept from the probe, which may tell nothing more when the language itself was changed for good. */
  #outcomeOfEvaluation(): () => Evaluation {
    try {
      const evaluation = this.#evaluate();
      return () => evaluation;
    } catch (thrown) {
      return () => {
        throw threwAtTopLevel(thrown, this.#bundle);
      };
    }
  }

  #probe(makeRaft: MakeRaft, progress?: Int32Array, beforeEvent?: BeforeEvent): Promise<ProbeEnd> {
    return probe(makeRaft, this.#clock, progress, beforeEvent);
  }

  async runAlone<T>(run: () => Promise<T>): Promise<T> {
    for (;;) {
      const shared = this.#shared;
      const result = await run();
      // A run that changed what was held to be constant does not count, and from then on nothing is shared.
      if (shared === undefined || shared.kept.unchanged) return result;
      this.#shared = undefined;
    }
  }
}

const idleRaft: Raft = {
  start: () => ({ index: -1, term: 0, isLeader: false }),
  getState: () => ({ term: 0, isLeader: false }),
  snapshot() {},
  kill() {},
  handlers: {},
};
