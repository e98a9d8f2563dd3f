import { describe, expect, it } from "vitest";
import { ImplementationError, StuckError, TestFailure } from "../../src/failure.ts";
import { progressCells, progressLength } from "../../src/progress.ts";
import { serverClock } from "../../src/sim/clock.ts";
import type { Simulation } from "../../src/sim/simulation.ts";
import { newLife, newSimulation, rejectionOf, runScript } from "../support/world.ts";

const never = new Promise<never>(() => {});

/** Some events of two servers and the tester, with draws. */
async function busyScript(simulation: Simulation): Promise<string> {
  const order: string[] = [];
  for (const server of [0, 1, 2]) {
    const clock = serverClock(simulation, newLife(server));
    const random = simulation.stream(3, server, 0);
    const tick = (left: number): void => {
      order.push(`${server}@${clock.now()}`);
      if (left > 0) clock.setTimeout(() => tick(left - 1), random.int(1, 4));
    };
    clock.setTimeout(() => tick(20), 1);
  }
  await simulation.sleep(200);
  return order.join(" ");
}

describe("a run", () => {
  it("is the same again from the same seed, and another one from another", async () => {
    const run = async (low: number) => {
      const simulation = newSimulation({ seed: { high: 9, low } });
      const order = await runScript(simulation, () => busyScript(simulation));
      return { order, hash: `${simulation.hash}`, events: simulation.events };
    };
    const first = await run(1);
    expect(await run(1)).toEqual(first);
    const other = await run(2);
    expect(other.hash).not.toBe(first.hash);
    expect(other.order).not.toBe(first.order);
  });

  it("calls into a server as an event at this instant, in the order asked for", async () => {
    const simulation = newSimulation();
    const life = newLife(1);
    await runScript(simulation, async () => {
      await simulation.sleep(5);
      const seen: string[] = [];
      const answers = await Promise.all(
        ["a", "b", "c"].map((name) =>
          simulation.enter(life, "a call", () => {
            seen.push(`${name} by S${simulation.currentServer}`);
            return name;
          }),
        ),
      );
      expect(answers).toEqual(["a", "b", "c"]);
      expect(seen).toEqual(["a by S1", "b by S1", "c by S1"]);
      expect(simulation.nowMs).toBe(5);
    });
  });

  it("tells a watcher which event began last and when", async () => {
    const progress = new Int32Array(progressLength);
    const simulation = newSimulation({ progress });
    await runScript(simulation, async () => {
      await simulation.sleep(1);
      await simulation.sleep(41.5);
      expect(progress[progressCells.event]).toBe(2);
      expect(progress[progressCells.virtualMs]).toBe(42);
    });
  });

  it("keeps the first error: what follows from it is no news", async () => {
    const simulation = newSimulation();
    const error = await rejectionOf(
      runScript(simulation, async () => {
        simulation.fail(new TestFailure("first"));
        simulation.fail(new TestFailure("second"));
        await never;
      }),
    );
    expect(error).toEqual(new TestFailure("first"));
  });
});

describe("a run that can't end", () => {
  it("for nothing is left to happen is a deadlock that says who waits for what", async () => {
    const simulation = newSimulation();
    const error = await rejectionOf(
      runScript(simulation, async () => {
        await simulation.waits.waitFor("the test", "a pause", simulation.sleep(1));
        const clients = simulation.waits.waitFor("the test", "three clients", never);
        await Promise.all([clients, simulation.waits.waitFor("client 2", "a reply", never)]);
      }),
    );
    expect(error).toBeInstanceOf(StuckError);
    expect(error.message).toBe(
      "deadlock: nothing is left to happen and the test still waits (the test waits for three clients; client 2 waits for a reply)",
    );
    expect((error as StuckError).details.cause).toBe("deadlock: nothing is left to happen and the test still waits");
  });

  it("for only dead servers have something left to do is a deadlock too", async () => {
    const simulation = newSimulation();
    const life = newLife(0);
    const error = await rejectionOf(
      runScript(simulation, async () => {
        serverClock(simulation, life).setTimeout(() => {}, 1000);
        life.alive = false;
        await never;
      }),
    );
    expect(error.message).toMatch(/^deadlock/);
    expect(simulation.nowMs).toBe(0);
  });

  it("two waits of one name are two waits", async () => {
    const simulation = newSimulation();
    const error = await rejectionOf(
      runScript(simulation, async () => {
        void simulation.waits.waitFor("the test", "a reply", simulation.sleep(1));
        await simulation.waits.waitFor("the test", "a reply", never);
      }),
    );
    expect(error.message).toContain("the test waits for a reply");
  });

  it("within the limit of virtual time stops there and says who waits", async () => {
    const simulation = newSimulation({ limits: { maxVirtualMs: 2000 } });
    const clock = serverClock(simulation, newLife(0));
    const error = await rejectionOf(
      runScript(simulation, () => {
        const heartbeat = (): void => void clock.setTimeout(heartbeat, 100);
        heartbeat();
        return simulation.waits.waitFor("the test", "a leader", never);
      }),
    );
    expect(error).toBeInstanceOf(StuckError);
    expect(error.message).toBe("the test had not ended after 2 s (the test waits for a leader)");
    expect(simulation.nowMs).toBeLessThanOrEqual(2100);
  });

  it("within the limit of events stops there", async () => {
    const simulation = newSimulation({ limits: { maxEvents: 500 } });
    const clock = serverClock(simulation, newLife(0));
    const error = await rejectionOf(
      runScript(simulation, () => {
        const heartbeat = (): void => void clock.setTimeout(heartbeat, 1);
        heartbeat();
        return never;
      }),
    );
    expect(error).toEqual(new StuckError("the test had not ended after 500 events", { aspect: "progress" }));
    expect(simulation.nowMs).toBeGreaterThan(490);
    expect(simulation.nowMs).toBeLessThanOrEqual(501);
  });

  it("for time stands still names the event that repeats", async () => {
    const simulation = newSimulation({ limits: { maxEventsPerInstant: 100 } });
    const clock = serverClock(simulation, newLife(2));
    const error = await rejectionOf(
      runScript(simulation, async () => {
        await simulation.sleep(3);
        const spin = (): void => void clock.setTimeout(spin, 0);
        spin();
        await simulation.sleep(10);
      }),
    );
    expect(error).toBeInstanceOf(StuckError);
    expect(error.message).toBe("time stands still: events without end at one instant (101 at 3 ms, now S2: a timer)");
    expect((error as StuckError).details.cause).toBe("time stands still: events without end at one instant");
  });

  it("is not suspected when many events share their instants but time moves", async () => {
    const simulation = newSimulation({ limits: { maxEventsPerInstant: 100 } });
    await runScript(simulation, async () => {
      for (let round = 0; round < 20; round++) {
        await Promise.all(Array.from({ length: 90 }, () => simulation.sleep(1)));
      }
    });
    expect(simulation.events).toBe(1800);
  });
});

