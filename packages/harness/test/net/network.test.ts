import { describe, expect, it } from "vitest";
import { ImplementationError } from "../../src/failure.ts";
import { NetworkServer } from "../../src/net/network.ts";
import { type NetWorld, onNetwork, testHandlers } from "../support/net-world.ts";
import { newLife, rejectionOf } from "../support/world.ts";

const calls = 300;

/** Results and durations of many calls at once, between which `meanwhile` happens just after they were sent. */
async function callMany({ call, end, simulation }: NetWorld, meanwhile: () => void): Promise<{ ok: number; slowestMs: number }> {
  const startMs = simulation.nowMs;
  let ok = 0;
  let slowestMs = 0;
  const sent = Array.from({ length: calls }, (_, number) =>
    call(end(number), "NumberToText", number).then((reply) => {
      if (reply !== undefined) ok++;
      slowestMs = Math.max(slowestMs, simulation.nowMs - startMs);
    }),
  );
  meanwhile();
  await Promise.all(sent);
  return { ok, slowestMs };
}

describe("a call under way", () => {
  it("on a reliable network stays reliable when the network becomes unreliable", () =>
    onNetwork(async (world) => {
      const { ok, slowestMs } = await callMany(world, () => {
        world.network.reliable = false;
      });
      expect(ok).toBe(calls);
      expect(slowestMs).toBeLessThan(2);
    }));

  it("on an unreliable network stays unreliable when the network becomes reliable", () =>
    onNetwork(async (world) => {
      world.network.reliable = false;
      const { ok, slowestMs } = await callMany(world, () => {
        world.network.reliable = true;
      });
      expect(ok).toBeLessThan(271);
      expect(slowestMs).toBeGreaterThan(25);
    }));

  it("is reordered if the network reordered when it was sent, not when it was answered", async () => {
    const slowest = (before: boolean, after: boolean) =>
      onNetwork(async (world) => {
        world.network.longReordering = before;
        const { ok, slowestMs } = await callMany(world, () => {
          world.network.longReordering = after;
        });
        expect(ok).toBe(calls);
        return slowestMs;
      });
    expect(await slowest(false, true)).toBeLessThan(2);
    expect(await slowest(true, false)).toBeGreaterThan(1500);
  });

  it("to a cut end takes as long as the network's delays were when it was sent", async () => {
    const slowest = (longDelays: boolean) =>
      onNetwork(async ({ call, network, simulation }) => {
        network.longDelays = longDelays;
        const sent = Array.from({ length: calls }, (_, number) => call(network.makeEnd(number, 0), "NumberToText", 1));
        network.longDelays = !longDelays;
        expect(await Promise.all(sent)).toEqual(new Array(calls).fill(undefined));
        return simulation.nowMs;
      });
    const [long, short] = [await slowest(true), await slowest(false)];
    expect(long).toBeGreaterThan(6500);
    expect(long).toBeLessThan(7000);
    expect(short).toBeGreaterThan(90);
    expect(short).toBeLessThan(100);
  });

  it("reaches its handler although its end was cut after it was sent, but gets no answer out", () =>
    onNetwork(async ({ call, end, network, handled, simulation }) => {
      const client = end(1);
      const reply = call(client, "NumberToText", 1);
      client.enabled = false;
      expect(await reply).toBeUndefined();
      expect(handled).toHaveLength(1);
      expect(simulation.nowMs).toBe(handled[0]);
      expect(network.dispatched(0)).toBe(1);
    }));

  it("to a cut end never reaches its handler, even if the end is joined at once", () =>
    onNetwork(async ({ call, network, handled }) => {
      const client = network.makeEnd(1, 0);
      const reply = call(client, "NumberToText", 1);
      client.enabled = true;
      expect(await reply).toBeUndefined();
      expect(handled).toEqual([]);
    }));

  it("is answered when its end was cut only for a while between two looks of the network", () =>
    onNetwork(async ({ call, end, simulation, handled }) => {
      const client = end(1);
      const reply = call(client, "SleepLong", 5);
      await simulation.sleep(110);
      client.enabled = false;
      await simulation.sleep(80);
      client.enabled = true;
      expect(await reply).toBe(-5);
      expect(simulation.nowMs).toBeGreaterThanOrEqual(handled[0]! + 20_000);
    }));

  it("fails at the next look of the network when its end is cut while the handler runs", () =>
    onNetwork(async ({ call, end, simulation, handled }) => {
      const client = end(1);
      const reply = call(client, "SleepLong", 5);
      await simulation.sleep(350);
      client.enabled = false;
      expect(await reply).toBeUndefined();
      expect(simulation.nowMs).toBe(handled[0]! + 400);
    }));

  it("fails when its server was replaced by another life while the handler ran", () =>
    onNetwork(async ({ call, end, network, simulation, handled }) => {
      const reply = call(end(1), "SleepLong", 5);
      await simulation.sleep(150);
      network.addServer(0, new NetworkServer(newLife(0), testHandlers(simulation, [])));
      expect(await reply).toBeUndefined();
      expect(simulation.nowMs).toBe(handled[0]! + 200);
    }));

  it("is answered although its end is cut while the reply is on its way", () =>
    onNetwork(async ({ call, end, network, simulation }) => {
      network.longReordering = true;
      const ends = Array.from({ length: 30 }, (_, number) => end(number));
      const replies = ends.map((client, number) => call(client, "NumberToText", number));
      await simulation.sleep(100);
      for (const client of ends) client.enabled = false;
      expect(await Promise.all(replies)).toEqual(ends.map((_, number) => `handler2-${number}`));
      expect(simulation.nowMs).toBeGreaterThan(200);
    }));

  it("never answers a caller that has died, though the reply's bytes are counted", () =>
    onNetwork(async ({ end, network, simulation }) => {
      const caller = newLife(3);
      let answered = false;
      network.call(end(3), caller, "NumberToText", 1, () => {
        answered = true;
      });
      const sentBytes = network.totalBytes;
      caller.alive = false;
      await simulation.sleep(10);
      expect(answered).toBe(false);
      expect(network.totalBytes).toBeGreaterThan(sentBytes);
    }));

  it("to a server that died on the way fails without reaching its handler", () =>
    onNetwork(async ({ call, end, life, handled }) => {
      const reply = call(end(1), "NumberToText", 1);
      life.alive = false;
      expect(await reply).toBeUndefined();
      expect(handled).toEqual([]);
    }));

  it("answers as an event of the caller, requests are events of the server", () =>
    onNetwork(async ({ end, network, simulation, life }) => {
      const running: number[] = [];
      const handlers = { Who: () => running.push(simulation.currentServer) };
      network.addServer(0, new NetworkServer(life, handlers));
      await new Promise<void>((resolve) => {
        network.call(end(4), newLife(4), "Who", 0, () => {
          running.push(simulation.currentServer);
          resolve();
        });
      });
      expect(running).toEqual([0, 4]);
    }));
});

