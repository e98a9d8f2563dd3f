import { describe, expect, it } from "vitest";
import { ImplementationError, PropertyViolation, StuckError, TestFailure } from "../../src/failure.ts";
import { isToBlame } from "../../src/race/judgement.ts";
import { drawSchedule, type Schedule } from "../../src/race/schedule.ts";

const schedules = Array.from({ length: 200 }, (_, low) => drawSchedule({ high: 0, low }, 5));
const quick = schedules.find(({ boundUs }) => boundUs === 1000)!;
const fair = schedules.find((one) => one.fair && one.boundUs > 1000)!;
const unfair = schedules.find((one) => !one.fair)!;

describe("who is to blame", () => {
  it.each<[string, Error & { readonly details: object }, boolean, boolean, boolean]>([
    ["an assertion of the test's script", new TestFailure("no leader"), true, true, false],
    ["divergence", new TestFailure("two commands at one index", { aspect: "safety" }), true, true, true],
    ["a count of RPCs", new TestFailure("too many RPCs", { aspect: "economy" }), true, false, false],
    ["an invariant", new PropertyViolation("One vote", "§5.2", "two votes", 0, []), true, true, true],
    ["a crash", new ImplementationError(0, "start()", new Error("no")), true, true, true],
    ["a deadlock", new StuckError("nothing is left to happen"), true, true, true],
    ["a limit of time", new StuckError("the test had not ended", { aspect: "progress" }), true, true, false],
  ])("for %s", (_, error, blamedQuick, blamedFair, blamedUnfair) => {
    const blame = (schedule: Schedule | undefined) => isToBlame(error as TestFailure, schedule);
    expect(blame(undefined)).toBe(true);
    expect([blame(quick), blame(fair), blame(unfair)]).toEqual([blamedQuick, blamedFair, blamedUnfair]);
  });
});
