import type { ApplyMessage, MakeRaft, RaftEnv } from "@raft-stress/raft/api";
import { describe, expect, it } from "vitest";
import { encodeSnapshot } from "../../src/cluster/appliers.ts";
import { Cluster } from "../../src/cluster/cluster.ts";
import { ImplementationError } from "../../src/failure.ts";
import type { Simulation } from "../../src/sim/simulation.ts";
import { commandsUpTo } from "../support/commands.ts";
import { fixedLeader, silent, silentWith } from "../support/fixed-leader.ts";
import { newSimulation, rejectionOf, runScript, type WorldOptions } from "../support/world.ts";

interface ClusterWorld {
  readonly cluster: Cluster;
  readonly simulation: Simulation;
  /** Boots and connects everyone. */
  startAll(): Promise<void>;
}

async function onCluster<T>(
  makeRaft: MakeRaft,
  script: (world: ClusterWorld) => Promise<T>,
  { snapshots = false, ...options }: WorldOptions & { snapshots?: boolean } = {},
): Promise<T> {
  const simulation = newSimulation(options);
  const cluster = new Cluster(simulation, makeRaft, { servers: 3, snapshots });
  const startAll = async () => {
    for (let server = 0; server < 3; server++) await cluster.start(server);
    for (let server = 0; server < 3; server++) cluster.connect(server);
  };
  return await runScript(simulation, () => script({ cluster, simulation, startAll }));
}

/** A Raft that answers "Ping" and keeps every environment it was given, by server and life. */
function recording(): { makeRaft: MakeRaft; envs: RaftEnv[][]; killed: string[]; pinged: number[] } {
  const envs: RaftEnv[][] = [[], [], []];
  const killed: string[] = [];
  const pinged = [0, 0, 0];
  const makeRaft = silentWith((env) => {
    const life = envs[env.me]!.push(env);
    return {
      kill: () => void killed.push(`S${env.me} life ${life}`),
      handlers: { Ping: () => `pong ${++pinged[env.me]!} of life ${life}` },
    };
  });
  return { makeRaft, envs, killed, pinged };
}

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (encoded: Uint8Array) => new TextDecoder().decode(encoded);
const none = new Uint8Array(0);

