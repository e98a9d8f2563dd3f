import type { RaftEnv } from "@raft-stress/raft/api";
import { describe, expect, it } from "vitest";
import { Cluster } from "../../src/cluster/cluster.ts";
import type { Simulation } from "../../src/sim/simulation.ts";
import { silentWith } from "../support/fixed-leader.ts";
import { newSimulation, runScript, type WorldOptions } from "../support/world.ts";

interface World {
  readonly cluster: Cluster;
  readonly simulation: Simulation;
  readonly envs: RaftEnv[];
  /** What happened at S1, and when in ms. */
  readonly atS1: [what: string, ms: number][];
  /** Calls S1 from S0. */
  ping(number: number): Promise<unknown>;
}

/** Two servers that take note of what happens at S1. */
async function onTwo<T>(script: (world: World) => Promise<T>, options: WorldOptions = {}): Promise<T> {
  const simulation = newSimulation(options);
  const envs: RaftEnv[] = [];
  const atS1: World["atS1"] = [];
  const makeRaft = silentWith((env) => {
    envs[env.me] = env;
    const note = (what: string) => void (env.me === 1 && atS1.push([what, Math.floor(simulation.nowMs)]));
    return {
      start: (command: unknown) => {
        note(`start(${command})`);
        return { index: 1, term: 1, isLeader: true };
      },
      getState: () => {
        note("getState()");
        return { term: 1, isLeader: true };
      },
      snapshot: (index: number) => note(`snapshot(${index})`),
      kill: () => note("kill()"),
      handlers: {
        Ping: (number: number) => {
          note(`ping ${number}`);
          return "pong";
        },
      },
    };
  });
  const cluster = new Cluster(simulation, makeRaft, { servers: 2, snapshots: true });
  return await runScript(simulation, async () => {
    for (const server of [0, 1]) await cluster.start(server);
    for (const server of [0, 1]) cluster.connect(server);
    const ping = (number: number) => envs[0]!.peers[1]!.call("Ping", number);
    return await script({ cluster, simulation, envs, atS1, ping });
  });
}

