import { labTests } from "@raft-stress/harness";
import { describe, expect, it } from "vitest";
import type { BundledRaft } from "../../src/implementation/bundled-raft.ts";
import { bundle } from "../../testing/raft-thread.mjs";
import { failures, fileOf, identity, jobsOf, jobsOfAllTests, runAll } from "../support/rafts.ts";

/** Rafts in all styles, as the command runs them; `seeds`: runs of each of the 28 tests. */
const rafts: readonly { readonly path: string; readonly seeds: readonly number[] }[] = [
  { path: "examples/lab-style/raft.ts", seeds: [1, 2, 3] },
  { path: "examples/callbacks/raft.cjs", seeds: [1] },
  { path: "examples/event-loop/raft.ts", seeds: [1] },
  { path: "examples/reducer/raft.ts", seeds: [1] },
];

/** The same Raft, evaluated anew for each server. */
function isolated(raft: BundledRaft): BundledRaft {
  return { ...raft, state: { kind: "isolated", because: "the test wants it" } };
}

describe("all lab tests are passed", () => {
  it("by the built-in Raft, and it is the same runs when it is given as a user's file", async () => {
    const jobs = jobsOfAllTests([1, 2]);
    const ofUser = await bundle(fileOf("packages/raft/dist/index.js"));
    const [own, given] = await Promise.all([runAll(undefined, jobs), runAll(ofUser, jobs)]);
    expect(failures(own)).toEqual([]);
    expect(given.map(identity)).toEqual(own.map(identity));
  });

  it.each(rafts)("by $path with the seeds $seeds, in the same runs in the opposite order", async ({ path, seeds }) => {
    const raft = await bundle(fileOf(path));
    const [results, backwards] = await Promise.all([
      runAll(raft, jobsOfAllTests(seeds)),
      runAll(raft, jobsOfAllTests(seeds.slice(0, 1)).toReversed()),
    ]);
    expect(failures(results)).toEqual([]);
    expect(new Set(results.map(({ traceHash }) => traceHash)).size).toBe(labTests.length * seeds.length);
    expect(backwards.map(identity).toReversed()).toEqual(results.filter(({ job }) => job.iteration === 0).map(identity));
  });

  it.each(rafts)("by $path in checked mode with the seeds $seeds, and some of them a second time", async ({ path, seeds }) => {
    const raft = await bundle(fileOf(path));
    const again = ["TestManyElections2A", "TestPersist32C", "TestSnapshotInit2D"].flatMap((test) => jobsOf(test, [1]));
    const [results, repeated] = await Promise.all([
      runAll(raft, jobsOfAllTests(seeds), { checks: "race" }),
      runAll(raft, again, { checks: "race", checkDeterminism: true }),
    ]);
    expect(failures(results)).toEqual([]);
    expect(new Set(results.map(({ schedule }) => schedule)).size).toBeGreaterThan(10);
    for (const run of repeated.map(identity)) expect(results.map(identity)).toContainEqual(run);
  });

  it.each(rafts)("by $path in the same runs when each of its servers evaluates the module anew", async ({ path }) => {
    const shared = await bundle(fileOf(path));
    expect(shared.state.kind).toBe("shared");
    const jobs = ["TestManyElections2A", "TestCount2B", "TestPersist22C", "TestSnapshotInstallUnCrash2D"].flatMap((test) =>
      jobsOf(test, [1]),
    );
    const [together, apart] = await Promise.all([runAll(shared, jobs), runAll(isolated(shared), jobs)]);
    expect(apart.map(identity)).toEqual(together.map(identity));
  });
});

// When the runs have changed on purpose: `raft-stress --raft examples/lab-style-buggy/raft.ts TestFigure8Unreliable2C --seed 1 -n 20` gives new seeds.
it("the planted mistake of lab-style-buggy is found where the docs say, and nowhere else among the first runs", async () => {
  const raft = await bundle(fileOf("examples/lab-style-buggy/raft.ts"));
  const found = { test: "TestFigure8Unreliable2C", iteration: 0, seed: "f1de82285ab611df" };
  const [figure8, ...others] = await runAll(raft, [found, ...jobsOfAllTests([1])]);
  expect(figure8).toMatchObject({ outcome: "fail", failure: { property: "Election Quorum" } });
  const { reason, evidence } = figure8!.failure!;
  expect(reason).toBe("Election Quorum: S4 leads term 40 with the votes of 2 of 5 servers (S1, S4)");
  expect(evidence!.map(({ text }) => text)).toEqual([
    "S4 asked for votes in term 40",
    "S1 granted its vote to S4 in term 40",
    "S4 leads term 40",
  ]);
  expect(evidence![0]!.disk).toBe("term 40, a vote for S4, log 1..110, the last of term 6");
  expect(failures(others)).toEqual([]);
});

it("the planted mistake of lab-style-buggy is seen by its effects only when nothing is checked", async () => {
  const raft = await bundle(fileOf("examples/lab-style-buggy/raft.ts"));
  const found = { test: "TestFigure8Unreliable2C", iteration: 0, seed: "2cb3b7f9d2adea7c" };
  const [figure8, ...others] = await runAll(raft, [found, ...jobsOfAllTests([1])], { checks: "off" });
  expect(figure8).toMatchObject({ outcome: "fail", failure: { cause: "servers applied different commands at one index" } });
  expect(failures(others)).toEqual([]);
});