describe("start", () => {
  it("leaves the server unconnected: nothing gets in or out until connect", async () => {
    const { makeRaft, envs, pinged } = recording();
    await onCluster(makeRaft, async ({ cluster, simulation }) => {
      for (const server of [0, 1, 2]) await cluster.start(server);
      expect([0, 1, 2].map((server) => cluster.isConnected(server))).toEqual([false, false, false]);
      expect(await envs[0]![0]!.peers[1]!.call("Ping", 1)).toBeUndefined();
      cluster.connect(0);
      expect(await envs[0]![0]!.peers[1]!.call("Ping", 1)).toBeUndefined();
      cluster.connect(1);
      expect(await envs[0]![0]!.peers[1]!.call("Ping", 1)).toBe("pong 1 of life 1");
      expect(await envs[1]![0]!.peers[0]!.call("Ping", 1)).toBe("pong 1 of life 1");
      expect(await envs[0]![0]!.peers[2]!.call("Ping", 1)).toBeUndefined();
      expect(pinged).toEqual([1, 1, 0]);
      await simulation.sleep(0);
    });
  });

  it("gives a server its number, a peer for each server, and what its former life saved", async () => {
    const { makeRaft, envs } = recording();
    await onCluster(makeRaft, async ({ cluster, startAll }) => {
      await startAll();
      const first = envs[2]![0]!;
      expect([first.me, first.peers.length, first.persister.stateSize()]).toEqual([2, 3, 0]);
      first.persister.save(bytes("state"), bytes("snapshot"));
      await cluster.start(2);
      const second = envs[2]![1]!;
      expect(text(second.persister.readState())).toBe("state");
      expect(text(second.persister.readSnapshot())).toBe("snapshot");
      expect(second.persister).not.toBe(first.persister);
    });
  });

  it("crashes the life that runs first", async () => {
    const { makeRaft, killed } = recording();
    await onCluster(makeRaft, async ({ cluster, startAll }) => {
      await startAll();
      await cluster.start(1);
      expect(killed).toEqual(["S1 life 1"]);
      expect(cluster.isConnected(1)).toBe(false);
      expect(cluster.isAlive(1)).toBe(true);
    });
  });

  it("by two at one instant leaves the server one life", async () => {
    const { makeRaft, envs, killed } = recording();
    await onCluster(makeRaft, async ({ cluster, startAll }) => {
      await startAll();
      await Promise.all([cluster.start(1), cluster.start(1), cluster.start(1)]);
      cluster.connect(1);
      const answers = await Promise.all(envs[1]!.map(({ peers }) => peers[0]!.call("Ping", 1)).slice(-1));
      expect(answers).toEqual(["pong 1 of life 1"]);
      expect(killed.toSorted()).toEqual(envs[1]!.slice(0, -1).map((_, life) => `S1 life ${life + 1}`));
    });
  });

  it("does not let the ends of a former life work again", async () => {
    const { makeRaft, envs, pinged } = recording();
    await onCluster(makeRaft, async ({ cluster, startAll, simulation }) => {
      await startAll();
      const former = envs[1]![0]!;
      await cluster.start(1);
      cluster.connect(1);
      let answered = false;
      const callsBefore = cluster.network.totalCalls;
      void former.peers[0]!.call("Ping", 1).then(() => {
        answered = true;
      });
      former.peers[2]!.request("Ping", 1, () => {
        answered = true;
      });
      await simulation.sleep(8000);
      expect(answered).toBe(false);
      expect(cluster.network.totalCalls).toBe(callsBefore);
      expect(pinged[0]! + pinged[2]!).toBe(0);
      expect(await envs[0]![0]!.peers[1]!.call("Ping", 1)).toBe("pong 1 of life 2");
    });
  });

  it("gives each life random numbers of its own, the same in every run of the seed", async () => {
    const draws = async () => {
      const { makeRaft, envs } = recording();
      await onCluster(makeRaft, async ({ cluster, startAll }) => {
        await startAll();
        await cluster.start(0);
      });
      return envs.flat().map((env) => env.random.next());
    };
    const first = await draws();
    expect(first).toHaveLength(4);
    expect(new Set(first).size).toBe(4);
    expect(await draws()).toEqual(first);
  });
});

