import type { RaftEnv } from "@raft-stress/raft/api";
import { describe, expect, it } from "vitest";
import { Cluster } from "../../src/cluster/cluster.ts";
import { fullMesh } from "../../src/net/links.ts";
import { NetworkServer } from "../../src/net/network.ts";
import type { Lateness } from "../../src/net/old-messages.ts";
import { silentWith } from "../support/fixed-leader.ts";
import { type NetWorld, onNetwork, testHandlers } from "../support/net-world.ts";
import { newLife, newSimulation, rejectionOf, runScript, type WorldOptions } from "../support/world.ts";

const calls = 400;
const none: Lateness = { duplicates: 0, strays: 0, lateReplies: 0, leastMs: 10, mostMs: 5000 };

interface Answer {
  readonly reply: unknown;
  readonly tookMs: number;
}

/** Makes many calls at once under some lateness, and waits until everything has arrived. */
function callMany(lateness: Partial<Lateness>, act: (world: NetWorld) => void = () => {}, options: WorldOptions = {}) {
  return onNetwork(async (world) => {
    const { network, call, end, simulation, handled } = world;
    network.setLateness({ ...none, ...lateness });
    const answers: Answer[] = [];
    for (let number = 0; number < calls; number++) {
      void call(end(number), "NumberToText", number).then((reply) => answers.push({ reply, tookMs: simulation.nowMs }));
    }
    act(world);
    await simulation.sleep(20_000);
    return { answers, handled, calls: network.totalCalls, hash: simulation.hash.toString() };
  }, options);
}

const lost = (answers: readonly Answer[]) => answers.filter(({ reply }) => reply === undefined).length;
const between = (times: readonly number[], lo: number, hi: number) => times.filter((ms) => ms >= lo && ms < hi).length;

describe("duplicated requests", () => {
  it("arrive at their time and once more, later; the caller gets one reply", async () => {
    const { answers, handled, calls: counted } = await callMany({ duplicates: 500 });
    expect([answers.length, lost(answers), counted]).toEqual([calls, 0, calls]);
    expect(Math.max(...answers.map(({ tookMs }) => tookMs))).toBeLessThan(2);
    expect(between(handled, 0, 2)).toBe(calls);
    expect(between(handled, 10, 5002) + calls).toBe(handled.length);
    expect(handled.length - calls).toBeGreaterThan(0.4 * calls);
    expect(handled.length - calls).toBeLessThan(0.6 * calls);
  });

  it("are as late in every octave", async () => {
    const { handled } = await callMany({ duplicates: 1000, leastMs: 10, mostMs: 2560 });
    for (let octave = 0; octave < 8; octave++) {
      const share = between(handled, 10 << octave, 20 << octave);
      expect(share).toBeGreaterThan(25);
      expect(share).toBeLessThan(80);
    }
  });

  it("have arguments of their own", () =>
    onNetwork(async ({ network, call, end, simulation }) => {
      const seen: string[] = [];
      const take = (args: { list: number[] }) => {
        seen.push(args.list.join());
        args.list.push(99);
      };
      network.addServer(0, new NetworkServer(newLife(0), { Take: take }));
      network.setLateness({ ...none, duplicates: 1000 });
      const args = { list: [1, 2] };
      const answered = call(end(1), "Take", args);
      args.list.push(3);
      await answered;
      await simulation.sleep(6000);
      expect(seen).toEqual(["1,2", "1,2"]);
    }));
});

it("stray requests are lost to the caller and arrive later", async () => {
  const { answers, handled } = await callMany({ strays: 1000 });
  expect(lost(answers)).toBe(calls);
  expect(Math.max(...answers.map(({ tookMs }) => tookMs))).toBeLessThan(100);
  expect(handled).toHaveLength(calls);
  expect(between(handled, 10, 5002)).toBe(calls);
});

it("late replies reach their caller once, later", async () => {
  const { answers, handled } = await callMany({ lateReplies: 300 });
  expect([answers.length, lost(answers), handled.length]).toEqual([calls, 0, calls]);
  const times = answers.map(({ tookMs }) => tookMs);
  const late = between(times, 10, 5002);
  expect(late + between(times, 0, 2)).toBe(calls);
  expect(late).toBeGreaterThan(0.2 * calls);
  expect(late).toBeLessThan(0.4 * calls);
});

it("one kind of lateness leaves the decisions of the others as they were", async () => {
  const repeated = (handled: readonly number[]) => handled.filter((ms) => ms >= 10);
  const both = await callMany({ duplicates: 100, lateReplies: 500 });
  expect(repeated(both.handled)).toEqual(repeated((await callMany({ duplicates: 100 })).handled));
});

