import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { builtIn, type Fault, type Finding, hunt, importRaft, inThisThread, jobOf, writeRaft } from "../../../../mutants/index.mjs";
import * as harness from "../../src/index.ts";

/**
 * One-line faults of the built-in Raft, each with the tests that must catch it: by these, the tests test themselves. docs/mutants.md shows how soon all
 * of them are caught, with checks and without.
 */

/** Runs within which each of these tests must fail. The seeds are fixed: a mutant that is caught once is caught always, until something else changes. */
const runs = 100;

/** The tests are to notice by themselves, not by the invariants that every run is held against. */
const testsAlone = { checks: "off" } as const;

const { mutants } = builtIn;
const directory = mkdtempSync(join(tmpdir(), "raft-mutants-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function write(name: string, fault?: Fault): string {
  return writeRaft(builtIn, join(directory, name), fault);
}

const caught: Finding[] = [];

const titled = mutants
  .filter(({ caughtBy }) => caughtBy.length > 0)
  .map((mutant) => [mutant.name, mutant.caughtBy.join(", "), mutant] as const);

describe("the mutant", () => {
  it.each(titled)("%s is caught by %s", async (name, _tests, mutant) => {
    const runJob = inThisThread(harness, await importRaft(write(name, mutant)), testsAlone);
    const { findings } = await hunt({ harness, runJob, tests: mutant.caughtBy, runs });
    expect(findings.map(({ test }) => test).toSorted()).toEqual(mutant.caughtBy.toSorted());
    caught.push(...findings);
  });
});

it("the Raft without a fault passes every run that a mutant failed", async () => {
  expect(caught.length).toBeGreaterThan(mutants.length / 2);
  const runJob = inThisThread(harness, await importRaft(write("unmutated")));
  for (const { test, run } of new Map(caught.map((finding) => [`${finding.test} ${finding.run}`, finding])).values()) {
    const { outcome, failure } = await runJob(jobOf(harness, test, run));
    expect(`run ${run} of ${test}: ${outcome} ${failure?.reason ?? ""}`).toBe(`run ${run} of ${test}: pass `);
  }
});

it("the mutants that no test catches can be loaded too", async () => {
  for (const mutant of mutants.filter(({ caughtBy }) => caughtBy.length === 0)) {
    expect(await importRaft(write(mutant.name, mutant)), mutant.name).toBeTypeOf("function");
  }
});

it("a fault that does not fit the code is an error", () => {
  const fault = { file: "election.js", find: "no such text", replace: "" };
  expect(() => write("stale", fault)).toThrow(/occurs 0 times in packages\/raft\/dist\/election\.js, expected once: "no such text"/);
  expect(() => write("twice", { ...fault, find: "state" })).toThrow(/occurs \d\d times/);
});
