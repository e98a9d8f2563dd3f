import { describe, expect, it } from "vitest";
import type { IterationResult } from "../../src/result.ts";
import { fixedLeader, silent } from "../support/fixed-leader.ts";
import { identity, run } from "../support/runs.ts";

const seeds = Array.from({ length: 30 }, (_, i) => i + 1);

describe("a run in checked mode", () => {
  it("is another run than without, the same again, and has the schedule of its seed", async () => {
    const plain = await run("TestBasicAgree2B", fixedLeader);
    const checked = await run("TestBasicAgree2B", fixedLeader, { checks: "race" });
    expect(plain.schedule).toBeUndefined();
    expect(checked.schedule).toMatch(/\((fair: everything|unfair: safety alone) is judged\)$/);
    expect(checked.traceHash).not.toBe(plain.traceHash);
    const again = await run("TestBasicAgree2B", fixedLeader, { checks: "race", checkDeterminism: true, traceLevel: "trace" });
    expect(identity(again)).toEqual(identity(checked));
    expect(again.schedule).toBe(checked.schedule);
  });

  it("passes what a test misses under an unfair schedule, says so in its log, and fails it under a fair one", async () => {
    const results: IterationResult[] = [];
    for (const seed of seeds) results.push(await run("TestInitialElection2A", silent, { seed, checks: "race", archive: true }));
    const unfair = results.filter(({ schedule }) => schedule!.includes("(unfair"));
    expect(unfair.length).toBeGreaterThan(5);
    expect(unfair.length).toBeLessThan(25);
    for (const { outcome, failure, excused, log } of unfair) {
      expect({ outcome, failure, excused }).toEqual({ outcome: "pass", failure: undefined, excused: "expected one leader, got none" });
      expect(log).toContain("  ... judged for safety only; what the test missed: expected one leader, got none\n");
    }
    for (const { outcome, failure, excused } of results.filter((result) => !unfair.includes(result))) {
      expect({ outcome, reason: failure?.reason, excused }).toEqual({
        outcome: "fail",
        reason: "expected one leader, got none",
        excused: undefined,
      });
    }
  });

  it("fails for divergence under every schedule", async () => {
    const diverging: typeof fixedLeader = (env) =>
      fixedLeader({ ...env, apply: (message) => env.apply(message.type === "command" ? { ...message, command: env.me } : message) });
    for (const seed of seeds) {
      const { outcome, failure } = await run("TestBasicAgree2B", diverging, { seed, checks: "race" });
      expect([outcome, failure?.property !== undefined || /different commands/.test(failure!.cause)]).toEqual(["fail", true]);
    }
  });
});
