import { describe, expect, it } from "vitest";
import { serverClock } from "../../src/sim/clock.ts";
import { runReal, startStopwatchUs } from "../../src/sim/run-loop.ts";
import type { Simulation } from "../../src/sim/simulation.ts";
import { straysDuring } from "../support/strays.ts";
import { newLife, newSimulation, runScript } from "../support/world.ts";

const listeners = () => [process.listeners("uncaughtException"), process.listeners("unhandledRejection")];

function boom(): never {
  throw new Error("boom");
}

/** A run whose server S1 does `act` at 1 ms; the run's error is left in the simulation. */
async function runWith(act: () => void): Promise<Simulation> {
  const simulation = newSimulation();
  serverClock(simulation, newLife(1)).setTimeout(act, 1);
  await runScript(simulation, () => simulation.sleep(5)).catch(() => {});
  return simulation;
}

describe("the process's own listeners", () => {
  it("are as before after a run that passed and after one that failed", async () => {
    const before = listeners();
    await runWith(() => {});
    expect(listeners()).toEqual(before);
    await runWith(boom);
    expect(listeners()).toEqual(before);
    await runWith(() => queueMicrotask(boom));
    expect(listeners()).toEqual(before);
  });

  it("hear nothing of what a run's servers do", async () => {
    const strays = await straysDuring(async () => {
      await runWith(() => void Promise.reject(new Error("boom")));
      await runWith(() => queueMicrotask(boom));
    });
    expect(strays).toEqual([]);
  });

  it("hear again of the process's own strays after a run", async () => {
    const strays = await straysDuring(async () => {
      await runWith(() => {});
      queueMicrotask(boom);
    });
    expect(strays).toEqual([new Error("boom")]);
  });
});

describe("two runs on the real clock side by side", () => {
  /** A run of 30 ms whose server S0 does `act` after 10 ms. */
  async function realRun(act: () => void): Promise<Simulation> {
    const simulation = newSimulation({ realElapsedUs: startStopwatchUs() });
    serverClock(simulation, newLife(0)).setTimeout(act, 10);
    void simulation.sleep(30).then(() => simulation.stop());
    await runReal(simulation);
    return simulation;
  }

  it("restore the listeners when the last has ended", async () => {
    const before = listeners();
    await Promise.all([realRun(() => {}), realRun(() => {})]);
    expect(listeners()).toEqual(before);
  });

  it.each([
    ["a rejection", () => void Promise.reject(new Error("boom"))],
    ["a throw in a microtask", () => queueMicrotask(boom)],
  ])("do not answer for each other: %s in an event of one fails that one alone", async (_, act) => {
    const [guilty, innocent] = await Promise.all([realRun(act), realRun(() => {})]);
    expect(guilty.error?.name).toBe("ImplementationError");
    expect(guilty.error?.message).toMatch(/^S0 threw in .*: Error: boom$/);
    expect(innocent.error).toBeUndefined();
  });
});