describe("what passes", () => {
  it("is copied: neither side sees what the other does to it afterwards", () =>
    onNetwork(async ({ call, end, network, life }) => {
      const state = { log: [1] };
      const received: { entries: number[] }[] = [];
      const handlers = {
        Append: (args: { entries: number[] }) => {
          received.push(args);
          args.entries.push(99);
          return state;
        },
      };
      network.addServer(0, new NetworkServer(life, handlers));
      const args = { entries: [1, 2] };
      const first = call(end(1), "Append", args);
      const second = call(end(2), "Append", args);
      args.entries.push(3);
      const replies = (await Promise.all([first, second])) as (typeof state)[];
      state.log.push(2);
      expect(args.entries).toEqual([1, 2, 3]);
      expect(received.map(({ entries }) => entries)).toEqual([
        [1, 2, 99],
        [1, 2, 99],
      ]);
      expect(replies).toEqual([{ log: [1] }, { log: [1] }]);
      expect(replies[0]).not.toBe(replies[1]);
    }));

  it("arrives in any order: calls at one instant are not answered first come, first served", () =>
    onNetwork(async ({ call, end }) => {
      const order: number[] = [];
      const client = end(1);
      await Promise.all(Array.from({ length: 20 }, (_, i) => call(client, "NumberToText", i).then(() => order.push(i))));
      expect(order).toHaveLength(20);
      expect(order).not.toEqual(order.toSorted((a, b) => a - b));
    }));

  it("has a fate that depends on its own link only", async () => {
    const fates = (others: boolean) =>
      onNetwork(async ({ call, end, network, simulation }) => {
        network.reliable = false;
        const client = end(1);
        const seen: string[] = [];
        for (let i = 0; i < 100; i++) {
          if (others) void call(end(2), "NumberToText", i);
          const startMs = simulation.nowMs;
          void call(client, "NumberToText", i).then((reply) => seen.push(`${i} ${reply} ${(simulation.nowMs - startMs).toFixed(3)}`));
          await simulation.sleep(50);
        }
        return seen;
      });
    expect(await fates(true)).toEqual(await fates(false));
  });
});

