import type { MakeRaft, Raft } from "@raft-stress/raft/api";
import { settleBuiltins } from "./ambient/tampering.ts";
import { Cluster } from "./cluster/cluster.ts";
import { checkFirstState, checkRaft, ShapeError } from "./cluster/shape.ts";
import { HarnessFault, ImplementationError, isOfClass, StuckError } from "./failure.ts";
import type { BeforeEvent, ClockKind } from "./result.ts";
import { EventTeller } from "./sim/event-teller.ts";
import { defaultLimits } from "./sim/limits.ts";
import { runReal, runVirtual, startStopwatchUs } from "./sim/run-loop.ts";
import { Simulation } from "./sim/simulation.ts";

/** What came of booting one server. */
export type ProbeEnd =
  | { readonly type: "booted" }
  /** It is no Raft: what is wrong with it, in a sentence. */
  | { readonly type: "misfit"; readonly why: string }
  /** The implementation threw, at once or in a promise. */
  | { readonly type: "threw"; readonly thrown: unknown };

const servers = 3;
const bootEvent = 1;

/** Boots one server of three in a world that is thrown away: its boot event, with all the promises in it, and nothing after. */
export async function probe(makeRaft: MakeRaft, clock: ClockKind, progress?: Int32Array, beforeEvent?: BeforeEvent): Promise<ProbeEnd> {
  const simulation = new Simulation({
    seed: { high: 0, low: 0 },
    traceLevel: "none",
    limits: defaultLimits,
    stopAtEvent: bootEvent + 1,
    watch: beforeEvent === undefined ? undefined : new EventTeller(beforeEvent),
    progress,
    realElapsedUs: clock === "real" ? startStopwatchUs() : undefined,
  });
  const cluster = new Cluster(simulation, (env) => asked(makeRaft(env)), { servers, snapshots: false });
  // An event that comes after, whether or not the server has set a timer.
  void cluster.start(0).then(() => simulation.sleep(0));
  const shutDown = () => cluster.shutDown();
  await (clock === "real" ? runReal(simulation, shutDown) : runVirtual(simulation, shutDown));
  simulation.recent.giveBack();
  // A boot that breaks the language breaks the harness, too; the runs can tell it better.
  if (settleBuiltins(undefined) !== undefined) return { type: "booted" };
  return probeEnd(simulation.error);
}

/** Without its first answer a Raft is no Raft: the tester asks before anything else. */
function asked(made: unknown): Raft {
  const raft = checkRaft(made);
  checkFirstState(raft);
  return raft;
}

function probeEnd(error: Error | undefined): ProbeEnd {
  if (error instanceof StuckError) return { type: "booted" };
  if (!(error instanceof ImplementationError)) throw error ?? new HarnessFault("a probe that did not stop after the boot event");
  const thrown = error.cause;
  return isOfClass(thrown, ShapeError) ? { type: "misfit", why: (thrown as ShapeError).message } : { type: "threw", thrown };
}
