import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type Finding, hunt, loadRaft, mutants, runOnce, writeRaft } from "../../../raft/mutants/index.mjs";
import * as harness from "../../src/index.ts";

/**
 * One-line faults of the built-in Raft, each with the tests that must catch it: by these, the tests test themselves. docs/mutants.md shows what all tests
 * do with all mutants, and what no test catches.
 */

/** Runs within which each of these tests must fail. The seeds are fixed: a mutant that is caught once is caught always, until something else changes. */
const runs = 100;

const directory = mkdtempSync(join(tmpdir(), "raft-mutants-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function newDirectory(name: string): string {
  const path = join(directory, name);
  mkdirSync(path);
  return path;
}

const caught: Finding[] = [];

const titled = mutants
  .filter(({ caughtBy }) => caughtBy.length > 0)
  .map((mutant) => [mutant.name, mutant.caughtBy.join(", "), mutant] as const);

describe("the mutant", () => {
  it.each(titled)("%s is caught by %s", async (_name, _tests, mutant) => {
    const makeRaft = await loadRaft(writeRaft(newDirectory(mutant.name), mutant));
    const { findings } = await hunt({ harness, makeRaft, tests: mutant.caughtBy, runs });
    expect(findings.map(({ test }) => test).toSorted()).toEqual(mutant.caughtBy.toSorted());
    caught.push(...findings);
  });
});

it("the Raft without a fault passes every run that a mutant failed", async () => {
  expect(caught.length).toBeGreaterThan(mutants.length / 2);
  const makeRaft = await loadRaft(writeRaft(newDirectory("unmutated")));
  for (const { test, run } of new Map(caught.map((finding) => [`${finding.test} ${finding.run}`, finding])).values()) {
    const { outcome, failure } = await runOnce(harness, makeRaft, test, run);
    expect(`run ${run} of ${test}: ${outcome} ${failure?.reason ?? ""}`).toBe(`run ${run} of ${test}: pass `);
  }
});

it("the mutants that no test catches can be loaded too", async () => {
  for (const mutant of mutants.filter(({ caughtBy }) => caughtBy.length === 0)) {
    expect(await loadRaft(writeRaft(newDirectory(mutant.name), mutant)), mutant.name).toBeTypeOf("function");
  }
});

it("a fault that does not fit the code is an error", () => {
  const fault = { file: "election.js", find: "no such text", replace: "" };
  expect(() => writeRaft(newDirectory("stale"), fault)).toThrow(
    /occurs 0 times in packages\/raft\/dist\/election\.js, expected once: "no such text"/,
  );
  expect(() => writeRaft(newDirectory("twice"), { ...fault, find: "state" })).toThrow(/occurs \d\d times/);
});
