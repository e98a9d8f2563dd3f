import type { MakeRaft, Raft, RaftEnv } from "@raft-stress/raft/api";
import { describe, expect, it } from "vitest";
import { Cluster } from "../../src/cluster/cluster.ts";
import type { CrashMoment, CrashPoint } from "../../src/cluster/crash-points.ts";
import type { Simulation } from "../../src/sim/simulation.ts";
import { silentWith } from "../support/fixed-leader.ts";
import { newSimulation, runScript } from "../support/world.ts";

const none = new Uint8Array(0);
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (encoded: Uint8Array) => new TextDecoder().decode(encoded);

/** What the servers of a cluster did, in order. */
interface World {
  readonly cluster: Cluster;
  readonly simulation: Simulation;
  readonly envs: RaftEnv[][];
  readonly events: string[];
  /** S1's disk as its next life finds it. */
  readDisk(): Promise<string>;
}

/**
 * Two servers; S1's handler of "Write" saves what it is given, then saves it again with an end mark, tells S0, delivers to the service and sets a timer. It is a
 * promise if `later`.
 */
async function onWriters(script: (world: World) => Promise<void>, parts: (env: RaftEnv) => Partial<Raft> = () => ({})): Promise<World> {
  const simulation = newSimulation();
  const envs: RaftEnv[][] = [[], []];
  const events: string[] = [];
  const makeRaft: MakeRaft = silentWith((env) => {
    const life = `S${env.me} life ${envs[env.me]!.push(env)}`;
    const write = (value: string) => {
      env.persister.save(bytes(value), none);
      env.peers[0]!.request("Tell", `${value} half`, () => events.push(`${life} is answered`));
      env.persister.save(bytes(`${value}.`), none);
      env.peers[0]!.request("Tell", value, () => events.push(`${life} is answered`));
      void env.apply({ type: "command", index: 1, command: "one" });
      env.clock.setTimeout(() => events.push(`${life}: timer`), 1);
      events.push(`${life} wrote ${text(env.persister.readState())}`);
      return `${value} done`;
    };
    return {
      kill: () => void events.push(`${life} killed`),
      start: (command: unknown) => {
        write(String(command));
        return { index: 1, term: 1, isLeader: true };
      },
      handlers: {
        Write: write,
        WriteLater: async (value: string) => {
          await undefined;
          return write(value);
        },
        Tell: (value: string) => void events.push(`told ${value}`),
      },
      ...parts(env),
    };
  });
  const cluster = new Cluster(simulation, makeRaft, { servers: 2, snapshots: false });
  const readDisk = async () => {
    await cluster.start(1);
    return text(envs[1]!.at(-1)!.persister.readState());
  };
  const world: World = { cluster, simulation, envs, events, readDisk };
  await runScript(simulation, async () => {
    for (const server of [0, 1]) await cluster.start(server);
    for (const server of [0, 1]) cluster.connect(server);
    await script(world);
  });
  return world;
}

const call = ({ envs }: World, method: string, value: string) => envs[0]![0]!.peers[1]!.call(method, value);

