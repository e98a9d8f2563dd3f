import type { MakeRaft, Raft, RaftEnv, RaftView } from "@raft-stress/raft/api";
import { describe, expect, it } from "vitest";
import { makeRaft } from "../../../raft/src/index.ts";
import { run } from "../support/runs.ts";

const nothing = new Uint8Array(0);

/** The built-in Raft in another environment, or with some of its methods replaced. */
function wrapped(changeEnv: (env: RaftEnv) => RaftEnv, changeRaft: (raft: Raft) => Partial<Raft> = () => ({})): MakeRaft {
  return (env) => {
    const raft = makeRaft(changeEnv(env));
    return {
      start: (command) => raft.start(command),
      getState: () => raft.getState(),
      snapshot: (index, snapshot) => raft.snapshot(index, snapshot),
      kill: () => raft.kill(),
      handlers: raft.handlers,
      ...changeRaft(raft),
    };
  };
}

/** What it shows of itself, as an object of its own. */
function shown(raft: Raft): RaftView {
  const { role, currentTerm, votedFor, commitIndex, lastApplied, firstIndex, lastIndex } = raft.inspect!();
  return { role, currentTerm, votedFor, commitIndex, lastApplied, firstIndex, lastIndex, termAt: (index) => raft.inspect!().termAt(index) };
}

const sameEnv = (env: RaftEnv): RaftEnv => env;

/** An environment whose persister saves as `save` says. */
function withSave(
  save: (real: RaftEnv["persister"], ...saved: Parameters<RaftEnv["persister"]["save"]>) => void,
): (env: RaftEnv) => RaftEnv {
  return (env) => {
    const real = env.persister;
    const persister: RaftEnv["persister"] = {
      save: (state, snapshot) => save(real, state, snapshot),
      readState: () => real.readState(),
      readSnapshot: () => real.readSnapshot(),
      stateSize: () => real.stateSize(),
      snapshotSize: () => real.snapshotSize(),
    };
    return { ...env, persister };
  };
}

describe("the built-in Raft, wrapped", () => {
  it("in nothing passes as ever", async () => {
    const plain = await run("TestSnapshotInit2D", makeRaft);
    expect(await run("TestSnapshotInit2D", wrapped(sameEnv))).toMatchObject({ outcome: "pass", traceHash: plain.traceHash });
  });

  it("so that it never discards what a snapshot holds, grows too large", async () => {
    const { outcome, failure } = await run(
      "TestSnapshotBasic2D",
      wrapped(sameEnv, () => ({ snapshot() {} })),
    );
    expect(outcome).toBe("fail");
    expect(failure?.cause).toBe("the persisted state is too large: entries up to the snapshot were not discarded");
    expect(failure?.expected).toBe("fewer than 2000 bytes");
  });

  it("so that it saves nothing, does not survive restarts", async () => {
    const amnesiac = wrapped(withSave(() => {}));
    const checks = "off";
    expect((await run("TestBasicAgree2B", amnesiac, { checks })).outcome).toBe("pass");
    expect((await run("TestPersist12C", amnesiac, { checks })).outcome).toBe("fail");
    expect((await run("TestPersist32C", amnesiac, { checks })).outcome).toBe("fail");
  });

  it("so that it saves nothing, breaks the Write-Ahead Rule in any test", async () => {
    const { failure } = await run("TestBasicAgree2B", wrapped(withSave(() => {})));
    expect(failure?.property).toBe("Write-Ahead Rule");
    expect(failure?.evidence?.length).toBeGreaterThan(0);
  });

  it("so that its snapshot is erased, can't go on after a restart", async () => {
    const { outcome } = await run("TestSnapshotInit2D", wrapped(withSave((real, state) => real.save(state, nothing))));
    expect(outcome).not.toBe("pass");
  });

  it("so that it delivers every command twice, passes parts A to C of the lab and fails part D; with checks it fails at once", async () => {
    const stuttering = wrapped((env) => ({
      ...env,
      apply(message) {
        void env.apply(message);
        return env.apply(message);
      },
    }));
    const checks = "off";
    expect((await run("TestBasicAgree2B", stuttering, { checks })).outcome).toBe("pass");
    expect((await run("TestPersist12C", stuttering, { checks })).outcome).toBe("pass");
    const { outcome, failure } = await run("TestSnapshotBasic2D", stuttering, { checks });
    expect(outcome).toBe("fail");
    expect(failure?.cause).toBe("a server applied out of order");
    expect((await run("TestBasicAgree2B", stuttering)).failure?.property).toBe("Apply Order");
  });

  it.each([
    ["throws", () => Promise.reject.call(undefined)],
    ["returns nothing", () => undefined],
    ["shows a log whose termAt throws", (raft: Raft) => ({ ...shown(raft), termAt: () => shown(raft).termAt(-7) })],
    ["shows a log that ends before it begins", (raft: Raft) => ({ ...shown(raft), firstIndex: 3, lastIndex: 1 })],
  ] as const)("so that its inspect() %s, is to blame for that", async (_, inspect) => {
    const { outcome, failure } = await run(
      "TestBasicAgree2B",
      wrapped(sameEnv, (raft) => ({ inspect: () => inspect(raft) as RaftView })),
    );
    expect(outcome).toBe("crash");
    expect(failure?.reason).toMatch(/^S\d threw in inspect\(\): /);
  });

  it("so that it skips a command, fails at once", async () => {
    const skipping = wrapped((env) => ({
      ...env,
      apply: (message) => (message.index === 2 ? Promise.resolve() : env.apply(message)),
    }));
    const { outcome, failure } = await run("TestBasicAgree2B", skipping);
    expect(outcome).toBe("fail");
    expect(failure?.cause).toMatch(/a server applied out of order|failed to reach agreement/);
  });
});
