import { describe, expect, it } from "vitest";
import { serverClock } from "../../src/sim/clock.ts";
import { LocalClock } from "../../src/sim/local-clock.ts";
import { RandomStream } from "../../src/sim/random.ts";
import type { Simulation } from "../../src/sim/simulation.ts";
import { onServer } from "../support/ambient.ts";
import { newLife, newSimulation, runScript } from "../support/world.ts";

describe("LocalClock", () => {
  it("runs at its rate and does not jump when that changes", () => {
    const clock = new LocalClock();
    expect(clock.readUs(1234)).toBe(1234);
    clock.setRate(3000, 1000);
    expect([clock.readUs(1000), clock.readUs(1001), clock.readUs(2000)]).toEqual([1000, 1003, 4000]);
    clock.setRate(800, 2000);
    expect([clock.readUs(2000), clock.readUs(3000)]).toEqual([4000, 4800]);
  });

  it("shows after each of its delays at least that delay, and no more than a step later", () => {
    const random = new RandomStream({ high: 0, low: 7 });
    const clock = new LocalClock();
    let nowUs = 0;
    for (let round = 0; round < 2000; round++) {
      const ratePerMille = random.int(1, 4000);
      if (round % 3 === 0) clock.setRate(ratePerMille, nowUs);
      nowUs += random.int(0, 50_000);
      const delayUs = random.int(0, 1_000_000);
      const until = nowUs + clock.toRunUs(delayUs);
      expect(clock.readUs(until) - clock.readUs(nowUs)).toBeGreaterThanOrEqual(delayUs);
      if (delayUs > 0) expect(clock.readUs(until - 1) - clock.readUs(nowUs)).toBeLessThanOrEqual(delayUs);
    }
  });
});

/** What the clock of S0 shows and what time it is, in ms. */
const onClock = <T>(
  script: (world: { simulation: Simulation; clock: ReturnType<typeof serverClock>; both: () => number[] }) => Promise<T>,
) => {
  const simulation = newSimulation();
  const clock = serverClock(simulation, newLife(0));
  return runScript(simulation, () => script({ simulation, clock, both: () => [clock.now(), simulation.nowMs] }));
};

describe("a server's clock at a rate of its own", () => {
  it("counts its own milliseconds, and waits for them", () =>
    onClock(async ({ simulation, clock, both }) => {
      simulation.setClockRate(0, 2000);
      await clock.sleep(100);
      expect(both()).toEqual([100, 50]);
      simulation.setClockRate(0, 500);
      await clock.sleep(100);
      expect(both()).toEqual([200, 250]);
      simulation.setClockRate(0, 1000);
      await clock.sleep(100);
      expect(both()).toEqual([300, 350]);
    }));

  it("takes the timers under way with it, in their order", () =>
    onClock(async ({ simulation, clock }) => {
      const fired: number[][] = [];
      for (const delayMs of [40, 10, 40, 20]) clock.setTimeout(() => fired.push([delayMs, clock.now(), simulation.nowMs]), delayMs);
      await simulation.sleep(15);
      simulation.setClockRate(0, 500);
      await simulation.sleep(100);
      expect(fired).toEqual([
        [10, 10, 10],
        [20, 20, 25],
        [40, 40, 65],
        [40, 40, 65],
      ]);
    }));

  it("is the others' no more than before", () =>
    onClock(async ({ simulation }) => {
      simulation.setClockRate(0, 3000);
      const other = serverClock(simulation, newLife(1));
      await other.sleep(100);
      expect([other.now(), simulation.nowMs]).toEqual([100, 100]);
    }));

  it("is what Node's globals show", async () => {
    const readings = await onServer(async ({ simulation }) => {
      simulation.setClockRate(0, 500);
      const [startedMs, since] = [Date.now(), performance.now()];
      const interval: number[] = [];
      const timer = setInterval(() => interval.push(simulation.nowMs), 10);
      await new Promise((resolve) => setTimeout(resolve, 35));
      clearInterval(timer);
      return {
        dates: Date.now() - startedMs,
        performance: performance.now() - since,
        hr: process.hrtime()[1],
        runMs: simulation.nowMs,
        interval,
      };
    });
    expect(readings).toEqual({ dates: 35, performance: 35, hr: 35e6, runMs: 70, interval: [20, 40, 60] });
  });
});
