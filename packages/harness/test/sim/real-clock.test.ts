import { performance } from "node:perf_hooks";
import { describe, expect, it } from "vitest";
import { StuckError } from "../../src/failure.ts";
import { serverClock } from "../../src/sim/clock.ts";
import { runReal, startStopwatchUs } from "../../src/sim/run-loop.ts";
import type { Simulation } from "../../src/sim/simulation.ts";
import { newLife, newSimulation, type WorldOptions } from "../support/world.ts";

/** A machine under load may be late; it is never early. */
const generousMs = 10_000;

/** Runs `script` on the real clock; throws what ended the run early. */
async function runOnRealClock(script: (simulation: Simulation) => Promise<void>, options: WorldOptions = {}): Promise<Simulation> {
  const simulation = newSimulation({ ...options, realElapsedUs: startStopwatchUs() });
  void script(simulation).then(
    () => simulation.stop(),
    (thrown: unknown) => simulation.fail(thrown),
  );
  await runReal(simulation);
  if (simulation.error !== undefined) throw simulation.error.cause ?? simulation.error;
  return simulation;
}

/** Waits on Node's own timer, outside any event of a run. */
function nativeSleep(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}

function busyFor(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

describe("the real clock", () => {
  it("lets events happen in order and not before their time", async () => {
    const startMs = performance.now();
    const fired: { delayMs: number; realMs: number; nowMs: number }[] = [];
    await runOnRealClock(async (simulation) => {
      const clock = serverClock(simulation, newLife(0));
      for (const delayMs of [60, 20, 40, 20, 0]) {
        clock.setTimeout(() => fired.push({ delayMs, nowMs: clock.now(), realMs: performance.now() - startMs }), delayMs);
      }
      await simulation.sleep(80);
    });
    expect(fired.map(({ delayMs }) => delayMs)).toEqual([0, 20, 20, 40, 60]);
    for (const { delayMs, realMs, nowMs } of fired) {
      expect(realMs).toBeGreaterThanOrEqual(delayMs);
      expect(realMs).toBeLessThan(generousMs);
      expect(nowMs).toBeGreaterThanOrEqual(delayMs);
      expect(nowMs).toBeLessThanOrEqual(realMs);
    }
  });

  it("lets each event happen at the time for which it was due, with what follows from it, however late the thread is", async () => {
    const seen: number[] = [];
    await runOnRealClock(async (simulation) => {
      const clock = serverClock(simulation, newLife(0));
      const hop = (): void => {
        seen.push(clock.now());
        if (seen.length === 5) busyFor(40);
        if (seen.length < 100) clock.setTimeout(hop, 0.3);
      };
      clock.setTimeout(hop, 10);
      await simulation.sleep(60);
    });
    expect(seen).toHaveLength(100);
    // Hops of a network don't wait for a thread's wake-ups one by one, nor for code that keeps it busy.
    const [firstMs] = seen;
    for (const [hops, nowMs] of seen.entries()) expect(nowMs - firstMs!).toBeCloseTo(hops * 0.3, 6);
  });

  it("wakes earlier for an event that is scheduled later for an earlier time", async () => {
    const startMs = performance.now();
    await runOnRealClock(async (simulation) => {
      const clock = serverClock(simulation, newLife(0));
      clock.setTimeout(() => {}, 10 * generousMs);
      await new Promise<void>((resolve) => clock.setTimeout(() => void clock.setTimeout(resolve, 10), 10));
    });
    expect(performance.now() - startMs).toBeLessThan(generousMs);
  });

  it("lets two runs wait side by side in one thread", async () => {
    const startMs = performance.now();
    const order: string[] = [];
    await Promise.all(
      ["a", "b"].map((name) =>
        runOnRealClock(async (simulation) => {
          for (let round = 0; round < 3; round++) {
            await simulation.sleep(40);
            order.push(name);
          }
        }),
      ),
    );
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(120);
    // Both were under way at once: neither had ended before the other began.
    expect(order.indexOf("a")).toBeLessThan(order.lastIndexOf("b"));
    expect(order.indexOf("b")).toBeLessThan(order.lastIndexOf("a"));
  });

  it("counts a delay from the moment of the call, also outside an event", async () => {
    let realMs = 0;
    await runOnRealClock(async (simulation) => {
      const clock = serverClock(simulation, newLife(0));
      clock.setTimeout(() => {}, 500);
      await nativeSleep(60);
      const calledMs = performance.now();
      await clock.sleep(50);
      realMs = performance.now() - calledMs;
    });
    expect(realMs).toBeGreaterThanOrEqual(49);
  });

  it("does not let an event happen early because a dead server's was due", async () => {
    const startMs = performance.now();
    let wokeMs = 0;
    await runOnRealClock(async (simulation) => {
      const life = newLife(0);
      serverClock(simulation, life).setTimeout(() => {}, 10);
      life.alive = false;
      await simulation.sleep(150);
      wokeMs = performance.now() - startMs;
    });
    expect(wokeMs).toBeGreaterThanOrEqual(150);
  });

  it("waits on when only dead servers have something left to do: a promise may still be on its way", async () => {
    await runOnRealClock(async (simulation) => {
      const life = newLife(0);
      serverClock(simulation, life).setTimeout(() => {}, 10);
      life.alive = false;
      await nativeSleep(50);
    });
  });

  it("does not hold time to stand still because events are late", async () => {
    await runOnRealClock(
      async (simulation) => {
        const clock = serverClock(simulation, newLife(0));
        let left = 150;
        await new Promise<void>((resolve) => {
          const tick = (): void => {
            if (--left === 0) resolve();
            else clock.setTimeout(tick, 0.2);
          };
          tick();
        });
      },
      { limits: { maxEventsPerInstant: 100 } },
    );
  });

  it("ends a run at the limit of its time", async () => {
    const run = runOnRealClock(
      async (simulation) => {
        const clock = serverClock(simulation, newLife(0));
        const heartbeat = (): void => void clock.setTimeout(heartbeat, 10);
        heartbeat();
        await new Promise(() => {});
      },
      { limits: { maxVirtualMs: 60 } },
    );
    await expect(run).rejects.toEqual(new StuckError("the test had not ended after 0.06 s", { aspect: "progress" }));
  });

  it("drains promises between two events that are due together", async () => {
    const order: string[] = [];
    await runOnRealClock(async (simulation) => {
      const clock = serverClock(simulation, newLife(0));
      for (const name of ["a", "b"]) {
        clock.setTimeout(() => {
          order.push(name);
          void Promise.resolve().then(() => process.nextTick(() => order.push(`${name} continued`)));
        }, 5);
      }
      await simulation.sleep(20);
    });
    expect(order).toEqual(["a", "a continued", "b", "b continued"]);
  });
});