describe("crash", () => {
  it("keeps what was saved before it, and only that, however the dead life goes on", async () => {
    const { makeRaft, envs } = recording();
    await onCluster(makeRaft, async ({ cluster, startAll }) => {
      await startAll();
      const former = envs[0]![0]!;
      former.persister.save([bytes("be"), bytes("fore")], bytes("snapshot"));
      await cluster.crash(0);
      former.persister.save(bytes("after"), none);
      await cluster.start(0);
      former.persister.save(bytes("long after"), none);
      const next = envs[0]![1]!.persister;
      expect([text(next.readState()), text(next.readSnapshot())]).toEqual(["before", "snapshot"]);
    });
  });

  it("keeps nothing of what kill() saves", async () => {
    const makeRaft = silentWith((env) => ({ kill: () => env.persister.save(bytes("in kill()"), none) }));
    await onCluster(makeRaft, async ({ cluster, startAll }) => {
      await startAll();
      await cluster.crash(0);
      expect(cluster.largestState()).toBe(0);
    });
  });

  it("ends timers, sleeps, calls under way, deliveries and log lines of the life", async () => {
    const seen: string[] = [];
    const envs: RaftEnv[] = [];
    const makeRaft = silentWith((env) => {
      envs.push(env);
      return { handlers: { Ping: () => "pong" } };
    });
    await onCluster(
      makeRaft,
      async ({ cluster, startAll, simulation }) => {
        await startAll();
        const env = envs[0]!;
        env.clock.setTimeout(() => seen.push("timer"), 1);
        void env.clock.sleep(1).then(() => seen.push("sleep"));
        env.peers[1]!.request("Ping", 1, () => seen.push("reply"));
        void env.peers[1]!.call("Ping", 1).then(() => seen.push("call"));
        void env.apply({ type: "command", index: 1, command: 1 }).then(() => seen.push("applied"));
        env.log("INFO", "before its death");
        await cluster.crash(0);
        env.log("INFO", "after its death");
        await simulation.sleep(8000);
        expect(seen).toEqual([]);
        expect(cluster.logs.maxIndex).toBe(0);
        expect(simulation.trace.text()).toContain("INFO S0 before its death");
        expect(simulation.trace.text()).not.toContain("after its death");
      },
      { traceLevel: "debug" },
    );
  });

  it("fails the run when the dead server delivers something all the same", async () => {
    const envs: RaftEnv[] = [];
    const makeRaft = silentWith((env) => {
      envs.push(env);
      return {};
    });
    const deliversLate = onCluster(makeRaft, async ({ cluster, startAll, simulation }) => {
      await startAll();
      await cluster.crash(0);
      void envs[0]!.apply({ type: "command", index: 1, command: 1 });
      expect(cluster.logs.maxIndex).toBe(0);
      await simulation.sleep(1);
    });
    await expect(deliversLate).rejects.toThrow("S0 called env.apply() after it was killed: a dead server delivers nothing");
  });

  it("takes the server down: it proposes nothing and says nothing", async () => {
    await onCluster(fixedLeader, async ({ cluster, startAll }) => {
      await startAll();
      expect(await cluster.getState(0)).toEqual({ term: 1, isLeader: true });
      await cluster.crash(0);
      await cluster.crash(0);
      expect(cluster.isAlive(0)).toBe(false);
      expect(await cluster.getState(0)).toBeUndefined();
      expect((await cluster.startCommand(0, 1)).isLeader).toBe(false);
      expect(cluster.network.dispatched(0)).toBe(0);
    });
  });

  it("at the instant of a call into the server leaves that call without an answer", async () => {
    const { makeRaft } = recording();
    await onCluster(makeRaft, async ({ cluster, startAll }) => {
      await startAll();
      const [state, result] = [cluster.getState(1), cluster.startCommand(1, "x")];
      const crashed = cluster.crash(1);
      expect([await state, (await result).isLeader]).toEqual([undefined, false]);
      await crashed;
    });
  });

  it("lets calls to it fail, as those to a cut server do", async () => {
    const { makeRaft, envs, pinged } = recording();
    await onCluster(makeRaft, async ({ cluster, startAll, simulation }) => {
      cluster.network.longDelays = true;
      await startAll();
      const replies = Promise.all(Array.from({ length: 50 }, () => envs[0]![0]!.peers[1]!.call("Ping", 1)));
      await cluster.crash(1);
      expect(await replies).toEqual(new Array(50).fill(undefined));
      expect(simulation.nowMs).toBeLessThan(1);
      const late = Promise.all(Array.from({ length: 50 }, () => envs[0]![0]!.peers[1]!.call("Ping", 1)));
      expect(await late).toEqual(new Array(50).fill(undefined));
      expect(simulation.nowMs).toBeGreaterThan(6000);
      expect(simulation.nowMs).toBeLessThan(7001);
      // Connected, but still down: there is nobody at the other end.
      cluster.connect(1);
      const connectedMs = simulation.nowMs;
      const nobody = Promise.all(Array.from({ length: 50 }, () => envs[0]![0]!.peers[1]!.call("Ping", 1)));
      expect(await nobody).toEqual(new Array(50).fill(undefined));
      expect(simulation.nowMs).toBeGreaterThan(connectedMs + 6000);
      expect(pinged[1]).toBe(0);
    });
  });

  it("tolerates waiters that kill() rejects", async () => {
    const makeRaft = silentWith((env) => {
      let reject = (_: Error): void => {};
      const forever = new Promise<never>((_, fail) => {
        reject = fail;
      });
      if (env.me === 0) env.clock.setTimeout(() => void env.peers[1]!.call("Wait", 1), 10);
      return { handlers: { Wait: () => forever }, kill: () => reject(new Error("killed")) };
    });
    await onCluster(makeRaft, async ({ cluster, startAll, simulation }) => {
      await startAll();
      await simulation.sleep(50);
      await cluster.crash(1);
      await simulation.sleep(500);
    });
  });
});

