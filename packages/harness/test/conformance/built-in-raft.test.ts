import { beforeAll, describe, expect, it } from "vitest";
import { makeRaft } from "../../../raft/src/index.ts";
import { labTests } from "../../src/lab/index.ts";
import type { IterationResult } from "../../src/result.ts";
import { identity, run } from "../support/runs.ts";

const seeds = [11, 12, 13, 14, 15];
const results = new Map<string, IterationResult[]>();

beforeAll(async () => {
  for (const { name } of labTests) {
    const runs: IterationResult[] = [];
    for (const seed of seeds) runs.push(await run(name, makeRaft, { seed }));
    results.set(name, runs);
  }
});

const valuesOf = (test: string, pick: (result: IterationResult) => number) => results.get(test)!.map(pick);

describe("the built-in Raft", () => {
  it.each(labTests.map(({ name }) => name))("passes %s with five seeds", (name) => {
    const told = results
      .get(name)!
      .map(({ outcome, failure, job }) => (outcome === "pass" ? "pass" : `seed ${job.seed}: ${failure?.reason}`));
    expect(told).toEqual(seeds.map(() => "pass"));
  });

  it.each(labTests.map(({ name }) => name))("passes %s in checked mode with ten seeds", async (name) => {
    const told: string[] = [];
    for (let seed = 21; seed <= 30; seed++) {
      const { outcome, failure, schedule } = await run(name, makeRaft, { seed, checks: "race", traceLevel: "none" });
      told.push(outcome === "pass" ? "pass" : `seed ${seed}, ${schedule}: ${failure?.reason}`);
    }
    expect(told).toEqual(told.map(() => "pass"));
  });

  it("is another run with every seed", () => {
    const hashes = [...results.values()].flat().map(({ traceHash }) => traceHash);
    expect(new Set(hashes).size).toBe(labTests.length * seeds.length);
  });
});

/** Commands that a test leaves behind when none had to be proposed twice. Those marked exact never retry. */
const checksums: [test: string, commands: number, exact: boolean][] = [
  ["TestInitialElection2A", 0, true],
  ["TestReElection2A", 0, true],
  ["TestManyElections2A", 0, true],
  ["TestBasicAgree2B", 3, true],
  ["TestRPCBytes2B", 11, true],
  ["TestFollowerFailure2B", 3, true],
  ["TestLeaderFailure2B", 3, true],
  ["TestFailAgree2B", 7, false],
  ["TestConcurrentStarts2B", 6, true],
  ["TestRejoin2B", 4, false],
  ["TestBackup2B", 102, false],
  ["TestCount2B", 12, true],
  ["TestPersist12C", 6, false],
  ["TestPersist22C", 16, false],
  ["TestPersist32C", 4, false],
  ["TestUnreliableAgree2C", 246, false],
  ["TestSnapshotInit2D", 14, false],
];

describe("the number of commands", () => {
  it.each(checksums)("of %s is %d", (test, expected, exact) => {
    const commands = valuesOf(test, (result) => result.commands);
    if (exact) expect(commands).toEqual(seeds.map(() => expected));
    // A command that was lost with its leader is proposed again; that is rare.
    for (const count of commands) expect(count - expected).toBeOneOf([0, 1]);
    expect(commands.filter((count) => count === expected).length).toBeGreaterThanOrEqual(3);
  });

  it("of TestFailNoAgree2B is 3 or 4: the stranded command may be lost", () => {
    for (const count of valuesOf("TestFailNoAgree2B", (result) => result.commands)) expect(count).toBeOneOf([3, 4]);
  });

  it("of the snapshot tests lies in the range that their random draws allow", () => {
    for (const count of valuesOf("TestSnapshotBasic2D", (result) => result.commands)) {
      expect(count).toBeGreaterThanOrEqual(131);
      expect(count).toBeLessThanOrEqual(311);
    }
    for (const count of valuesOf("TestSnapshotAllCrash2D", (result) => result.commands)) {
      expect(count).toBeGreaterThanOrEqual(36);
      expect(count).toBeLessThanOrEqual(81);
    }
  });
});

/** RPCs of published runs of good solutions in Go: least and most. */
const published: [test: string, least: number, most: number][] = [
  ["TestInitialElection2A", 60, 116],
  ["TestManyElections2A", 652, 1062],
  ["TestBasicAgree2B", 14, 16],
  ["TestRPCBytes2B", 48, 54],
  ["TestBackup2B", 1634, 2632],
  ["TestCount2B", 44, 80],
  ["TestFigure82C", 1233, 1464],
  ["TestUnreliableAgree2C", 312, 365],
  ["TestFigure8Unreliable2C", 3338, 6520],
  ["TestReliableChurn2C", 817, 1648],
  ["TestSnapshotBasic2D", 136, 154],
  ["TestSnapshotInstall2D", 1555, 1948],
  ["TestSnapshotAllCrash2D", 280, 280],
  ["TestSnapshotInit2D", 62, 62],
];

describe("the number of RPCs", () => {
  it.each(published)("of %s is of the order of published runs", (test, least, most) => {
    for (const rpcs of valuesOf(test, (result) => result.rpcs)) {
      expect(rpcs).toBeGreaterThan(least / 2.5);
      expect(rpcs).toBeLessThan(most * 2.5);
    }
  });
});

describe("a run of the built-in Raft", () => {
  it.each(["TestFigure8Unreliable2C", "TestUnreliableChurn2C", "TestSnapshotInstallUnCrash2D"])(
    "of %s is the same again, event by event, also with the whole trace on",
    async (name) => {
      const first = identity(results.get(name)![0]!);
      expect(identity(await run(name, makeRaft, { seed: seeds[0]!, checkDeterminism: true, traceLevel: "trace" }))).toEqual(first);
    },
  );

  it("passes on the real clock too, which never runs ahead of real time", async () => {
    const runs = await Promise.all(
      ["TestBasicAgree2B", "TestFailAgree2B", "TestPersist32C"].map(async (name) => {
        const startMs = performance.now();
        const result = await run(name, makeRaft, { clock: "real" });
        return { name, ...result, tookMs: performance.now() - startMs };
      }),
    );
    for (const { failure, seconds, tookMs } of runs) {
      expect(failure?.reason).toBeUndefined();
      expect(seconds * 1000).toBeLessThanOrEqual(tookMs + 1);
    }
  });
});