it("without lateness the network is the same to the last bit", async () => {
  const untouched = await callMany(none);
  const asked = await callMany(none, ({ network }) => network.rememberRequests(100));
  expect(asked.hash).toBe(untouched.hash);
});

it("says which bounds are none", () =>
  onNetwork(async ({ network }) => {
    expect(() => network.setLateness({ ...none, leastMs: 0 })).toThrow(
      "lateness needs 0 < leastMs <= mostMs, got leastMs 0 and mostMs 5000",
    );
    expect(() => network.setLateness({ ...none, mostMs: 5 })).toThrow("got leastMs 10 and mostMs 5");
  }));

describe("a request that arrives late", () => {
  const all = { strays: 1000, leastMs: 1000, mostMs: 1001 };

  it("goes to whoever lives at its address by then", () =>
    callMany(all, ({ network, life, simulation }) => {
      const later: number[] = [];
      life.alive = false;
      network.deleteServer(0);
      network.addServer(0, new NetworkServer(newLife(0), testHandlers(simulation, later)));
      void simulation.sleep(15_000).then(() => expect(later).toHaveLength(calls));
    }).then(({ handled }) => expect(handled).toEqual([])));

  it.each<[string, (world: NetWorld) => void]>([
    ["nobody lives there", ({ network }) => network.deleteServer(0)],
    ["its way is cut", ({ network }) => (network.links = fullMesh(calls).cut(5, 0))],
    ["the network was told to drop it", ({ network }) => network.dropOldRequests()],
  ])("does not arrive when %s", async (why, act) => {
    const { handled } = await callMany(all, act);
    expect(handled).toHaveLength(why === "its way is cut" ? calls - 1 : 0);
  });

  it.each(["throws", "rejects"])("ends the run if its handler %s, whoever waits for it", async (how) => {
    const thrown = await rejectionOf(
      callMany(all, ({ network, life }) => {
        const fail = () => {
          throw new Error("no");
        };
        network.addServer(0, new NetworkServer(life, { NumberToText: how === "throws" ? fail : async () => fail() }));
      }),
    );
    expect(thrown.message).toBe("S0 threw in the handler of NumberToText: Error: no");
  });
});

it("reaches a server again only when that has been connected", async () => {
  const simulation = newSimulation();
  const envs: RaftEnv[] = [];
  const pings: number[] = [];
  const makeRaft = silentWith((env) => {
    envs[env.me] = env;
    return { handlers: { Ping: (number: number) => void pings.push(number) } };
  });
  const cluster = new Cluster(simulation, makeRaft, { servers: 2, snapshots: false });
  await runScript(simulation, async () => {
    for (const server of [0, 1]) await cluster.start(server);
    for (const server of [0, 1]) cluster.connect(server);
    cluster.network.setLateness({ ...none, strays: 1000, leastMs: 1000, mostMs: 1001 });
    for (const disconnected of [true, false]) {
      for (let number = 0; number < 3; number++) expect(await envs[0]!.peers[1]!.call("Ping", number)).toBeUndefined();
      await cluster.start(1);
      if (!disconnected) cluster.connect(1);
      await simulation.sleep(2000);
      expect(pings.toSorted()).toEqual(disconnected ? [] : [0, 1, 2]);
      cluster.connect(1);
    }
  });
});

describe("replay", () => {
  const sample = (options?: WorldOptions) =>
    onNetwork(async ({ network, call, end, simulation }) => {
      const seen: number[] = [];
      network.addServer(0, new NetworkServer(newLife(0), { Note: (number: number) => void seen.push(number) }));
      network.rememberRequests(20);
      for (let number = 0; number < calls; number++) await call(end(1), "Note", number);
      seen.length = 0;
      expect([network.replay(5, 1), network.replay(300, 0)]).toEqual([0, 300]);
      await simulation.sleep(100);
      return seen;
    }, options);

  it("hands over remembered requests of the whole run again, chosen by the seed", async () => {
    const seen = await sample();
    expect(seen).toHaveLength(300);
    const kept = [...new Set(seen)];
    expect(kept).toHaveLength(20);
    expect(kept.filter((number) => number < calls / 2).length).toBeGreaterThan(3);
    expect(kept.filter((number) => number >= calls / 2).length).toBeGreaterThan(3);
    expect(await sample()).toEqual(seen);
    expect(await sample({ seed: { high: 1, low: 1 } })).not.toEqual(seen);
  });

  it("has nothing to hand over when nothing was to be remembered", () =>
    onNetwork(async ({ network, call, end }) => {
      await call(end(1), "NumberToText", 1);
      expect(network.replay(5)).toBe(0);
      network.rememberRequests(3);
      await call(end(1), "NumberToText", 1);
      expect(network.replay(1)).toBe(1);
      network.rememberRequests(0);
      expect(network.replay(1)).toBe(0);
    }));
});