describe("the counters", () => {
  it("count calls to dead ends, but no bytes of replies that were lost", () =>
    onNetwork(async ({ call, network, end }) => {
      const args = "x".repeat(50);
      await call(end(1), "LengthOf", args);
      const [bytesOfOne, requestBytes] = [network.totalBytes, network.totalBytes];
      const cut = network.makeEnd(2, 0);
      await call(cut, "LengthOf", args);
      expect(network.totalCalls).toBe(2);
      expect(network.totalBytes).toBeGreaterThan(bytesOfOne + 50);
      expect(network.totalBytes).toBeLessThan(bytesOfOne + requestBytes);
      expect(network.dispatched(0)).toBe(1);
    }));

  it("do not count a request that was dropped as dispatched, nor its reply's bytes", () =>
    onNetwork(async ({ call, network, end, simulation }) => {
      network.reliable = false;
      const replies = await Promise.all(Array.from({ length: calls }, (_, number) => call(end(number), "TextOfLength", 1000)));
      await simulation.sleep(1);
      const delivered = replies.filter((reply) => reply !== undefined).length;
      const dispatched = network.dispatched(0);
      expect(network.totalCalls).toBe(calls);
      expect(dispatched).toBeLessThan(calls * 0.95);
      expect(dispatched).toBeGreaterThan(delivered);
      expect(network.totalBytes).toBeGreaterThan(delivered * 1000);
      expect(network.totalBytes).toBeLessThan((delivered + 1) * 1000 + calls * 20 + delivered * 20);
    }));

  it("count replies at the moment they arrive", () =>
    onNetwork(async ({ call, end, network, simulation }) => {
      const reply = call(end(1), "SleepLong", 1);
      const sent = network.totalBytes;
      await simulation.sleep(19_000);
      expect(network.totalBytes).toBe(sent);
      await reply;
      expect(network.totalBytes).toBeGreaterThan(sent);
    }));

  it("of a server begin again with its next life, and are 0 when there is none", () =>
    onNetwork(async ({ call, end, network, simulation }) => {
      await call(end(1), "NumberToText", 1);
      expect(network.dispatched(0)).toBe(1);
      network.deleteServer(0);
      expect(network.dispatched(0)).toBe(0);
      expect(network.dispatched(7)).toBe(0);
      network.addServer(0, new NetworkServer(newLife(0), testHandlers(simulation, [])));
      await call(end(1), "NumberToText", 1);
      expect(network.dispatched(0)).toBe(1);
    }));

  it("do not move once the network is closed: calls fail at once", () =>
    onNetwork(async ({ call, end, network, simulation }) => {
      network.close();
      expect(await call(end(1), "NumberToText", 1)).toBeUndefined();
      expect(simulation.nowMs).toBe(0);
      expect(network.totalCalls).toBe(0);
      expect(network.totalBytes).toBe(0);
    }));
});

