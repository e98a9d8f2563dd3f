import { describe, expect, it } from "vitest";
import { fixedLeader } from "../support/fixed-leader.ts";
import { run } from "../support/runs.ts";

/** The tests in which nobody else can be leader, and the number of commands each leaves behind. */
const passable: [test: string, commands: number][] = [
  ["TestInitialElection2A", 0],
  ["TestBasicAgree2B", 3],
  ["TestRPCBytes2B", 11],
  ["TestFollowerFailure2B", 3],
  ["TestFailAgree2B", 7],
  ["TestConcurrentStarts2B", 6],
  ["TestCount2B", 12],
  ["TestFailNoAgree2B", 4],
  ["TestPersist32C", 4],
];

describe("a leader that is fixed", () => {
  it.each(passable)("passes %s with %d commands, over several seeds", async (test, commands) => {
    for (let seed = 1; seed <= 5; seed++) {
      const result = await run(test, fixedLeader, { seed });
      expect(result.failure?.reason).toBeUndefined();
      expect(result.commands).toBe(commands);
    }
  });

  it.each([
    ["TestReElection2A", "expected one leader, got none"],
    ["TestManyElections2A", "expected one leader, got none"],
    ["TestLeaderFailure2B", "one() failed to reach agreement within 10 s"],
    ["TestRejoin2B", "one() failed to reach agreement within 10 s"],
    ["TestBackup2B", "one() failed to reach agreement within 10 s"],
    ["TestPersist12C", "one() failed to reach agreement within 10 s"],
  ])("fails %s, where leaders must follow one another", async (test, cause) => {
    const results = await Promise.all([1, 2].map((seed) => run(test, fixedLeader, { seed })));
    for (const { outcome, failure } of results) {
      expect(outcome).toBe("fail");
      expect(failure?.cause).toBe(cause);
      expect(failure?.step).not.toBe("set up the cluster");
    }
  });
});