describe("a crash at a save", () => {
  const cases: [moment: CrashMoment, nth: number, disk: string, told: string[], reply: string | undefined][] = [
    ["before", 1, "", [], undefined],
    ["after", 1, "new", [], undefined],
    ["before", 2, "new", ["told new half"], undefined],
    ["after", 2, "new.", ["told new half"], undefined],
    ["event end", 1, "new.", ["told new half", "told new"], "new done"],
  ];
  it.each(
    cases.flatMap(([moment, nth, ...expected]) =>
      ["Write", "WriteLater"].map((method): [CrashMoment, number, string, string, string[], string | undefined] => [
        moment,
        nth,
        method,
        ...expected,
      ]),
    ),
  )("%s save %i of %s leaves that on disk and lets out what came before it alone", async (moment, nth, method, disk, told, reply) => {
    await onWriters(async (world) => {
      const { cluster, simulation, events } = world;
      const armed = cluster.armCrash(1, { at: "save", nth, moment });
      const answered = call(world, method, "new");
      await armed.crashed;
      expect([armed.hasCrashed, cluster.isAlive(1), cluster.isConnected(1)]).toEqual([true, false, false]);
      expect(await answered).toBe(reply);
      await simulation.sleep(500);
      const seen = events.filter((event) => event.startsWith("told"));
      expect(seen.toSorted()).toEqual(told.toSorted());
      // The dead are neither answered nor woken, but told.
      expect(events.filter((event) => event.startsWith("S1"))).toEqual([expect.stringContaining("S1 life 1 wrote"), "S1 life 1 killed"]);
      expect(cluster.logs.has(1, 1)).toBe(false);
      expect(await world.readDisk()).toBe(disk);
    });
  });

  it("counts through restarts, and comes once", async () => {
    await onWriters(async (world) => {
      const armed = world.cluster.armCrash(1, { at: "save", nth: 3, moment: "after" });
      await call(world, "Write", "first");
      await world.cluster.start(1);
      world.cluster.connect(1);
      expect(await call(world, "Write", "second")).toBeUndefined();
      expect(armed.hasCrashed).toBe(true);
      expect(await world.readDisk()).toBe("second");
      world.cluster.connect(1);
      expect(await call(world, "Write", "third")).toBe("third done");
    });
  });

  it("does not come when it was taken back", async () => {
    await onWriters(async (world) => {
      const armed = world.cluster.armCrash(1, { at: "save", nth: 1, moment: "before" });
      armed.disarm();
      expect(await call(world, "Write", "new")).toBe("new done");
      expect(armed.hasCrashed).toBe(false);
    });
  });

  it("in start() leaves the tester without an acceptance", async () => {
    await onWriters(async (world) => {
      const { cluster } = world;
      cluster.armCrash(1, { at: "save", nth: 1, moment: "after" });
      expect(await cluster.startCommand(1, "x")).toMatchObject({ isLeader: false });
      await cluster.start(1);
      cluster.armCrash(1, { at: "save", nth: 1, moment: "after" });
      expect((await cluster.offerToAll(() => "y")).map(({ server }) => server)).toEqual([0]);
    });
  });

  it("while it boots leaves a server that has never been up", async () => {
    const boots = (env: RaftEnv) => {
      env.persister.save(bytes(`boot after "${text(env.persister.readState())}"`), none);
      return {};
    };
    await onWriters(async (world) => {
      const { cluster, events } = world;
      cluster.armCrash(1, { at: "save", nth: 1, moment: "before" });
      await cluster.start(1);
      expect(cluster.isAlive(1)).toBe(false);
      cluster.connect(1);
      expect(await call(world, "Write", "new")).toBeUndefined();
      expect(events).toEqual(["S1 life 1 killed", "S1 life 2 killed"]);
      await cluster.start(1);
      expect(cluster.isAlive(1)).toBe(true);
    }, boots);
  });

  it("leaves no caller waiting whose call comes at the same instant", async () => {
    const timer = (env: RaftEnv) => {
      if (env.me === 1) env.clock.setTimeout(() => env.persister.save(none, none), 10);
      return {};
    };
    await onWriters(async ({ cluster, simulation }) => {
      const armed = cluster.armCrash(1, { at: "save", nth: 1, moment: "before" });
      await simulation.sleep(10 - simulation.nowMs);
      // Whichever comes first at this instant, both have their answer.
      const state = cluster.getState(1);
      const result = cluster.startCommand(1, "x");
      await armed.crashed;
      await state;
      expect(await result).toMatchObject({ isLeader: false });
    }, timer);
  });

  it.each(["throws", "rejects"])("hides what the dead code %s to the end of its event", async (how) => {
    const failing = (env: RaftEnv) => {
      const fail = () => {
        env.persister.save(none, none);
        throw new Error("the disk is gone");
      };
      const tick = how === "throws" ? fail : () => void Promise.resolve().then(fail);
      return {
        handlers: { Write: fail },
        start: () => {
          tick();
          return { index: 1, term: 1, isLeader: true };
        },
      };
    };
    await onWriters(async (world) => {
      const { cluster } = world;
      cluster.armCrash(1, { at: "save", nth: 1, moment: "after" });
      expect(await call(world, "Write", "x")).toBeUndefined();
      await cluster.start(1);
      const armed = cluster.armCrash(1, { at: "save", nth: 1, moment: "before" });
      expect(await cluster.startCommand(1, "x")).toMatchObject(how === "throws" ? { isLeader: false } : { isLeader: true });
      await armed.crashed;
    }, failing);
  });
});

describe("a crash at a message", () => {
  it.each<[CrashMoment, string[], string | undefined]>([
    ["before", [], undefined],
    ["after", ["told new", "told new half"], undefined],
    ["event end", ["told new", "told new half"], "new done"],
  ])("%s a request", async (moment, told, reply) => {
    await onWriters(async (world) => {
      const { cluster, simulation, events } = world;
      const armed = cluster.armCrash(1, { at: "request", nth: 2, moment, method: "Write" });
      await call(world, "WriteLater", "not counted");
      expect(await call(world, "Write", "first")).toBe("first done");
      await simulation.sleep(100);
      events.length = 0;
      const answered = call(world, "Write", "new");
      await armed.crashed;
      expect(await answered).toBe(reply);
      await simulation.sleep(100);
      expect(events.filter((event) => event.startsWith("told")).toSorted()).toEqual(told);
      expect(await world.readDisk()).toBe(moment === "before" ? "first." : "new.");
    });
  });

  it.each<[CrashMoment, string[]]>([
    ["before", []],
    ["after", ["S1 life 1 is answered"]],
    ["event end", ["S1 life 1 is answered"]],
  ])("%s a reply to the server's own request", async (moment, answered) => {
    await onWriters(async (world) => {
      const { cluster, simulation, events } = world;
      const armed = cluster.armCrash(1, { at: "reply", nth: 1, moment });
      await cluster.startCommand(1, "x");
      await armed.crashed;
      await simulation.sleep(100);
      expect(events.filter((event) => event.includes("answered"))).toEqual(answered);
      expect(events).toContain("S1 life 1 killed");
    });
  });

  it("takes no crash points that cannot be", async () => {
    const point: CrashPoint = { at: "request", nth: 0, moment: "before" };
    await onWriters(async ({ cluster }) => {
      expect(() => cluster.armCrash(1, point)).toThrow("a crash point's nth must be a whole number of at least 1, got 0");
    });
  });
});

it("a server with several points crashes once for all that were reached", async () => {
  await onWriters(async (world) => {
    const { cluster } = world;
    const points: CrashPoint[] = [
      { at: "request", nth: 1, moment: "after" },
      { at: "save", nth: 2, moment: "after" },
      { at: "save", nth: 1, moment: "event end" },
      { at: "save", nth: 3, moment: "before" },
    ];
    const armed = points.map((point) => cluster.armCrash(1, point));
    expect(await call(world, "Write", "new")).toBeUndefined();
    await Promise.all(armed.slice(0, 3).map(({ crashed }) => crashed));
    expect(armed.map(({ hasCrashed }) => hasCrashed)).toEqual([true, true, true, false]);
    expect(await world.readDisk()).toBe("new.");
    world.cluster.connect(1);
    expect(await call(world, "Write", "next")).toBeUndefined();
    expect(await world.readDisk()).toBe("new.");
  });
});