describe("a paused server", () => {
  it("does nothing until it goes on; then all that was due happens at once, in order", () =>
    onTwo(async ({ cluster, simulation, envs, atS1, ping }) => {
      const env = envs[1]!;
      cluster.pause(1);
      for (const ms of [30, 10, 20, 900]) env.clock.setTimeout(() => void atS1.push([`timer ${ms}`, simulation.nowMs]), ms);
      await simulation.sleep(15);
      const pinged = ping(1);
      await simulation.sleep(10);
      const [state, result] = [cluster.getState(1), cluster.startCommand(1, "x")];
      void env.peers[0]!.call("Ping", 5).then((reply) => void atS1.push([`reply ${reply}`, simulation.nowMs]));
      void env.apply({ type: "command", index: 1, command: "c" }).then(() => void atS1.push(["applied", simulation.nowMs]));
      await simulation.sleep(475);
      expect([atS1, cluster.isPaused(1)]).toEqual([[], true]);
      cluster.resume(1);
      expect(await pinged).toBe("pong");
      expect([await state, await result]).toEqual([
        { term: 1, isLeader: true },
        { index: 1, term: 1, isLeader: true },
      ]);
      await simulation.sleep(500);
      expect(atS1).toEqual([
        ["timer 10", 500],
        ["ping 1", 500],
        ["timer 20", 500],
        ["getState()", 500],
        ["start(x)", 500],
        ["applied", 500],
        ["reply pong", 500],
        ["timer 30", 500],
        ["timer 900", 900],
      ]);
    }));

  it("can be crashed: what it would have done does not happen, its callers fail, and its next life runs", () =>
    onTwo(async ({ cluster, simulation, envs, atS1, ping }) => {
      envs[1]!.clock.setTimeout(() => void atS1.push(["timer", simulation.nowMs]), 10);
      cluster.pause(1);
      const [pinged, state, result] = [ping(1), cluster.getState(1), cluster.startCommand(1, "x")];
      await simulation.sleep(20);
      await cluster.crash(1);
      expect([await pinged, await state, (await result).isLeader]).toEqual([undefined, undefined, false]);
      expect([cluster.isPaused(1), cluster.isAlive(1), atS1]).toEqual([false, false, [["kill()", 20]]]);
      cluster.pause(1);
      expect(cluster.isPaused(1)).toBe(false);
      await cluster.start(1);
      cluster.connect(1);
      expect(await ping(2)).toBe("pong");
    }));

  it("can be restarted at once", () =>
    onTwo(async ({ cluster, atS1, ping }) => {
      cluster.pause(1);
      await cluster.start(1);
      cluster.connect(1);
      expect(await ping(1)).toBe("pong");
      expect(atS1.map(([what]) => what)).toEqual(["kill()", "ping 1"]);
    }));

  it("is passed by when all are offered a command, also when the offer is on its way to it", () =>
    onTwo(async ({ cluster, simulation }) => {
      cluster.pause(1);
      expect((await cluster.offerToAll(() => "x")).map(({ server }) => server)).toEqual([0]);
      cluster.resume(1);
      expect((await cluster.offerToAll(() => "x")).map(({ server }) => server)).toEqual([0, 1]);
      const offered = cluster.offerToAll(() => "x");
      await simulation.sleep(0.015);
      cluster.pause(1);
      expect((await offered).map(({ server }) => server)).toEqual([0]);
    }));

  it("leaves the others as they are, and pausing or waking it twice is once", () =>
    onTwo(async ({ cluster, envs, atS1, simulation }) => {
      cluster.pause(0);
      cluster.pause(0);
      const answered = envs[1]!.peers[0]!.call("Ping", 0);
      await cluster.getState(1);
      await simulation.sleep(50);
      expect([atS1.map(([what]) => what), cluster.isPaused(0), cluster.isPaused(1)]).toEqual([["getState()"], true, false]);
      cluster.resume(0);
      cluster.resume(0);
      expect([await answered, simulation.nowMs < 51]).toEqual(["pong", true]);
    }));
});

describe("a slow service", () => {
  it("takes each message after its time, so that its snapshots come late", () =>
    onTwo(async ({ cluster, simulation, envs, atS1 }) => {
      cluster.setApplyTime(1, 100);
      cluster.snapshotInterval = 2;
      for (let index = 1; index <= 5; index++) void envs[1]!.apply({ type: "command", index, command: index });
      await simulation.sleep(350);
      cluster.setApplyTime(1, 0.005);
      await simulation.sleep(100);
      expect(atS1).toEqual([
        ["snapshot(1)", 100],
        ["snapshot(3)", 300],
        ["snapshot(5)", 400],
      ]);
    }));
});

describe("a clock rate", () => {
  it("belongs to the server, through restarts", () =>
    onTwo(async ({ cluster, simulation, envs }) => {
      cluster.setClockRate(1, 3);
      await simulation.sleep(100);
      await cluster.start(1);
      expect(envs.map(({ clock }) => clock.now())).toEqual([100, 300]);
      await simulation.sleep(100);
      expect(envs.map(({ clock }) => clock.now())).toEqual([200, 600]);
    }));

  it("must be one", () =>
    onTwo(async ({ cluster }) => {
      for (const rate of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
        expect(() => cluster.setClockRate(1, rate)).toThrow(`a clock rate must be 0.001 to 1000, got ${rate}`);
      }
    }));

  it("is the run's own on the real clock", () =>
    onTwo(
      async ({ cluster, simulation, envs }) => {
        cluster.setClockRate(1, 3);
        expect(envs[1]!.clock.now()).toBe(simulation.nowMs);
      },
      { realElapsedUs: () => 1000 },
    ));
});
