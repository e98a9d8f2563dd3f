import { fileURLToPath } from "node:url";
import type { IterationResult, Job, RunSettings } from "@raft-stress/harness";
import { labTests } from "@raft-stress/harness";
import type { BundledRaft } from "../../src/implementation/bundled-raft.ts";
import { RaftThread } from "../../testing/raft-thread.mjs";

const root = new URL("../../../../", import.meta.url);

/** A file of the repository. */
export function fileOf(path: string): string {
  return fileURLToPath(new URL(path, root));
}

/** Runs of one test, one for each seed. */
export function jobsOf(test: string, seeds: readonly number[]): Job[] {
  return seeds.map((seed, iteration) => ({ test, iteration, seed: seed.toString(16).padStart(16, "0") }));
}

export function jobsOfAllTests(seeds: readonly number[]): Job[] {
  return labTests.flatMap(({ name }) => jobsOf(name, seeds));
}

/** The results of the jobs, run in order by a worker thread of their own. `raft` undefined is the built-in one. */
export async function runAll(
  raft: BundledRaft | undefined,
  jobs: readonly Job[],
  settings: Partial<RunSettings> = {},
): Promise<IterationResult[]> {
  const thread = new RaftThread({ raft, settings });
  try {
    return await thread.run(jobs);
  } finally {
    await thread.close();
  }
}

/** What must be the same whenever a run is repeated. */
export function identity({ job, outcome, traceHash, events, rpcs, bytes, commands, seconds }: IterationResult) {
  return { test: job.test, seed: job.seed, outcome, traceHash, events, rpcs, bytes, commands, seconds };
}

/** A line for each run that did not pass. */
export function failures(results: readonly IterationResult[]): string[] {
  return results
    .filter(({ outcome }) => outcome !== "pass")
    .map(({ job, outcome, failure }) => `${job.test} --seed ${job.seed}: ${outcome}: ${failure?.reason}`);
}
