import { coverageKeys, propertyKeys } from "@raft-stress/harness";
import { describe, expect, it } from "vitest";
import { checkedLines, coverageLines, unreachedLines } from "../src/report/check-lines.ts";
import { count, emptyTally, type Tally } from "../src/tally.ts";
import { newDirectory, runLines, start } from "./support/command.ts";
import { fileOf } from "./support/rafts.ts";
import { finished, someTests } from "./support/tests.ts";

const buggy = fileOf("examples/lab-style-buggy/raft.ts");

function numbers<K extends string>(keys: readonly K[], known: Partial<Record<K, number>>, otherwise: number): number[] {
  return keys.map((key) => known[key] ?? otherwise);
}

/** Runs of the first test, all alike. */
function tallyOf(runs: number, looks: readonly number[], coverage: readonly number[], reaches = someTests[0]!.reaches): Tally {
  const tally = emptyTally([{ ...someTests[0]!, ...(reaches && { reaches }) }]);
  for (let iteration = 0; iteration < runs; iteration++) {
    const event = finished({ iteration });
    count(tally, { ...event, result: { ...event.result, looks, coverage } });
  }
  return tally;
}

describe("the closing lines about invariants", () => {
  it("say how often each was looked at, in all runs together", () => {
    const lines = checkedLines(tallyOf(3, numbers(propertyKeys, { electionSafety: 411 }, 2), []))!;
    expect(lines).toMatch(/^invariants held at every event, with the number of looks: Election Safety 1,233, One Vote per Term 6, /);
    expect(Math.max(...lines.split("\n").map((line) => line.length))).toBeLessThanOrEqual(110);
    expect(lines).not.toContain("without occasion");
  });

  it("tell an invariant without occasion from one for which a Raft shows too little", () => {
    const seen = numbers(propertyKeys, { snapshotConsistency: 0 }, 1);
    expect(checkedLines(tallyOf(1, seen, []))).toMatch(/\nwithout occasion: Snapshot Consistency$/);
    const blackBox = numbers(propertyKeys, { electionSafety: 5, monotoneTerm: 3, stateMachineSafety: 7, applyOrder: 7 }, 0);
    const lines = checkedLines(tallyOf(1, blackBox, []))!.replaceAll("\n ", "");
    expect(lines).toContain("looks: Election Safety 5, Monotone Term 3, State Machine Safety 7, Apply Order 7\n");
    expect(lines).toContain("without occasion: Start Contract, Proposed Commands, Snapshot Consistency, No Event Storm\n");
    expect(lines).toMatch(/shows too little of itself \(the RPC names of Figure 2, inspect\(\)\): One Vote per Term, Election Quorum, /);
  });

  it("are left out where nothing is checked", () => {
    const tally = emptyTally([someTests[0]!]);
    count(tally, finished({}));
    expect(checkedLines(tally)).toBeUndefined();
    expect(coverageLines(tally)).toBeUndefined();
    expect(unreachedLines(tally)).toEqual([]);
  });
});

describe("the lines about what happened", () => {
  it("sum it up, and name what never happened", () => {
    const lines = coverageLines(tallyOf(4, [], numbers(coverageKeys, { leaderChanges: 300, splitVotes: 1 }, 0)))!;
    expect(lines).toMatch(/^what happened in all runs: leader changes 1,200, split votes 4\nnever: votes denied by log, /);
  });

  it("tell of a test that has not reached in a hundred runs what it exists for", () => {
    const coverage = numbers(coverageKeys, { leaderChanges: 1 }, 0);
    expect(unreachedLines(tallyOf(99, [], coverage, ["leaderChanges", "splitVotes"]))).toEqual([]);
    expect(unreachedLines(tallyOf(100, [], coverage, ["leaderChanges", "splitVotes"]))).toEqual([
      "TestInitialElection2A never reached in 100 runs: split votes (a term had two candidates or more and no leader)",
    ]);
    expect(unreachedLines(tallyOf(100, [], coverage, ["leaderChanges"]))).toEqual([]);
  });
});

describe("a violation", () => {
  it("is told with the events that contradict each other and what was on disk, on the screen, in the log and as JSON", async () => {
    const cwd = newDirectory();
    const args = ["TestFigure8Unreliable2C", "--raft", buggy, "--seed", "f1de82285ab611df", "-n", "1"];
    const [{ stdout, exitCode }, json] = await Promise.all([
      start([...args, "-o", "logs"], { cwd }),
      start([...args, "--json", "-"], { cwd: newDirectory() }),
    ]);
    expect(exitCode).toBe(1);
    expect(stdout).toContain(`  1 × Election Quorum is violated
      Election Quorum: S4 leads term 40 with the votes of 2 of 5 servers (S1, S4)
        #5690  16.512 s  S4 asked for votes in term 40
            on its disk then: term 40, a vote for S4, log 1..110, the last of term 6
`);
    expect(stdout).toContain("      see:    §5.2\n");
    const [run] = runLines(json.stdout);
    expect(run).toMatchObject({ outcome: "fail", property: "Election Quorum", source: "§5.2" });
    expect(run!.evidence).toHaveLength(3);
  });

  it("is no part of what --stats tells of runs that pass", async () => {
    const { stdout } = await start(["TestBasicAgree2B", "-n", "2", "--stats"], { cwd: newDirectory() });
    expect(stdout).toContain("\nwhat happened in all runs: ");
    expect(stdout).toContain("\nnever: ");
    expect(stdout).not.toContain("violated");
  });
});