describe("connect and disconnect", () => {
  it("can be repeated, and cut both directions at once", async () => {
    const { makeRaft, envs } = recording();
    await onCluster(makeRaft, async ({ cluster, startAll }) => {
      await startAll();
      const ping = async (from: number, to: number) => (await envs[from]![0]!.peers[to]!.call("Ping", 1)) !== undefined;
      cluster.disconnect(1);
      cluster.disconnect(1);
      expect([await ping(0, 1), await ping(1, 0), await ping(0, 2), await ping(2, 0)]).toEqual([false, false, true, true]);
      cluster.connect(1);
      cluster.connect(1);
      expect([await ping(0, 1), await ping(1, 0), await ping(1, 2), await ping(1, 1)]).toEqual([true, true, true, true]);
    });
  });

  it("may name a server that is down; a start disconnects it again", async () => {
    const { makeRaft, envs } = recording();
    await onCluster(makeRaft, async ({ cluster, startAll }) => {
      await startAll();
      await cluster.crash(2);
      cluster.connect(2);
      expect(cluster.isConnected(2)).toBe(true);
      await cluster.start(2);
      expect(cluster.isConnected(2)).toBe(false);
      expect(await envs[0]![0]!.peers[2]!.call("Ping", 1)).toBeUndefined();
      cluster.connect(2);
      expect(await envs[0]![0]!.peers[2]!.call("Ping", 1)).toBe("pong 1 of life 2");
    });
  });

  it("do not connect a server to one that is cut off", async () => {
    const { makeRaft, envs } = recording();
    await onCluster(makeRaft, async ({ cluster, startAll }) => {
      await startAll();
      cluster.disconnect(0);
      cluster.disconnect(1);
      cluster.connect(1);
      expect(await envs[1]![0]!.peers[0]!.call("Ping", 1)).toBeUndefined();
      expect(await envs[1]![0]!.peers[2]!.call("Ping", 1)).toBe("pong 1 of life 1");
    });
  });
});

describe("an offer to all", () => {
  it("asks every live server in order, connected or not, each for a command of its own in an event of its own", async () => {
    const asked: string[] = [];
    let simulation: Simulation | undefined;
    const makeRaft = silentWith((env) => ({
      start(command) {
        asked.push(`S${env.me} takes ${command} in event ${simulation!.events} of S${simulation!.currentServer}`);
        return { index: 5 + env.me, term: 2, isLeader: env.me !== 0 };
      },
    }));
    await onCluster(makeRaft, async (world) => {
      simulation = world.simulation;
      await world.startAll();
      world.cluster.disconnect(2);
      const before = simulation.events;
      let commands = 0;
      const accepted = await world.cluster.offerToAll(() => ++commands);
      expect(asked).toEqual([0, 1, 2].map((server) => `S${server} takes ${server + 1} in event ${before + server + 1} of S${server}`));
      expect(accepted).toEqual([
        { server: 1, index: 6, term: 2 },
        { server: 2, index: 7, term: 2 },
      ]);
      await world.cluster.crash(1);
      expect(await world.cluster.offerToAll(() => ++commands)).toEqual([{ server: 2, index: 7, term: 2 }]);
      expect(commands).toBe(5);
    });
  });

  it("is over at once when nobody is up", async () => {
    await onCluster(silent, async ({ cluster }) => {
      expect(await cluster.offerToAll(() => 1)).toEqual([]);
    });
  });

  it("goes on without a server that crashes at that instant", async () => {
    const asked: number[] = [];
    const makeRaft = silentWith((env) => ({
      start() {
        asked.push(env.me);
        return { index: 1, term: 1, isLeader: true };
      },
    }));
    await onCluster(makeRaft, async ({ cluster, startAll }) => {
      await startAll();
      const offer = cluster.offerToAll(() => 1);
      void cluster.crash(1);
      expect((await offer).map(({ server }) => server)).toEqual([0, 2]);
      expect(asked).toEqual([0, 2]);
    });
  });

  it("blames a server whose start() throws", async () => {
    const makeRaft = silentWith((env) => ({
      start() {
        if (env.me === 1) throw new Error("boom");
        return { index: -1, term: 0, isLeader: false };
      },
    }));
    const error = await rejectionOf(
      onCluster(makeRaft, async ({ cluster, startAll }) => {
        await startAll();
        await cluster.offerToAll(() => 1);
      }),
    );
    expect(error).toBeInstanceOf(ImplementationError);
    expect(error.message).toBe("S1 threw in start(): Error: boom");
  });
});