describe("a server at fault", () => {
  const failing = (handlers: Record<string, () => unknown>, method: string) =>
    rejectionOf(
      onNetwork(async ({ call, end, network, life }) => {
        network.addServer(0, new NetworkServer(life, handlers));
        await call(end(1), method, 1);
      }),
    );
  const boom = (): never => {
    throw new Error("boom");
  };

  it.each([
    ["throws", boom],
    ["rejects at once", async () => boom()],
    [
      "rejects later",
      async () => {
        await undefined;
        boom();
      },
    ],
  ])("is blamed when its handler %s", async (_, handler) => {
    const error = await failing({ Vote: handler }, "Vote");
    expect(error).toBeInstanceOf(ImplementationError);
    expect(error.message).toBe("S0 threw in the handler of Vote: Error: boom");
    expect((error as ImplementationError).details.server).toBe(0);
  });

  it("is blamed when it has no handler of the name, with the names it has", async () => {
    const error = await failing({ Vote: () => 1, Append: () => 1 }, "AppendEntries");
    expect(error.message).toBe(
      "S0 threw in its RPC handlers: TypeError: no handler for the method 'AppendEntries' (handlers: Vote, Append)",
    );
    expect((await failing({}, "Vote")).message).toContain("(handlers: none)");
  });

  it("is blamed for a method that only every object has", async () => {
    expect((await failing({ Vote: () => 1 }, "toString")).message).toContain("no handler for the method 'toString'");
  });

  it("is blamed when its reply can't be sent", async () => {
    const error = await failing({ Vote: () => ({ granted: () => true }) }, "Vote");
    expect(error.message).toBe(
      "S0 threw in the reply of Vote: TypeError: granted: a function cannot be sent: messages and commands are plain data",
    );
  });

  it("answers through a thenable that is no promise", () =>
    onNetwork(async ({ call, end, network, life }) => {
      // biome-ignore lint/suspicious/noThenProperty: the point of the test.
      network.addServer(0, new NetworkServer(life, { Vote: () => ({ then: (resolve: (reply: string) => void) => resolve("granted") }) }));
      expect(await call(end(1), "Vote", 1)).toBe("granted");
    }));

  it("is not blamed for a handler that gives up because its server was killed", () =>
    onNetwork(async ({ call, end, network, life, simulation }) => {
      let giveUp = (): void => {};
      const waiting = () =>
        new Promise((_, reject) => {
          giveUp = () => reject(new Error("killed"));
        });
      network.addServer(0, new NetworkServer(life, { Wait: waiting }));
      const reply = call(end(1), "Wait", 1);
      await simulation.sleep(50);
      network.deleteServer(0);
      life.alive = false;
      giveUp();
      expect(await reply).toBeUndefined();
    }));
});

describe("a message that can tell how it is read", () => {
  /** The order in which the getters of three equal messages are called in one run. */
  const readings = () =>
    onNetwork(async ({ call, end }) => {
      const order: string[] = [];
      const note = (name: string) => {
        order.push(name);
        return 1;
      };
      const message = () => ({
        inner: {
          get deep() {
            return note("deep");
          },
        },
        get X() {
          return note("X");
        },
      });
      for (const client of [1, 2, 3]) await call(end(client), "Record", message());
      return order;
    });

  it("is read in the same way whichever runs the thread has made before", async () => {
    const first = await readings();
    expect(first).toHaveLength(6);
    expect(await readings()).toEqual(first);
  });

  it("in a run that calls too many methods too", () =>
    onNetwork(async ({ call, end, network, life }) => {
      const names = Array.from({ length: 200 }, (_, i) => `Method${i}`);
      network.addServer(0, new NetworkServer(life, Object.fromEntries(names.map((name) => [name, ({ X }: { X: number }) => ({ X })]))));
      for (const name of names) expect(await call(end(1), name, { X: 1 })).toEqual({ X: 1 });
    }));
});
