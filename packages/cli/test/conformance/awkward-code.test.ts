import { readdirSync } from "node:fs";
import type { IterationResult } from "@raft-stress/harness";
import { describe, expect, it } from "vitest";
import { bundle, RaftThread } from "../../testing/raft-thread.mjs";
import { failures, fileOf, identity, jobsOf } from "../support/rafts.ts";

/**
 * Code that is awkward but legal, beside the lab-style Raft: each file does what repeats exactly only if the simulation has everything in hand. What it
 * sees it sends, so that the hash of a run covers it.
 */
const directory = "packages/cli/test/fixtures/awkward";

const names = readdirSync(fileOf(directory))
  .filter((name) => name !== "beside-raft.ts")
  .map((name) => name.replace(/\.ts$/, ""));

const seeds = [1, 2];
const jobs = ["TestReElection2A", "TestPersist32C"].flatMap((test) => jobsOf(test, seeds));

/** The runs of all orders, one after the other. */
async function runsOn(thread: RaftThread, orders: readonly (readonly (typeof jobs)[number][])[]): Promise<IterationResult[]> {
  try {
    return await thread.run(orders.flat());
  } finally {
    await thread.close();
  }
}

const facts = (result: IterationResult) => ({ ...identity(result), log: result.log });
const byJob = (a: IterationResult, b: IterationResult) => `${a.job.test} ${a.job.seed}`.localeCompare(`${b.job.test} ${b.job.seed}`);

/** Of each file's first run. */
const firstHashes = new Set<string>();

describe("runs are the same on two threads, in two orders, as first and as later runs of a thread: with code that uses", () => {
  it.each(names)("%s", async (name) => {
    const raft = await bundle(fileOf(`${directory}/${name}.ts`));
    const settings = { archive: true };
    const backwards = jobs.toReversed();
    const all = await Promise.all([
      runsOn(new RaftThread({ raft, settings }), [jobs, jobs]),
      runsOn(new RaftThread({ raft, settings }), [backwards, jobs]),
    ]);
    const [first, ...others] = all.flatMap((results) => [results.slice(0, jobs.length), results.slice(jobs.length)]);
    const expected = first!.toSorted(byJob).map(facts);
    expect(failures(first!)).toEqual([]);
    for (const other of others) expect(other.toSorted(byJob).map(facts)).toEqual(expected);
    expect(new Set(expected.map(({ traceHash }) => traceHash)).size).toBe(jobs.length);
    for (const { log } of expected) expect(log).toContain(" told ");
    // Else what a file does would not be seen.
    const { traceHash } = first![0]!;
    expect(firstHashes).not.toContain(traceHash);
    firstHashes.add(traceHash);
  });
});
