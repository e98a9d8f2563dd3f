import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import {
  atOnce,
  batched,
  builtIn,
  columnsOf,
  type Detection,
  detect,
  detectWithSeeds,
  type Fault,
  faultsOfTheHarness,
  goals,
  importRaft,
  inThisThread,
  judge,
  type Mutant,
  page,
  type Row,
  type RunJob,
  readRecord,
  type Style,
  writeRaft,
  writeRecord,
} from "../../../../mutants/index.mjs";
import * as harness from "../../src/index.ts";

/** `pnpm mutants` itself, in seconds: what it measures with, how it judges, what it writes. */

const directory = mkdtempSync(join(tmpdir(), "raft-mutants-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function load(style: Style, name: string, fault?: Fault) {
  return importRaft(writeRaft(style, join(directory, style.name, name), fault));
}

const columns = columnsOf(harness);
const passes: RunJob = async () => ({ outcome: "pass", realMs: 1 });

describe("the canary", () => {
  const cases = [atOnce, batched, builtIn].flatMap((style) => columns.map((column) => [style.name, column.name, style, column] as const));

  it.each(cases)("of style %s is caught by column %s in its first run", async (_style, _column, style, column) => {
    const runJob = inThisThread(harness, await load(style, `canary-${column.name}`, style.canary), column.settings);
    const { runs, finding } = await detect({ harness, runJob, tests: column.tests, seed: 1, budgetCpuSeconds: 0 });
    expect({ runs, found: finding !== undefined }).toEqual({ runs: 1, found: true });
  });

  it.each(cases)(
    "is not caught where it isn't: style %s without it passes that run of column %s",
    async (_style, _column, style, column) => {
      const runJob = inThisThread(harness, await load(style, `unmutated-${column.name}`), column.settings);
      const { finding } = await detect({ harness, runJob, tests: column.tests, seed: 1, budgetCpuSeconds: 0 });
      expect(finding).toBeUndefined();
    },
  );
});

describe("a style without its own assertions", () => {
  it("leaves it to the tests to notice what the Raft as it is throws at", async () => {
    const fault = { file: "state.js", find: "this.becomeFollower(now);", replace: "" };
    const tests = ["TestReElection2A", "TestManyElections2A", "TestRejoin2B"];
    const causes = [];
    for (const style of [builtIn, atOnce]) {
      const runJob = inThisThread(harness, await load(style, "keeps-role", fault), { checks: "off" });
      const { finding } = await detect({ harness, runJob, tests, seed: 1, budgetCpuSeconds: 0, leastRuns: 100 });
      causes.push(finding?.cause);
    }
    expect(causes[0]).toContain("InvariantError: two leaders");
    expect(causes[1]).toBe("servers applied different commands at one index");
  });

  it("is told when an assertion is no longer there", () => {
    const fault = { file: "log.js", find: "if (entry.term < this.lastTerm) {", replace: "{" };
    expect(() => writeRaft(batched, join(directory, "other-code"), fault)).toThrow(/the assertion '.*' occurs 0 times in log\.js/);
  });
});

describe("a hunt", () => {
  it("takes the tests in turn, and ends with the first failure", async () => {
    const seen: string[] = [];
    const runJob: RunJob = async ({ test, iteration }) => {
      seen.push(`${test} ${iteration}`);
      const failure = { cause: "broken", reason: "broken", property: "P" };
      return seen.length === 5 ? { outcome: "fail", realMs: 1, failure } : { outcome: "pass", realMs: 1 };
    };
    const detection = await detect({ harness, runJob, tests: ["A", "B"], seed: 3, budgetCpuSeconds: 60 });
    expect(seen).toEqual(["A 0", "B 0", "A 1", "B 1", "A 2"]);
    expect(detection).toMatchObject({ seed: 3, runs: 5, finding: { test: "A", run: 3, outcome: "fail", cause: "broken", property: "P" } });
  });

  it("ends when its budget is spent, but not before the runs in which the fault was found before", async () => {
    expect(await detect({ harness, runJob: passes, tests: ["A"], seed: 1, budgetCpuSeconds: 0 })).toMatchObject({ runs: 1 });
    expect(await detect({ harness, runJob: passes, tests: ["A"], seed: 1, budgetCpuSeconds: 0, leastRuns: 7 })).toMatchObject({ runs: 7 });
  });

  it("is not made with more seeds when most have found nothing", async () => {
    const options = { harness, tests: ["A"], seeds: [1, 2, 3, 4, 5], budgetCpuSeconds: 0 };
    expect(await detectWithSeeds({ ...options, runJob: passes })).toHaveLength(3);
    const fails: RunJob = async () => ({ outcome: "crash", realMs: 1, failure: { cause: "broken", reason: "broken" } });
    expect(await detectWithSeeds({ ...options, runJob: fails })).toHaveLength(5);
  });
});

function found(seed: number, cpuSeconds: number, property?: string): Detection {
  return { seed, runs: seed, cpuSeconds, finding: { test: "TestBackup2B", run: 1, outcome: "fail", cause: "no | agreement", property } };
}

function missed(seed: number): Detection {
  return { seed, runs: 100, cpuSeconds: 6 };
}

function row(name: string, detections: Row["columns"], more: Partial<Mutant> = {}): Row {
  const mutant: Mutant = { name, fault: `does ${name}`, file: "x.js", find: "x", replace: "y", caughtBy: [], area: "elections", ...more };
  return { style: "at-once", mutant, columns: detections };
}

const quick = row("quick", { lab: [found(1, 0.1), found(2, 4), found(3, 9)], checked: [found(1, 0.01, "P")] });
const slow = row("slow", { lab: [found(1, 1), found(2, 5.5), missed(3)], checked: [missed(1), missed(2)] }, { rare: true });
const escaped = row("escaped", { lab: [missed(1), missed(2)], checked: [missed(1), missed(2)] });
const equivalent = row("equivalent", { lab: [missed(1), missed(2)], checked: [missed(1), missed(2)] }, { equivalent: "does nothing" });
const rows = [quick, slow, escaped, equivalent];

describe("the verdict", () => {
  it("tells what escapes, what takes too long, and which properties catch nothing first", () => {
    expect(judge(rows, ["P", "Q"])).toEqual({
      faults: 3,
      escaped: ["escaped"],
      slow: ["slow"],
      quickShare: 1 / 3,
      idleProperties: ["Q"],
      caughtThoughEquivalent: [],
    });
    expect(goals(rows, ["P", "Q"])).toContain("Caught: 2 of 3 (goal: all). Not caught: escaped.");
    const elsewhere = { ...escaped, style: "batched", columns: quick.columns };
    expect(judge([...rows, elsewhere], []).escaped).toEqual(["escaped (at-once)"]);
  });

  const sound = {
    canaries: [row("canary", { lab: [found(1, 0)] })],
    unmutated: [{ style: "at-once", columns: { lab: [missed(1)] } }],
    rows,
  };
  const never = () => false;

  it("finds nothing wrong with a harness that catches the canary and nothing else than faults", () => {
    expect(faultsOfTheHarness({ ...sound, caughtBefore: never })).toEqual([]);
  });

  it("is against a harness that lets the canary live, or catches it late", () => {
    const canaries = [row("canary", { lab: [missed(1)], checked: [found(2, 0.1)] })];
    const messages = faultsOfTheHarness({ ...sound, canaries, caughtBefore: never });
    expect(messages).toEqual([
      expect.stringMatching(/the canary of style at-once lives: column 'lab' made 100 runs/),
      expect.stringMatching(/was caught by column 'checked' in run 2 only/),
    ]);
  });

  it("is against a harness that fails a Raft without a fault", () => {
    const unmutated = [{ style: "batched", columns: { checked: [found(1, 2, "Commit Rule")] } }];
    expect(faultsOfTheHarness({ ...sound, unmutated, caughtBefore: never })).toEqual([
      expect.stringMatching(/false alarm in column 'checked': style batched .* run 1 of TestBackup2B with seed 1 \(fail: Commit Rule/),
    ]);
  });

  it("is against a harness that no longer catches what it caught", () => {
    const recorded = readRecord(writeRecord([row("escaped", { lab: [found(1, 1)] }), row("equivalent", { lab: [found(1, 1)] }), quick]));
    const caughtBefore = ({ style, mutant }: Row) => recorded.leastRuns(style, mutant.name) !== undefined;
    expect(faultsOfTheHarness({ ...sound, caughtBefore })).toEqual(["escaped (at-once) was caught before and is no longer"]);
  });
});

describe("what is written", () => {
  it("keeps, for each mutant that was caught, the runs it took with each seed", () => {
    const recorded = readRecord(writeRecord(rows));
    expect(recorded.leastRuns("at-once", "quick")).toEqual({ lab: { 1: 1, 2: 2, 3: 3 }, checked: { 1: 1 } });
    expect(recorded.leastRuns("at-once", "slow")).toEqual({ lab: { 1: 1, 2: 2 } });
    expect(recorded.leastRuns("at-once", "escaped")).toBeUndefined();
    expect(recorded.leastRuns("batched", "quick")).toBeUndefined();
  });

  it("shows a table for each style: medians, what noticed it, and what is missed", () => {
    const style = { ...atOnce, mutants: rows.map(({ mutant }) => mutant) };
    const unmutated = [{ style: "at-once", columns: { lab: [missed(1)], checked: [missed(1)] } }];
    const shown = columns.filter(({ name }) => name !== "suite");
    const input = {
      styles: [style],
      columns: shown,
      properties: ["P", "Q"],
      rows,
      unmutated,
      seeds: [1, 2, 3],
      budgetCpuSeconds: 6,
      machine: "a machine",
    };
    const lines = page(input).split("\n");
    expect(lines).toContain("| quick | 4.00 (2) | 0.01 (1) | P, in TestBackup2B |");
    expect(lines).toContain("| slow * | 5.50 (2) | - | no \\| agreement, in TestBackup2B |");
    expect(lines).toContain("| escaped | - | - |  |");
    expect(lines).toContain("| equivalent | - | - | *no fault: does nothing* |");
    expect(lines).toContain("| P | 1 | quick |");
    expect(lines).toContain("| Q | 0 |  |");
    expect(lines).toContain("- **slow** *: does slow");
  });
});