describe("the service", () => {
  it("takes what is applied, by server", async () => {
    await onCluster(fixedLeader, async ({ cluster, startAll, simulation }) => {
      await startAll();
      expect(await cluster.startCommand(0, "x")).toEqual({ index: 1, term: 1, isLeader: true });
      expect((await cluster.startCommand(1, "y")).isLeader).toBe(false);
      await simulation.sleep(300);
      expect(cluster.logs.committed(1)).toEqual({ count: 3, command: "x" });
      expect(cluster.logs.maxIndex).toBe(1);
    });
  });

  it("calls snapshot() while it takes a message, before the next one", async () => {
    const seen: string[] = [];
    const makeRaft = silentWith((env) => {
      if (env.me === 0) {
        for (let index = 1; index <= 11; index++) {
          void env.apply({ type: "command", index, command: index }).then(() => seen.push(`taken ${index}`));
        }
      }
      return { snapshot: (index, snapshot) => seen.push(`snapshot(${index}) of ${snapshot.length > 0}`) };
    });
    await onCluster(
      makeRaft,
      async ({ startAll, simulation }) => {
        await startAll();
        await simulation.sleep(5);
      },
      { snapshots: true },
    );
    expect(seen.slice(7, 11)).toEqual(["taken 8", "snapshot(9) of true", "taken 9", "taken 10"]);
  });

  it("starts from the snapshot on disk", async () => {
    const messages: ApplyMessage[] = [{ type: "command", index: 4, command: 40 }];
    let life = 0;
    const makeRaft = silentWith((env) => {
      if (env.me !== 0) return {};
      if (life++ === 0) env.persister.save(none, encodeSnapshot(3, [null, 10, 20, 30]));
      else for (const message of messages) void env.apply(message);
      return {};
    });
    await onCluster(
      makeRaft,
      async ({ cluster, startAll, simulation }) => {
        await startAll();
        await cluster.start(0);
        await simulation.sleep(1);
        expect(commandsUpTo(cluster.logs, 0, 4)).toEqual([null, 10, 20, 30, 40]);
      },
      { snapshots: true },
    );
  });

  it("keeps what it saw applied before a crash", async () => {
    await onCluster(fixedLeader, async ({ cluster, startAll, simulation }) => {
      await startAll();
      await cluster.startCommand(0, 7);
      await simulation.sleep(300);
      await cluster.crash(1);
      expect(cluster.logs.committed(1)).toEqual({ count: 3, command: 7 });
    });
  });

  it("gives every server a command of its own: no object is shared between two", async () => {
    const commands: unknown[] = [];
    const makeRaft = silentWith(() => ({
      start: (command) => {
        commands.push(command);
        return { index: 1, term: 1, isLeader: true };
      },
    }));
    await onCluster(makeRaft, async ({ cluster, startAll }) => {
      await startAll();
      const command = { key: "k" };
      await cluster.startCommand(0, command);
      await cluster.startCommand(1, command);
      expect(commands).toEqual([command, command]);
      expect(commands[0]).not.toBe(commands[1]);
    });
  });
});

