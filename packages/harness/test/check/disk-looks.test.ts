import type { MakeRaft } from "@raft-stress/raft/api";
import { describe, expect, it } from "vitest";
import { makeRaft } from "../../../raft/src/index.ts";
import { densePlan, sparsePlan } from "../../src/check/disk-looks.ts";
import type { RunSettings } from "../../src/result.ts";
import { run } from "../support/runs.ts";

/** How often servers were booted in one run of a test that restarts none of its three. */
async function boots(settings: Partial<RunSettings> = {}): Promise<number> {
  let count = 0;
  const counted: MakeRaft = (env) => {
    count++;
    return makeRaft(env);
  };
  expect((await run("TestBasicAgree2B", counted, settings)).outcome).toBe("pass");
  return count;
}

const numbers = Array.from({ length: 1000 }, (_, number) => number);

describe("disks are looked at by booting a server", () => {
  it("once or twice in an ordinary run, often in a thorough one, never when nothing is checked", async () => {
    expect(await boots({ checks: "off" })).toBe(3);
    const ordinary = await boots();
    expect(ordinary).toBeGreaterThan(3);
    expect(ordinary).toBeLessThanOrEqual(5);
    expect(await boots({ checks: "race" })).toBeGreaterThan(ordinary);
  });

  it("not on the real clock, where a server could set timers of Node's own", async () => {
    expect(await boots({ clock: "real" })).toBe(3);
  });

  it("after one vote and one acknowledgement of a run, which its seed chooses", () => {
    for (const seed of numbers) {
      const { votes, acknowledgements } = sparsePlan(seed);
      expect(numbers.filter(votes)).toHaveLength(1);
      expect(numbers.filter(acknowledgements)).toHaveLength(1);
    }
    expect(new Set(numbers.map((seed) => numbers.findIndex(sparsePlan(seed).votes)))).toEqual(new Set([0, 1, 2, 3]));
  });

  it("in thorough runs after the first of both, then ever more rarely", () => {
    expect(numbers.filter(densePlan.votes).length).toBeLessThan(60);
    expect(numbers.filter(densePlan.acknowledgements).length).toBeLessThan(20);
    expect(numbers.slice(0, 8).every(densePlan.votes) && numbers.slice(0, 8).every(densePlan.acknowledgements)).toBe(true);
  });
});
