import type { MakeRaft } from "@raft-stress/raft/api";
import { runIteration } from "../../src/iteration.ts";
import type { IterationResult, RunSettings } from "../../src/result.ts";

const plainSettings: RunSettings = { clock: "virtual", traceLevel: "debug", archive: false, checkDeterminism: false };

/** One iteration of a test; seed 1 and plain settings unless told. */
export function run(
  test: string,
  makeRaft: MakeRaft,
  { seed = 1, ...settings }: Partial<RunSettings> & { seed?: number } = {},
): Promise<IterationResult> {
  const job = { test, iteration: 0, seed: seed.toString(16).padStart(16, "0") };
  return runIteration(job, makeRaft, { ...plainSettings, ...settings });
}

/** What must be the same whenever a run is repeated. */
export function identity({ traceHash, events, rpcs, bytes, commands, seconds, outcome }: IterationResult): object {
  return { traceHash, events, rpcs, bytes, commands, seconds, outcome };
}
