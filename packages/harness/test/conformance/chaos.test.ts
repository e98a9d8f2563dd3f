import type { MakeRaft, Peer, Persister } from "@raft-stress/raft/api";
import { describe, expect, it } from "vitest";
import { makeRaft } from "../../../raft/src/index.ts";
import { isRunError } from "../../src/failure.ts";
import { Adversary } from "../../src/race/adversary.ts";
import { drawSchedule } from "../../src/race/schedule.ts";
import { Comparison, Journal } from "../../src/sim/journal.ts";
import { chaos } from "../support/chaos.ts";

/** All faults that a cluster can be given, at once and at random: a right Raft must take them, and so must the simulation. */

const seeds = Array.from({ length: 40 }, (_, seed) => seed);

/** The built-in Raft as one that awaits: its handlers are promises, and it calls its peers with promises. */
const awaiting: MakeRaft = (env) => {
  const peers = env.peers.map(
    (peer): Peer => ({
      call: (method, args) => peer.call(method, args),
      request: async (method, args, onReply) => {
        await undefined;
        onReply(await peer.call(method, args));
      },
    }),
  );
  const raft = makeRaft({ ...env, peers });
  const later = (handler: (args: unknown) => unknown) => async (args: unknown) => {
    await undefined;
    return handler(args);
  };
  const handlers = Object.fromEntries(Object.entries(raft.handlers).map(([method, handler]) => [method, later(handler)]));
  return {
    start: (command) => raft.start(command),
    getState: () => raft.getState(),
    snapshot: (index, snapshot) => raft.snapshot(index, snapshot),
    kill: () => raft.kill(),
    handlers,
  };
};

/** The built-in Raft with another persister. */
function withSave(save: (real: Persister, ...saved: Parameters<Persister["save"]>) => void): MakeRaft {
  return (env) => {
    const real = env.persister;
    return makeRaft({ ...env, persister: { ...real, save: (state, snapshot) => save(real, state, snapshot) } });
  };
}

/** What went wrong in the first storms that are too much for a Raft. */
async function failuresOf(raft: MakeRaft, only: readonly string[]): Promise<string[]> {
  const failures: string[] = [];
  for (const seed of seeds) {
    await chaos(raft, seed, { only }).catch((thrown: unknown) => {
      expect(isRunError(thrown), String(thrown)).toBe(true);
      failures.push(String(thrown));
    });
  }
  return failures;
}

describe.each([
  ["the built-in Raft", makeRaft],
  ["the built-in Raft, awaiting", awaiting],
])("%s", (_, raft) => {
  it("goes through every storm", async () => {
    const did = new Map<string, number>();
    const hashes = new Set<string>();
    let committed = 0;
    for (const seed of seeds) {
      const storm = await chaos(raft, seed).catch((thrown: unknown) => {
        throw new Error(`seed ${seed}: ${String(thrown)}`, { cause: thrown });
      });
      hashes.add(storm.hash);
      expect(storm, `seed ${seed}`).toMatchObject({ leftOfDead: 0 });
      expect(storm.left, `seed ${seed}`).toBeLessThan(50);
      committed += storm.committed;
      for (const [kind, count] of Object.entries(storm.did)) did.set(kind, (did.get(kind) ?? 0) + count);
    }
    expect(hashes.size).toBe(seeds.length);
    // The storms are storms, and the cluster works in them.
    expect(Math.min(...did.values())).toBeGreaterThan(50);
    expect(did.get("crash at a point")).toBeGreaterThan(100);
    expect(committed).toBeGreaterThan(50 * seeds.length);
  });

  it("goes through storms whose events an adversary orders", async () => {
    for (const low of seeds.slice(0, 10)) {
      const seed = { high: 0, low };
      const schedule = drawSchedule(seed, 3);
      await chaos(raft, low, { adversary: new Adversary(seed, schedule) }).catch((thrown: unknown) => {
        throw new Error(`seed ${low}, ${schedule.name}: ${String(thrown)}`, { cause: thrown });
      });
    }
  });

  it("goes the same way again with the same seed, traced or not", async () => {
    for (const seed of seeds.slice(0, 10)) {
      const watch = new Journal();
      const first = await chaos(raft, seed, { watch });
      const comparison = new Comparison(watch);
      expect(await chaos(raft, seed, { watch: comparison, traceLevel: "trace" }), `seed ${seed}`).toEqual(first);
      expect(comparison.parting, `seed ${seed}`).toBeUndefined();
    }
  });
});

describe("a storm is too much for a Raft", () => {
  it.each<[string, MakeRaft]>([
    ["saves nothing", withSave(() => {})],
    [
      "saves state and snapshot one after the other",
      withSave((real, state, snapshot) => {
        real.save(state, real.readSnapshot());
        real.save(state, snapshot);
      }),
    ],
    [
      "saves the snapshot first and then the state",
      withSave((real, state, snapshot) => {
        if (snapshot.length !== real.snapshotSize()) real.save(real.readState(), snapshot);
        real.save(state, snapshot);
      }),
    ],
  ])("that %s", async (_, raft) => {
    const failures = await failuresOf(raft, ["armCrash", "shape", "crash"]);
    expect(failures.length).toBeGreaterThan(0);
  });
});
