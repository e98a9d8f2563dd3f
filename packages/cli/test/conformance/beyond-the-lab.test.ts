import { beyondTests } from "@raft-stress/harness";
import { describe, expect, it } from "vitest";
import { bundle } from "../../testing/raft-thread.mjs";
import { failures, fileOf, identity, jobsOf, runAll } from "../support/rafts.ts";

/** Rafts in all styles, as the command runs them; `seeds`: runs of each test. */
const rafts: readonly { readonly path: string; readonly seeds: readonly number[] }[] = [
  { path: "examples/lab-style/raft.ts", seeds: [1, 2, 3] },
  { path: "examples/callbacks/raft.cjs", seeds: [1] },
  { path: "examples/event-loop/raft.ts", seeds: [1] },
  { path: "examples/reducer/raft.ts", seeds: [1] },
];

describe("all tests beyond the lab are passed", () => {
  it.each(rafts)(
    "by $path with the seeds $seeds, in the same runs in the opposite order",
    async ({ path, seeds }) => {
      const raft = await bundle(fileOf(path));
      const jobs = beyondTests.flatMap(({ name }) => jobsOf(name, seeds));
      const backwardJobs = jobs.filter(({ iteration }) => iteration === 0).toReversed();
      const [results, backwards] = await Promise.all([runAll(raft, jobs), runAll(raft, backwardJobs)]);
      expect(failures(results)).toEqual([]);
      expect(new Set(results.map(({ traceHash }) => traceHash)).size).toBe(jobs.length);
      expect(backwards.map(identity).toReversed()).toEqual(results.filter(({ job }) => job.iteration === 0).map(identity));
    },
    120_000,
  );
});
