import { describe, expect, it } from "vitest";
import { Network, NetworkServer } from "../../src/net/network.ts";
import { serverClock } from "../../src/sim/clock.ts";
import { Comparison, EventActs, Journal, Recorder, tellDifference, tellOthers, Witness } from "../../src/sim/journal.ts";
import type { RunWatch } from "../../src/sim/run-watch.ts";
import { newLife, newSimulation, runScript } from "../support/world.ts";

interface Script {
  /** What the second timer mixes into the hash. */
  readonly extra?: number;
  readonly endMs?: number;
  /** Delay of a timer that the second timer sets. */
  readonly againMs?: number;
}

/** A run of three timers, watched. */
async function watched<W extends RunWatch>(watch: W, { extra = 0, endMs = 50, againMs = 5 }: Script = {}): Promise<W> {
  const simulation = newSimulation({ watch });
  await runScript(simulation, async () => {
    const clock = serverClock(simulation, newLife(1));
    for (const delayMs of [10, 20, 30]) {
      clock.setTimeout(() => {
        if (delayMs !== 20) return;
        if (extra !== 0) simulation.hash.mix(extra);
        clock.setTimeout(() => {}, againMs);
      }, delayMs);
    }
    await simulation.sleep(endMs);
  });
  return watch;
}

/** The difference between two runs, with a witness of the first. */
async function difference(first: Script, second: Script): Promise<string[] | undefined> {
  const journal = await watched(new Journal(), first);
  const { parting } = await watched(new Comparison(journal), second);
  if (parting === undefined) return undefined;
  const witness = await watched(new Witness(journal, parting.position), first);
  return tellDifference(journal, parting, witness.act).map((line) => line.replace(/\(?[^\s(]*(journal\.test\.ts):\d+:\d+\)?/, "$1"));
}

describe("two runs that are compared", () => {
  it("have no difference when they were the same", async () => {
    expect(await difference({}, {})).toBeUndefined();
  });

  it("show the first event that did something else, with what each did and where its code was", async () => {
    const told = await difference({ againMs: 5 }, { againMs: 6 });
    expect(told?.filter((line) => !line.startsWith("    "))).toEqual([
      "event 2 differs",
      "  both runs:  at 20.000 ms, S1: a timer",
      "  first run:  S1: a timer, in 5 ms",
      "  second run: S1: a timer, in 6 ms",
    ]);
    expect(told?.filter((line) => line.includes("journal.test.ts"))).toHaveLength(2);
  });

  it("show contents that differ", async () => {
    const told = await difference({ extra: 7 }, { extra: 8 });
    expect(told).toContain("  first run:  a save, an answer or a state with other contents");
    expect(told).toContain("  second run: a save, an answer or a state with other contents");
  });

  it("show which run had ended", async () => {
    const longer = await watched(new Journal());
    const { parting } = new Comparison(longer);
    expect(parting).toMatchObject({ event: 1, act: undefined, second: undefined });
    expect(tellDifference(longer, parting!, undefined)).toEqual([
      "event 1 differs",
      "  first run:  at 10.000 ms, S1: a timer",
      "  second run: (the run had ended)",
      "  up to here both runs were the same",
    ]);
    const nothing = await watched(new Comparison(new Journal()));
    expect(nothing.parting).toMatchObject({ event: 1 });
  });

  it("tell nothing of the first run when no witness goes its way", async () => {
    const journal = await watched(new Journal(), { againMs: 5 });
    const { parting } = await watched(new Comparison(journal), { againMs: 6 });
    const witness = await watched(new Witness(journal, parting!.position), { againMs: 7 });
    expect(witness.act).toBeUndefined();
    expect(tellDifference(journal, parting!, witness.act)[2]).toBe("  first run:  something else, or nothing more");
  });

  it("show two more runs instead, when what the first one did never comes again", async () => {
    const recorder = await watched(new Recorder(8), { againMs: 7 });
    const others = tellOthers(recorder, (await watched(new Comparison(recorder), { againMs: 8 })).parting);
    expect(others?.filter((line) => !line.startsWith("    "))).toEqual([
      "event 2 differs",
      "  what the first run did differs each time; so these are two more runs of the seed",
      "  both runs:  at 20.000 ms, S1: a timer",
      "  third run:  S1: a timer, in 7 ms",
      "  fourth run: S1: a timer, in 8 ms",
    ]);
    expect(others?.filter((line) => line.includes("journal.test.ts"))).toHaveLength(2);
    expect(tellOthers(recorder, (await watched(new Comparison(recorder), { againMs: 7 })).parting)).toBeUndefined();
    const elsewhere = await watched(new Recorder(1000), { againMs: 7 });
    expect(tellOthers(elsewhere, (await watched(new Comparison(elsewhere), { againMs: 8 })).parting)).toBeUndefined();
  });

  it("tell what was done in one event", async () => {
    const { acts } = await watched(new EventActs(2), { extra: 7 });
    expect(acts.map(({ text }) => text)).toEqual([
      "at 20.000 ms, S1: a timer",
      "a save, an answer or a state with other contents (hash 7)",
      expect.stringMatching(/^S1: a timer, in 5 ms \(hash [0-9a-f]+\)$/),
    ]);
    expect(acts[2]!.stack).toContain("journal.test.ts");
    expect((await watched(new EventActs(1000))).acts).toEqual([]);
  });

  it("show the code that did it, whatever it makes of stacks itself", async () => {
    const former = [Error.stackTraceLimit, Error.prepareStackTrace];
    const deep = async (watch: RunWatch, word: number): Promise<void> => {
      const simulation = newSimulation({ watch });
      await runScript(simulation, async () => {
        serverClock(simulation, newLife(1)).setTimeout(function theirs() {
          Error.stackTraceLimit = 2;
          Error.prepareStackTrace = () => "no stack";
          simulation.hash.mix(word);
        }, 1);
        await simulation.sleep(2);
      });
    };
    const journal = new Journal();
    await deep(journal, 1);
    const comparison = new Comparison(journal);
    await deep(comparison, 2);
    expect([Error.stackTraceLimit, Error.prepareStackTrace?.(new Error(), [])]).toEqual([2, "no stack"]);
    [Error.stackTraceLimit, Error.prepareStackTrace] = former as [number, typeof Error.prepareStackTrace];
    expect(comparison.parting?.act?.stack).toContain("theirs");
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
    expect(journal.event(1)).toMatch(/^at 0\.\d{3} ms, request Double S1 -> S0 21$/);
  });
});
