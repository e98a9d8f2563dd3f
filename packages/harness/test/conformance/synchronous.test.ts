import type { MakeRaft } from "@raft-stress/raft/api";
import { describe, expect, it } from "vitest";
import { makeRaft } from "../../../raft/src/index.ts";
import { beyondTests } from "../../src/beyond/index.ts";
import { labTests } from "../../src/lab/index.ts";
import { run } from "../support/runs.ts";

describe("runs of a Raft that leaves nothing to promises", () => {
  for (const { name } of [...labTests, ...beyondTests]) {
    it(`of ${name} are the same whether or not promises are looked for`, async () => {
      for (const seed of [11, 12]) {
        const { traceHash, events } = await run(name, makeRaft, { seed, synchronous: true });
        expect(await run(name, makeRaft, { seed })).toMatchObject({ traceHash, events, outcome: "pass" });
      }
    });
  }

  it("look for promises in a replay: one that is not so and fails is another run then", async () => {
    const liar: MakeRaft = (env) => {
      const raft = makeRaft(env);
      const tell = () => env.log("INFO", "a promise has run");
      // Nobody ever leads, and when the timer is set depends on when promises run.
      const RequestVote = (args: { term: number }) => {
        void Promise.resolve().then(() => void env.clock.setTimeout(tell, 1));
        return { term: args.term, voteGranted: false };
      };
      return {
        start: (command) => raft.start(command),
        getState: () => raft.getState(),
        snapshot() {},
        kill: () => raft.kill(),
        handlers: { ...raft.handlers, RequestVote },
      };
    };
    const { outcome, failure } = await run("TestInitialElection2A", liar, { synchronous: true });
    expect(outcome).toBe("nondeterministic");
    expect(failure?.reason).toContain("was another run when it was replayed from its seed");
  });
});
