import { expect, it } from "vitest";
import { makeRaft as builtIn } from "../../../raft/src/index.ts";
import { unansweredCalls } from "../../src/net/unanswered.ts";
import { onNetwork } from "../support/net-world.ts";
import { run } from "../support/runs.ts";

it("tells the handlers that have been at work for a second, the longest first, and counts the rest", () =>
  onNetwork(async ({ simulation, call, end }) => {
    for (let client = 1; client <= 5; client++) {
      void call(end(client), "SleepLong", client);
      await call(end(client), "NumberToText", client);
      await simulation.sleep(500);
    }
    const told = unansweredCalls(simulation);
    expect(told).toHaveLength(4);
    expect(told[0]).toMatch(/^S0 has not answered SleepLong of S1, which it received at 0\.000 s$/);
    expect(told[1]).toMatch(/^S0 has not answered SleepLong of S2, which it received at 0\.50\d s$/);
    expect(told[2]).toMatch(/^S0 has not answered SleepLong of S3, which it received at 1\.00\d s$/);
    // The fifth has taken half a second.
    expect(told[3]).toBe("1 more call is unanswered");
  }));

it("leaves out those that nobody waits for any more", () =>
  onNetwork(async ({ simulation, call, end }) => {
    const cut = end(1);
    void call(cut, "SleepLong", 1);
    await simulation.sleep(1500);
    expect(unansweredCalls(simulation)).toHaveLength(1);
    cut.enabled = false;
    expect(unansweredCalls(simulation)).toEqual([]);
  }));

it("are told with a failure to get on, and with no other", async () => {
  const neverAnswers = await run("TestInitialElection2A", (env) => {
    const raft = builtIn(env);
    const handlers = { RequestVote: () => new Promise(() => {}) };
    return { start: (command) => raft.start(command), getState: () => raft.getState(), snapshot() {}, kill: () => raft.kill(), handlers };
  });
  expect(neverAnswers.failure?.reason).toBe("expected one leader, got none");
  expect(neverAnswers.failure?.notes).toHaveLength(4);
  expect(neverAnswers.failure?.notes?.[0]).toMatch(/^S\d has not answered RequestVote of S\d, which it received at 0\.\d{3} s$/);
  expect(neverAnswers.log).toMatch(/\n {6}note: {5}S\d has not answered RequestVote/);
});
