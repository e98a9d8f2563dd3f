import { describe, expect, it } from "vitest";
import { Network, NetworkServer } from "../../src/net/network.ts";
import { serverClock } from "../../src/sim/clock.ts";
import { Journal } from "../../src/sim/journal.ts";
import { newLife, newSimulation, runScript } from "../support/world.ts";

/** The journal of a run of three timers whose second mixes `extra` into the hash, and which ends after `endMs`. */
async function journalOf({ extra = 0, endMs = 50 } = {}): Promise<Journal> {
  const journal = new Journal();
  const simulation = newSimulation({ watch: journal });
  await runScript(simulation, async () => {
    const clock = serverClock(simulation, newLife(1));
    for (const delayMs of [10, 20, 30]) {
      clock.setTimeout(() => {
        if (delayMs === 20 && extra !== 0) simulation.hash.mix(extra);
      }, delayMs);
    }
    await simulation.sleep(endMs);
  });
  return journal;
}

describe("Journal", () => {
  it("finds no difference between two runs that were the same", async () => {
    expect((await journalOf()).firstDifference(await journalOf())).toBeUndefined();
  });

  it("shows the first event that did something else, from both runs", async () => {
    expect((await journalOf({ extra: 7 })).firstDifference(await journalOf({ extra: 8 }))).toEqual([
      "event 2 differs",
      "  first run:  at 20.000 ms, S1: a timer",
      "  second run: at 20.000 ms, S1: a timer",
      "  the same event with the same contents did something else: other calls, other saves or other draws",
    ]);
  });

  it("shows two events that are not the same one", async () => {
    expect((await journalOf({ endMs: 25.5 })).firstDifference(await journalOf())).toEqual([
      "event 3 differs",
      "  first run:  at 25.500 ms, the test: wakes up",
      "  second run: at 30.000 ms, S1: a timer",
      "  up to here both runs were the same",
    ]);
  });

  it("shows which run had ended", async () => {
    const difference = new Journal().firstDifference(await journalOf());
    expect(difference?.[0]).toBe("event 1 differs");
    expect(difference?.[1]).toBe("  first run:  (the run had ended)");
    expect(difference?.[2]).toBe("  second run: at 10.000 ms, S1: a timer");
  });

  it("tells a request as a request, although its event goes on as the reply", async () => {
    const journal = new Journal();
    const simulation = newSimulation({ watch: journal });
    const network = new Network(simulation);
    network.addServer(0, new NetworkServer(newLife(0), { Double: (value: number) => value * 2 }));
    const end = network.makeEnd(1, 0);
    end.enabled = true;
    await runScript(simulation, async () => {
      await new Promise((resolve) => network.call(end, undefined, "Double", 21, resolve));
      await simulation.sleep(1);
    });
    const told = journal.firstDifference(new Journal());
    expect(told?.[1]).toMatch(/^ {2}first run: {2}at 0\.\d{3} ms, request Double S1 -> S0 21$/);
  });
});
