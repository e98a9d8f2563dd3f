import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as harness from "@raft-stress/harness";
import { afterAll, describe, expect, it } from "vitest";
import { type Fault, type Finding, hunt, jobOf, labStyle, writeRaft } from "../../../../mutants/index.mjs";
import { bundle, RaftThread } from "../../testing/raft-thread.mjs";
import { failures, runAll } from "../support/rafts.ts";

/** The same as packages/harness/test/mutants for a Raft as users write it, which is loaded and run as the command does. */

/** Runs within which each of these tests must fail. The seeds are fixed. */
const runs = 100;

/** The tests are to notice by themselves, not by the invariants that every run is held against. */
const testsAlone = { checks: "off" } as const;

const { mutants } = labStyle;
const directory = mkdtempSync(join(tmpdir(), "raft-mutants-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function load(name: string, fault?: Fault) {
  return bundle(writeRaft(labStyle, join(directory, name), fault));
}

const caught: Finding[] = [];

const titled = mutants
  .filter(({ caughtBy }) => caughtBy.length > 0)
  .map((mutant) => [mutant.name, mutant.caughtBy.join(", "), mutant] as const);

describe("the mutant of the lab-style Raft", () => {
  it.each(titled)("%s is caught by %s", async (name, _tests, mutant) => {
    const thread = new RaftThread({ raft: await load(name, mutant), settings: { traceLevel: "none", ...testsAlone } });
    try {
      const runJob = async (job: harness.Job) => (await thread.run([job]))[0]!;
      const { findings } = await hunt({ harness, runJob, tests: mutant.caughtBy, runs });
      expect(findings.map(({ test }) => test).toSorted()).toEqual(mutant.caughtBy.toSorted());
      caught.push(...findings);
    } finally {
      await thread.close();
    }
  });
});

it("the lab-style Raft without a fault passes every run that a mutant failed", async () => {
  expect(caught.length).toBeGreaterThan(mutants.length / 2);
  const jobs = caught.map(({ test, run }) => jobOf(harness, test, run));
  const unequal = [...new Map(jobs.map((job) => [`${job.test} ${job.seed}`, job])).values()];
  expect(failures(await runAll(await load("unmutated"), unequal))).toEqual([]);
});

it("the mutants that no test catches can be loaded too", async () => {
  const jobs = [jobOf(harness, "TestInitialElection2A", 1)];
  for (const mutant of mutants.filter(({ caughtBy }) => caughtBy.length === 0)) {
    expect(failures(await runAll(await load(mutant.name, mutant), jobs, testsAlone)), mutant.name).toEqual([]);
  }
});
