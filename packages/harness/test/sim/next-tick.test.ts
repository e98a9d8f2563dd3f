import { describe, expect, it } from "vitest";
import { ImplementationError } from "../../src/failure.ts";
import { serverClock } from "../../src/sim/clock.ts";
import { runReal, startStopwatchUs } from "../../src/sim/run-loop.ts";
import type { Simulation } from "../../src/sim/simulation.ts";
import { straysDuring } from "../support/strays.ts";
import { newLife, newSimulation, runScript } from "../support/world.ts";

// In a file of its own: Node ends the whole process when a throw in a nextTick callback is caught halfway up its own machinery, and the tests
// of one file share a process.

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

describe("a throw in process.nextTick", () => {
  it("ends the run, blamed on the server that ran, and leaves the process whole", async () => {
    const { error, nowMs } = await runWith(() => process.nextTick(boom));
    await new Promise(setImmediate);
    expect(error).toBeInstanceOf(ImplementationError);
    expect(error?.message).toMatch(/^S1 threw in .*: Error: boom$/);
    expect(nowMs).toBe(1);
  });

  it("is kept from the process, also when the same event has a second one or a rejection", async () => {
    const strays = await straysDuring(async () => {
      await runWith(() => {
        process.nextTick(boom);
        process.nextTick(boom);
      });
      await runWith(() => {
        process.nextTick(boom);
        void Promise.reject(new Error("another"));
      });
    });
    expect(strays).toEqual([]);
  });

  it("leaves later runs as they would be without it", async () => {
    const hashOf = async () => `${(await runWith(() => {})).hash}`;
    const before = await hashOf();
    await runWith(() => process.nextTick(boom));
    expect(await hashOf()).toBe(before);
  });

  it("fails a run on the real clock, and no other run beside it", async () => {
    const realRun = async (act: () => void): Promise<Simulation> => {
      const simulation = newSimulation({ realElapsedUs: startStopwatchUs() });
      serverClock(simulation, newLife(0)).setTimeout(act, 10);
      void simulation.sleep(30).then(() => simulation.stop());
      await runReal(simulation);
      return simulation;
    };
    const [guilty, innocent] = await Promise.all([realRun(() => process.nextTick(boom)), realRun(() => {})]);
    expect(guilty.error?.message).toMatch(/^S0 threw in .*: Error: boom$/);
    expect(innocent.error).toBeUndefined();
  });
});
