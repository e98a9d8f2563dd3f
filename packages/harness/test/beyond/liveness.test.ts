import type { MakeRaft, RaftEnv } from "@raft-stress/raft/api";
import { describe, expect, it } from "vitest";
import { makeRaft } from "../../../raft/src/index.ts";
import { demandProgress, livenessBoundMs } from "../../src/beyond/liveness.ts";
import { Scene } from "../../src/beyond/scene.ts";
import { TestFailure } from "../../src/failure.ts";
import type { Lab } from "../../src/lab/lab.ts";
import { oneWayCut, star } from "../../src/net/links.ts";
import { onLab } from "../support/lab-world.ts";

const servers = 5;

/** Runs a time of faults and then the liveness phase; returns when that began. */
function judged(raft: MakeRaft, faults: (scene: Scene, lab: Lab) => Promise<void>, low: number): Promise<number> {
  const script = async (lab: Lab) => {
    const scene = new Scene(lab, { leastMs: 1000, mostMs: 3000 });
    await faults(scene, lab);
    await scene.join();
    const beganMs = lab.simulation.nowMs;
    await demandProgress(scene);
    return beganMs;
  };
  return onLab(raft, script, { seed: { high: 5, low }, test: { servers } });
}

function failureOf(raft: MakeRaft, low = 1): Promise<TestFailure> {
  return judged(raft, (scene) => scene.pause(500), low).then(
    () => {
      throw new Error("it was found to be live");
    },
    (thrown: unknown) => {
      if (thrown instanceof TestFailure) return thrown;
      throw thrown;
    },
  );
}

/** The built-in Raft in another environment. */
function inEnvironment(change: (env: RaftEnv) => RaftEnv): MakeRaft {
  return (env) => makeRaft(change(env));
}

describe("a majority that is healed", () => {
  it.each<[string, (scene: Scene, lab: Lab) => Promise<void>]>([
    ["nothing", (scene) => scene.pause(100)],
    [
      "crashes of all",
      async (scene, lab) => {
        for (const server of lab.everyone()) await scene.crash(server);
      },
    ],
    [
      "links cut one way, clocks astray, slow services, paused servers",
      async (scene, lab) => {
        scene.link(oneWayCut(servers, [0, 1], [2, 3, 4]));
        lab.cluster.network.reliable = false;
        lab.cluster.network.longDelays = true;
        lab.cluster.network.setLateness({ duplicates: 300, strays: 300, lateReplies: 300, leastMs: 10, mostMs: 3000 });
        for (const server of lab.everyone()) {
          lab.cluster.setClockRate(server, 0.2 + server);
          lab.cluster.setApplyTime(server, 5000);
        }
        await scene.pause(1500);
        for (const server of [1, 3, 4]) lab.cluster.pause(server);
      },
    ],
    [
      "a star, and crash points that were not reached",
      async (scene, lab) => {
        scene.link(star(servers, 2));
        await scene.pause(1000);
        for (const server of lab.everyone()) scene.crashAt(server, { at: "save", nth: 1000, moment: "before" }, 0);
        for (const server of lab.everyone()) scene.crashAt(server, { at: "save", nth: 1, moment: "before" }, 5000);
        await scene.pause(600);
      },
    ],
    [
      "requests that were remembered",
      async (scene) => {
        scene.rememberRequests();
        scene.load(20);
        await scene.pause(2500);
      },
    ],
  ])("makes progress after %s", async (_, faults) => {
    for (let low = 1; low <= 8; low++) await judged(makeRaft, faults, low);
  });

  it("fails a Raft that elects nobody, when the bound is over", async () => {
    // Votes are asked for, and nobody answers.
    const raft: MakeRaft = (env) => {
      const own = makeRaft(env);
      return {
        start: (command) => own.start(command),
        getState: () => own.getState(),
        snapshot() {},
        kill: () => own.kill(),
        handlers: { ...own.handlers, RequestVote: () => ({ term: 0, voteGranted: false }) },
      };
    };
    const failure = await failureOf(raft);
    expect(failure.details.cause).toBe(`a healed majority elected no leader within ${livenessBoundMs / 1000} s`);
  });

  it("fails a Raft that applies nothing", async () => {
    const failure = await failureOf(inEnvironment((env) => ({ ...env, apply: () => Promise.resolve() })));
    expect(failure.details.cause).toBe(`a healed majority did not agree on a new command within ${livenessBoundMs / 1000} s`);
    expect(failure.message).toMatch(/S\d, .* have not applied index \d+$/);
  });

  it("fails a Raft one of whose servers lags behind for ever", async () => {
    const lagging = inEnvironment((env) => (env.me === 2 ? { ...env, apply: () => Promise.resolve() } : env));
    const failures = await Promise.all([1, 2, 3, 4, 5, 6].map((low) => failureOf(lagging, low).catch(() => undefined)));
    const reasons = failures.filter((failure) => failure !== undefined).map(({ message }) => message);
    // Outside of the healed majority nothing is demanded of it.
    expect(reasons.length).toBeGreaterThan(1);
    for (const reason of reasons) expect(reason).toMatch(/: S2 has not applied index \d+$/);
  });

  it("fails a Raft whose leaders fall silent and are replaced again and again", async () => {
    const raft = inEnvironment((env) => {
      let term = 0;
      let ledSinceMs = 0;
      /** Everything but the heartbeats of a leader after the first 300 ms of its term. */
      const isSent = (args: { readonly term: number; readonly entries: readonly unknown[] }) => {
        if (args.term > term) {
          term = args.term;
          ledSinceMs = env.clock.now();
        }
        return args.entries.length > 0 || env.clock.now() - ledSinceMs < 300;
      };
      const peers = env.peers.map((peer) => ({
        ...peer,
        request: (method: string, args: unknown, onReply: (reply: unknown) => void) => {
          if (method !== "AppendEntries" || isSent(args as Parameters<typeof isSent>[0])) peer.request(method, args, onReply);
        },
      }));
      return { ...env, peers };
    });
    const failure = await failureOf(raft);
    expect(failure.details.cause).toBe("leaders do not stay in a healed majority");
    expect(failure.message).toMatch(/^\d+ new terms began in 4 s among S\d, .*: from term \d+ to term \d+$/);
  });

  it("fails a Raft whose election timer is put off by requests of older terms", async () => {
    const raft: MakeRaft = (env) => {
      // A server that was spoken to lately asks for no votes.
      let heardMs = Number.NEGATIVE_INFINITY;
      const patient = makeRaft({
        ...env,
        peers: env.peers.map((peer) => ({
          ...peer,
          request: (method: string, args: unknown, onReply: (reply: unknown) => void) => {
            if (method !== "RequestVote" || env.clock.now() - heardMs > 350) peer.request(method, args, onReply);
          },
        })),
      });
      const { AppendEntries } = patient.handlers;
      const handlers = {
        ...patient.handlers,
        AppendEntries: (args: unknown) => {
          heardMs = env.clock.now();
          return AppendEntries!(args);
        },
      };
      return {
        start: (command) => patient.start(command),
        getState: () => patient.getState(),
        snapshot() {},
        kill: () => patient.kill(),
        handlers,
      };
    };
    const faults = async (scene: Scene) => {
      scene.rememberRequests();
      scene.load(20);
      await scene.pause(2900);
    };
    const causes = await Promise.all(
      [1, 2, 3, 4, 5, 6].map((low) => judged(raft, faults, low).catch((thrown: TestFailure) => thrown.details.cause)),
    );
    expect(causes).toContain(`a healed majority elected no leader within ${livenessBoundMs / 1000} s`);
  });
});