describe("an implementation of the wrong shape", () => {
  const raftLike = (changes: object) => (env: RaftEnv) => ({ ...silent(env), ...changes });
  const without = (name: string) => raftLike({ [name]: undefined });

  it.each([
    [
      "a promise",
      async (env: RaftEnv) => silent(env),
      "MakeRaft must return a Raft, got a promise of one: do asynchronous work after returning",
    ],
    ["nothing", () => undefined, "MakeRaft must return a Raft, got undefined"],
    ["null", () => null, "MakeRaft must return a Raft, got null"],
    ["no start()", without("start"), "MakeRaft must return a Raft with a method start(), got undefined"],
    ["no getState()", without("getState"), "MakeRaft must return a Raft with a method getState(), got undefined"],
    ["no snapshot()", without("snapshot"), "MakeRaft must return a Raft with a method snapshot(), got undefined"],
    ["no kill()", raftLike({ kill: true }), "MakeRaft must return a Raft with a method kill(), got boolean"],
    ["no handlers", without("handlers"), "MakeRaft must return a Raft with `handlers`, RPC handlers by method name"],
    [
      "a handler that is none",
      raftLike({ handlers: { Vote() {}, Append: undefined } }),
      "MakeRaft must return a Raft whose handlers are functions, got undefined for the handler of Append",
    ],
  ])("%s from MakeRaft is told in one sentence", async (_, makeRaft, sentence) => {
    const error = await rejectionOf(onCluster(makeRaft as MakeRaft, ({ startAll }) => startAll()));
    expect(error).toBeInstanceOf(ImplementationError);
    expect(error.message).toBe(`S0 threw in MakeRaft: TypeError: ${sentence}`);
  });

  it.each([
    ["start()", "a promise", { start: async () => ({ index: 1, term: 1, isLeader: true }) }, "{ index, term, isLeader }"],
    ["start()", "5", { start: () => 5 }, "{ index, term, isLeader }"],
    ["start()", "undefined", { start: () => undefined }, "{ index, term, isLeader }"],
    ["start()", "{ term: 1, isLeader: true }", { start: () => ({ term: 1, isLeader: true }) }, "{ index, term, isLeader }"],
    ["start()", "1n", { start: () => 1n }, "{ index, term, isLeader }"],
    ["getState()", "a promise", { getState: async () => ({ term: 1, isLeader: true }) }, "{ term, isLeader }"],
    ["getState()", "{ isLeader: false }", { getState: () => ({ isLeader: false }) }, "{ term, isLeader }"],
  ])("%s with the answer %s is told in one sentence", async (method, answer, changes, expected) => {
    const error = await rejectionOf(
      onCluster(raftLike(changes) as MakeRaft, async ({ cluster, startAll }) => {
        await startAll();
        await cluster.getState(0);
        await cluster.startCommand(0, 1);
      }),
    );
    expect(error.message).toBe(`S0 answered ${method} with ${answer}, expected ${expected} at once`);
  });

  it("is blamed for what start(), getState() and kill() throw", async () => {
    const boom = (): never => {
      throw new Error("boom");
    };
    for (const method of ["start", "getState", "kill"]) {
      const error = await rejectionOf(
        onCluster(raftLike({ [method]: boom }) as MakeRaft, async ({ cluster, startAll }) => {
          await startAll();
          if (method === "start") await cluster.startCommand(1, 1);
          if (method === "getState") await cluster.getState(1);
          await cluster.crash(1);
        }),
      );
      expect(error.message).toBe(`S1 threw in ${method}(): Error: boom`);
    }
  });
});
