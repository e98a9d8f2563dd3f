import { beforeAll, describe, expect, it } from "vitest";
import { makeRaft } from "../../../raft/src/index.ts";
import { beyondTests } from "../../src/beyond/index.ts";
import type { IterationResult } from "../../src/result.ts";
import { type Counts, counted } from "../support/counted.ts";
import { identity, run } from "../support/runs.ts";

const seeds = [1, 2, 3, 4, 5, 6];

interface Observed {
  readonly results: readonly IterationResult[];
  /** Of all runs together. */
  readonly counts: Counts;
  readonly log: string;
}

const observed = new Map<string, Observed>();

function sum(all: readonly Counts[]): Counts {
  return all.reduce(
    (a, b) => Object.fromEntries(Object.entries(a).map(([what, times]) => [what, times + b[what as keyof Counts]])) as unknown as Counts,
  );
}

beforeAll(async () => {
  for (const { name } of beyondTests) {
    const results: IterationResult[] = [];
    const all: Counts[] = [];
    for (const seed of seeds) {
      const { raft, counts } = counted(makeRaft);
      results.push(await run(name, raft, { seed, archive: true }));
      all.push(counts);
    }
    observed.set(name, { results, counts: sum(all), log: results.map(({ log }) => log).join("\n") });
  }
}, 120_000);

describe("the built-in Raft", () => {
  it.each(beyondTests.map(({ name }) => name))("passes %s with six seeds", (name) => {
    const { results } = observed.get(name)!;
    const told = results.map(({ outcome, failure, job }) => (outcome === "pass" ? "pass" : `seed ${job.seed}: ${failure?.reason}`));
    expect(told).toEqual(seeds.map(() => "pass"));
    // It has agreed on more than the two commands that the end of each test demands.
    expect(results.reduce((sum, { commands }) => sum + commands, 0)).toBeGreaterThan(3 * seeds.length);
  });

  it.each(beyondTests.map(({ name }) => name))("makes the same run of %s again, event by event", async (name) => {
    const first = identity(await run(name, makeRaft, { seed: 3 }));
    expect(identity(await run(name, makeRaft, { seed: 3, checkDeterminism: true, traceLevel: "trace" }))).toEqual(first);
  });
});

it("a result has the number of servers that its run had", () => {
  for (const { name, servers } of beyondTests) {
    const { results, log } = observed.get(name)!;
    for (const result of results) expect(servers).toContain(result.servers);
    const drawn = new Set(results.map((result) => result.servers));
    for (const size of drawn) expect(log).toMatch(new RegExp(`Passed -- +[\\d.]+ +${size} `));
  }
});

it("the log begins and ends as the lab's own", () => {
  const log = observed.get("TestRandomWeather2X")!.results[0]!.log!;
  expect(log).toMatch(/^Test \(2X\): random weather \.\.\.\n {2}\.\.\. Passed -- +[\d.]+ +\d +\d+ +\d+ +\d+\n/);
});

/** What each scenario must have done to the cluster in six runs, by counters around the Raft and by what the log says. */
const reached: readonly [test: string, counts: Partial<Counts>, lines: readonly (readonly [RegExp, number])[]][] = [
  ["TestRandomWeather2X", { restarts: 10, leaders: 12, staleRequests: 20 }, [[/TEST random weather: /g, 6]]],
  ["TestOldMessages2X", { staleRequests: 100, staleReplies: 10, restarts: 5, leaders: 30 }, []],
  ["TestPartitions2X", { tailsOverwritten: 3, leaders: 15, votesDeniedByLog: 10 }, [[/TEST links S0 /g, 30]]],
  ["TestOneWayCuts2X", { leaders: 8, votesDeniedByLog: 10 }, [[/TEST links S0 /g, 30]]],
  ["TestLostLeaders2X", { tailsOverwritten: 10, leaders: 60, restarts: 10 }, [[/is isolated while it leads/g, 30]]],
  ["TestCrashesAtSaves2X", { restarts: 40, leaders: 30, tailsOverwritten: 3 }, [[/TEST crash S/g, 40]]],
  ["TestClusterCrashes2X", { restarts: 100, leaders: 30, tailsOverwritten: 3 }, [[/TEST all servers crash/g, 30]]],
  ["TestElectionsUnderFire2X", { restarts: 100, leaders: 30, votesDeniedByVote: 30, staleReplies: 20 }, []],
  ["TestSingleConflicts2X", { tailsOverwritten: 15, votesDeniedByLog: 30, leaders: 100 }, []],
  ["TestSnapshotRaces2X", { snapshotsInstalled: 20, oldSnapshots: 5, leaders: 20, tailsOverwritten: 1 }, []],
  ["TestSnapshotCrashes2X", { snapshotsInstalled: 5, restarts: 40 }, []],
  ["TestClockRates2X", { restarts: 5, leaders: 8 }, [[/TEST the clock of S/g, 40]]],
  ["TestPausedServers2X", { leaders: 10, staleRequests: 20, staleReplies: 20 }, [[/TEST pause S/g, 30]]],
  ["TestSlowServices2X", { snapshotsInstalled: 3, restarts: 10 }, [[/TEST services are slow/g, 30]]],
  ["TestEqualHalves2X", { leaders: 10, votesDeniedByLog: 20 }, [[/TEST equal halves/g, 20]]],
  ["TestLongOutages2X", { restarts: 5, leaders: 10, tailsOverwritten: 1 }, []],
];

describe("what a scenario is for happens", () => {
  it("to every one of them", () => {
    expect(reached.map(([test]) => test)).toEqual(beyondTests.map(({ name }) => name));
  });

  it.each(reached)("in %s", (test, least, lines) => {
    const { counts, log } = observed.get(test)!;
    for (const [what, times] of Object.entries(least)) {
      expect(counts[what as keyof Counts], what).toBeGreaterThanOrEqual(times);
    }
    for (const [line, times] of lines) expect(log.match(line)?.length ?? 0, String(line)).toBeGreaterThanOrEqual(times);
  });
});