describe("stopAtEvent", () => {
  it("ends the run before that event, with the same events as the whole run until then", async () => {
    const traced = async (stopAtEvent: number | undefined) => {
      const simulation = newSimulation({ stopAtEvent, traceLevel: "debug" });
      const error = await runScript(simulation, async () => {
        for (let i = 1; i <= 10; i++) {
          await simulation.sleep(10);
          simulation.trace.test(`round ${i}`);
        }
      }).catch((thrown: unknown) => thrown);
      return { error, text: simulation.trace.text(), events: simulation.events };
    };
    const whole = await traced(undefined);
    const part = await traced(4);
    expect(whole.error).toBeUndefined();
    expect(part.error).toBeInstanceOf(StuckError);
    expect((part.error as StuckError).message).toMatch(/^stopped before event 4, as asked: the test: wakes up$/);
    expect(part.events).toBe(3);
    expect(part.text).toBe("000010 TEST round 1\n000020 TEST round 2\n000030 TEST round 3\n");
    expect(whole.text.startsWith(part.text)).toBe(true);
  });
});

describe("what a server throws", () => {
  const ways: [name: string, doing: string, act: () => void][] = [
    [
      "in a timer",
      "a timer",
      () => {
        throw new Error("boom");
      },
    ],
    ["in a promise that nobody handles", "a promise whose rejection nobody handles", () => void Promise.reject(new Error("boom"))],
    [
      "after an await",
      "a promise whose rejection nobody handles",
      () =>
        void (async () => {
          await undefined;
          throw new Error("boom");
        })(),
    ],
    [
      "in queueMicrotask",
      "a microtask or timer",
      () =>
        queueMicrotask(() => {
          throw new Error("boom");
        }),
    ],
  ];

  it.each(ways)("%s ends the run, blamed on that server, at that instant", async (_, doing, act) => {
    const simulation = newSimulation();
    const clock = serverClock(simulation, newLife(1));
    const others = [0, 2].map((server) => serverClock(simulation, newLife(server)));
    const error = await rejectionOf(
      runScript(simulation, async () => {
        for (const other of others) for (let ms = 1; ms < 10; ms++) other.setTimeout(() => {}, ms);
        clock.setTimeout(act, 5);
        await simulation.sleep(20);
      }),
    );
    expect(error).toBeInstanceOf(ImplementationError);
    expect(error.message).toBe(`S1 threw in ${doing}: Error: boom`);
    expect((error as ImplementationError).details).toEqual({ cause: `threw in ${doing}: Error: boom`, server: 1 });
    expect(error.stack).toContain("simulation.test.ts");
    expect(simulation.nowMs).toBe(5);
  });

  it("need not be an Error", async () => {
    for (const [thrown, told] of [
      ["a text", "a text"],
      [undefined, "a value that is no Error (undefined)"],
      [{ code: 1 }, "a value that is no Error ({ code: 1 })"],
    ]) {
      const simulation = newSimulation();
      const error = await rejectionOf(
        runScript(simulation, async () => {
          serverClock(simulation, newLife(0)).setTimeout(() => {
            throw thrown;
          }, 1);
          await simulation.sleep(2);
        }),
      );
      expect(error.message).toBe(`S0 threw in a timer: ${told}`);
    }
  });
});
