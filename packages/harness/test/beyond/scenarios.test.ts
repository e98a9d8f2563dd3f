import { beforeAll, describe, expect, it } from "vitest";
import { makeRaft } from "../../../raft/src/index.ts";
import { beyondTests } from "../../src/beyond/index.ts";
import { type CoverageCounter, coverageKeys } from "../../src/check/coverage.ts";
import type { IterationResult } from "../../src/result.ts";
import { identity, run } from "../support/runs.ts";

const seeds = Array.from({ length: 20 }, (_, i) => i + 1);
const names = beyondTests.map(({ name }) => name);
const results = new Map<string, IterationResult[]>();

beforeAll(async () => {
  for (const name of names) {
    const runs: IterationResult[] = [];
    for (const seed of seeds) runs.push(await run(name, makeRaft, { seed }));
    results.set(name, runs);
  }
}, 120_000);

describe("the built-in Raft", () => {
  it.each(names)("passes %s with twenty seeds, each of them another run", (name) => {
    const runs = results.get(name)!;
    const told = runs.map(({ outcome, failure, job }) => (outcome === "pass" ? "pass" : `seed ${job.seed}: ${failure?.reason}`));
    expect(told).toEqual(seeds.map(() => "pass"));
    expect(new Set(runs.map(({ traceHash }) => traceHash)).size).toBe(seeds.length);
  });

  it.each(names)("makes the same run of %s again, event by event", async (name) => {
    const again = await run(name, makeRaft, { seed: seeds[2]!, checkDeterminism: true, traceLevel: "trace" });
    expect(identity(again)).toEqual(identity(results.get(name)![2]!));
  });
});

describe("what a scenario is for happens", () => {
  it.each(beyondTests.map(({ name, reaches }) => [name, reaches!] as const))("in %s: %j", (name, reaches) => {
    const runsWith = (counter: CoverageCounter) =>
      results.get(name)!.filter(({ coverage }) => coverage![coverageKeys.indexOf(counter)]! > 0).length;
    const rare = reaches.filter((counter) => runsWith(counter) < 2);
    expect(rare).toEqual([]);
  });

  it.each(names)("and %s is no mere catastrophe: commands are agreed on in it", (name) => {
    const commands = results.get(name)!.map((result) => result.commands);
    // Two are what the end of each test demands.
    expect(commands.filter((count) => count > 2).length).toBeGreaterThan(seeds.length / 2);
  });
});

describe("a run", () => {
  it("tells how many servers it had", async () => {
    for (const { name, servers } of beyondTests) {
      const possible = typeof servers === "number" ? [servers] : servers;
      for (const result of results.get(name)!) expect(possible).toContain(result.servers);
      const { servers: drawn, log } = await run(name, makeRaft, { seed: seeds[0]!, archive: true });
      expect(log).toMatch(new RegExp(`Passed -- +[\\d.]+ +${drawn} `));
    }
  });

  it("has a log that begins and ends as the lab's own, and tells of every fault", async () => {
    const { log } = await run("TestRandomWeather2X", makeRaft, { seed: seeds[0]!, archive: true });
    expect(log).toMatch(/^Test \(2X\): random weather \.\.\.\n {2}\.\.\. Passed -- +[\d.]+ +\d +\d+ +\d+ +\d+\n/);
    expect(log).toMatch(/ TEST random weather: .*; \d big faults of \d kinds\n/);
    expect(log).toMatch(/ TEST liveness: S\d.* are healed for good /);
  });
});
