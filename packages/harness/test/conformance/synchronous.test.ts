import type { MakeRaft } from "@raft-stress/raft/api";
import { describe, expect, it } from "vitest";
import { makeRaft } from "../../../raft/src/index.ts";
import { beyondTests } from "../../src/beyond/index.ts";
import { labTests } from "../../src/lab/index.ts";
import { run } from "../support/runs.ts";

/** The built-in Raft without its word that it leaves nothing to promises: they are looked for after each of its events. */
const unpromised: MakeRaft = (env) => makeRaft(env);

describe("a Raft that leaves nothing to promises", () => {
  it("says so, if it is the built-in one", () => expect(makeRaft.synchronous).toBe(true));

  for (const { name } of [...labTests, ...beyondTests]) {
    it(`makes the same runs of ${name} whether or not promises are looked for`, async () => {
      for (const seed of [11, 12]) {
        const { traceHash, events } = await run(name, makeRaft, { seed });
        expect(await run(name, unpromised, { seed })).toMatchObject({ traceHash, events, outcome: "pass" });
      }
    });
  }

  it("is found out when it fails and is none: its replay, which looks for promises, is another run", async () => {
    const liar: MakeRaft = Object.assign(
      (env: Parameters<MakeRaft>[0]) => {
        const raft = makeRaft(env);
        // Nobody ever leads, and by a promise the time at which that is known depends on when promises run.
        const tell = () => env.log("INFO", "a promise has run");
        const RequestVote = (args: { term: number }) => {
          void Promise.resolve().then(() => void env.clock.setTimeout(tell, 1));
          return { term: args.term, voteGranted: false };
        };
        return {
          ...raft,
          start: (c: unknown) => raft.start(c),
          getState: () => raft.getState(),
          snapshot() {},
          kill: () => raft.kill(),
          handlers: { ...raft.handlers, RequestVote },
        };
      },
      { synchronous: true as const },
    );
    const { outcome, failure } = await run("TestInitialElection2A", liar);
    expect(outcome).toBe("nondeterministic");
    expect(failure?.reason).toContain("was another run when it was replayed from its seed");
  });
});
