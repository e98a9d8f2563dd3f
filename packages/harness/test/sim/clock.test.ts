import { describe, expect, it } from "vitest";
import { serverClock } from "../../src/sim/clock.ts";
import { newLife, newSimulation, rejectionOf, runScript } from "../support/world.ts";

describe("the clock of a server", () => {
  it("fires timers at their time, those of one instant in the order they were set", async () => {
    const simulation = newSimulation();
    const clock = serverClock(simulation, newLife(0));
    const fired: string[] = [];
    const note = (name: string) => () => fired.push(`${name} at ${clock.now()}`);
    await runScript(simulation, async () => {
      clock.setTimeout(note("c"), 30);
      clock.setTimeout(note("a"), 10.5);
      clock.setTimeout(note("d"), 30);
      clock.setTimeout(note("b"), 20);
      await simulation.sleep(50);
    });
    expect(fired).toEqual(["a at 10.5", "b at 20", "c at 30", "d at 30"]);
  });

  it("does not fire what was cleared, and clearing again or after firing does nothing", async () => {
    const simulation = newSimulation();
    const clock = serverClock(simulation, newLife(0));
    const fired: string[] = [];
    await runScript(simulation, async () => {
      const first = clock.setTimeout(() => fired.push("first"), 1);
      const second = clock.setTimeout(() => fired.push("second"), 2);
      clock.clearTimeout(second);
      clock.clearTimeout(second);
      await simulation.sleep(5);
      clock.clearTimeout(first);
      clock.clearTimeout({});
      clock.setTimeout(() => fired.push("third"), 1);
      await simulation.sleep(5);
    });
    expect(fired).toEqual(["first", "third"]);
  });

  it("sleeps", async () => {
    const simulation = newSimulation();
    const clock = serverClock(simulation, newLife(0));
    const wokeAt = await runScript(simulation, async () => {
      await clock.sleep(7);
      await clock.sleep(0);
      return clock.now();
    });
    expect(wokeAt).toBe(7);
  });

  it("forgets timers and sleepers of a server that died, and takes no new ones from it", async () => {
    const simulation = newSimulation();
    const life = newLife(0);
    const clock = serverClock(simulation, life);
    const fired: string[] = [];
    await runScript(simulation, async () => {
      clock.setTimeout(() => fired.push("before its death"), 1);
      clock.setTimeout(() => fired.push("timer"), 10);
      void clock.sleep(10).then(() => fired.push("sleeper"));
      await simulation.sleep(5);
      life.alive = false;
      clock.setTimeout(() => fired.push("set by the dead"), 1);
      await simulation.sleep(50);
    });
    expect(fired).toEqual(["before its death"]);
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])("refuses a delay of %j", async (delay) => {
    const clock = serverClock(newSimulation(), newLife(0));
    const refusal = new RangeError(`a delay must be a number of milliseconds of at least 0, got ${delay}`);
    expect(() => clock.setTimeout(() => {}, delay)).toThrow(refusal);
    expect(await rejectionOf(clock.sleep(delay))).toEqual(refusal);
  });
});
