import { beyondTests } from "@raft-stress/harness";
import { describe, expect, it } from "vitest";
import { bundle } from "../../testing/raft-thread.mjs";
import { failures, fileOf, identity, jobsOf, runAll } from "../support/rafts.ts";

const seeds = [1, 2];
const jobs = beyondTests.flatMap(({ name }) => jobsOf(name, seeds));

/** Rafts in all styles, as the command runs them. */
describe("all tests beyond the lab are passed", () => {
  it.each(["examples/lab-style/raft.ts", "examples/callbacks/raft.cjs", "examples/event-loop/raft.ts", "examples/reducer/raft.ts"])(
    "by %s, in the same runs in the opposite order",
    async (path) => {
      const raft = await bundle(fileOf(path));
      const backwardJobs = jobs.filter(({ iteration }) => iteration === 0).toReversed();
      const [results, backwards] = await Promise.all([runAll(raft, jobs), runAll(raft, backwardJobs)]);
      expect(failures(results)).toEqual([]);
      expect(new Set(results.map(({ traceHash }) => traceHash)).size).toBe(jobs.length);
      expect(backwards.map(identity).toReversed()).toEqual(results.filter(({ job }) => job.iteration === 0).map(identity));
    },
    120_000,
  );
});
