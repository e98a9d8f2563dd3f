import type { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { installForRealClock } from "../../src/ambient/install-real.ts";
import { scopesAreNeeded } from "../../src/sim/real-scope.ts";
import { runReal, startStopwatchUs } from "../../src/sim/run-loop.ts";
import type { Simulation } from "../../src/sim/simulation.ts";
import { boot } from "../support/ambient.ts";
import { newSimulation, type TestLife } from "../support/world.ts";

// Node's own, as this file finds them before a thread is set up for the real clock.
const nodes = { setTimeout, clearTimeout };

let requireBuiltin: (name: string) => unknown;

// For the life of the process, which the test runner gives to this file alone.
beforeAll(() => {
  ({ requireBuiltin } = installForRealClock());
});

type Program = (life: TestLife, simulation: Simulation) => unknown;

/** Lets each program be the code of a server, in one run on the real clock that ends when all have. */
async function runServers(...programs: Program[]): Promise<Simulation> {
  const simulation = newSimulation({ realElapsedUs: startStopwatchUs(), traceLevel: "debug" });
  const ends = programs.map((program, server) => {
    const life = boot(simulation, server);
    return simulation.enter(life, "the program", () => program(life, simulation));
  });
  void Promise.all(ends).then(
    () => simulation.stop(),
    (thrown: unknown) => simulation.fail(thrown),
  );
  await runReal(simulation);
  return simulation;
}

/** The same for one; throws what ended its run early. */
async function onServer<T>(program: (life: TestLife, simulation: Simulation) => T | Promise<T>): Promise<T> {
  let value: T | undefined;
  const { error } = await runServers(async (life, simulation) => {
    value = await program(life, simulation);
  });
  if (error !== undefined) throw error.cause ?? error;
  return value as T;
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Real milliseconds that a wait takes. */
async function duration(wait: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await wait();
  return performance.now() - startMs;
}

interface TimersPromises {
  setTimeout<T>(ms: number, value?: T, options?: object): Promise<T>;
  setImmediate<T>(value?: T): Promise<T>;
  setInterval<T>(ms: number, value?: T): AsyncIterable<T>;
  readonly scheduler: { wait(ms: number): Promise<void> };
}

describe("timers of a server on the real clock", () => {
  it("never fire early by Node's own clocks, whatever the server's event was late by", async () => {
    const tookMs = await onServer(async () => {
      const promises = requireBuiltin("node:timers/promises") as TimersPromises;
      const waits: [ms: number, wait: () => Promise<unknown>][] = [
        [30, () => sleep(30)],
        [30, () => promises.setTimeout(30)],
        [30, () => promisify(setTimeout)(30)],
        [30, () => promises.scheduler.wait(30)],
        [30, () => new Promise((resolve) => AbortSignal.timeout(30).addEventListener("abort", resolve))],
      ];
      const took: number[] = [];
      for (const [ms, wait] of waits) took.push((await duration(wait)) - ms);
      return took;
    });
    for (const ms of tookMs) expect(ms).toBeGreaterThanOrEqual(-0.1);
  });

  it("repeat, stop when cleared, by their number too, and hand over arguments", async () => {
    const seen: unknown[] = [];
    await onServer(async () => {
      const interval = setInterval((word: string) => seen.push(word), 5, "tick");
      const never = setTimeout(() => seen.push("never"), 10);
      clearTimeout(Number(never));
      while (seen.length < 3) await sleep(5);
      clearInterval(interval);
      await sleep(30);
    });
    expect(seen).toEqual(["tick", "tick", "tick"]);
  });

  it("of setImmediate wait for no other run", async () => {
    const hurried = await onServer(async (_, simulation) => {
      setTimeout(() => {}, 1);
      const before = simulation.isHurried;
      const turn = new Promise((resolve) => setImmediate(resolve));
      const after = simulation.isHurried;
      await turn;
      return [before, after, simulation.isHurried];
    });
    expect(hurried).toEqual([false, true, false]);
  });

  it("die with the server", async () => {
    const fired: string[] = [];
    const dies: Program = (life) => {
      setInterval(() => {
        fired.push("interval");
        life.alive = false;
      }, 5);
      setTimeout(() => fired.push("timeout"), 30);
      void sleep(20).then(() => fired.push("sleep"));
    };
    await runServers(dies, () => sleep(80));
    expect(fired).toEqual(["interval"]);
  });

  it("are no business of the run that has its turn when theirs ends", async () => {
    const { setTimeout: wait } = requireBuiltin("timers/promises") as TimersPromises;
    for (let round = 0; round < 5; round++) {
      const ends = newSimulation({ realElapsedUs: startStopwatchUs() });
      const life = boot(ends, 0);
      const killed = new AbortController();
      const waits = () => wait(10_000, undefined, { signal: killed.signal }).catch(() => {});
      void ends.enter(life, "the program", () => void waits());
      void ends.sleep(10).then(() => ends.stop());
      // As a kill() does that wakes what waits. It is the first to have its turn.
      const ended = runReal(ends, () => void Promise.resolve().then(() => killed.abort()));
      const goesOn = runServers(async () => {
        setInterval(() => {}, 1);
        await sleep(30);
      });
      await ended;
      expect((await goesOn).error).toBeUndefined();
    }
  });

  it("fire in the order of their times, each in an event of its server", async () => {
    const order: string[] = [];
    const program: Program = async (life, simulation) => {
      for (const ms of [12, 3, 7]) setTimeout(() => order.push(`S${simulation.currentServer} ${ms}`), ms);
      await sleep(40 + life.server);
    };
    await runServers(program, program);
    expect(order.filter((entry) => entry.startsWith("S0"))).toEqual(["S0 3", "S0 7", "S0 12"]);
    expect(order.filter((entry) => entry.startsWith("S1"))).toEqual(["S1 3", "S1 7", "S1 12"]);
  });

  it("are Node's own for code of no server", async () => {
    const timer = setTimeout(() => {}, 10_000);
    expect(timer).toBeInstanceOf(nodes.setTimeout(() => {}, 0).constructor);
    clearTimeout(timer);
    const fired = new Promise((resolve) => setTimeout(resolve, 5, "fired"));
    expect(await fired).toBe("fired");
    const { setTimeout: ofModule } = requireBuiltin("timers") as { setTimeout: typeof setTimeout };
    expect(await new Promise((resolve) => ofModule(resolve, 5, "fired"))).toBe("fired");
  });

  it("iterate", async () => {
    const ticks = await onServer(async () => {
      const { setInterval: ticksEvery } = requireBuiltin("timers/promises") as TimersPromises;
      const seen: string[] = [];
      for await (const tick of ticksEvery(3, "tick")) {
        seen.push(tick);
        if (seen.length === 4) break;
      }
      return seen;
    });
    expect(ticks).toEqual(["tick", "tick", "tick", "tick"]);
  });
});

describe("whose code is running on the real clock", () => {
  it("takes no asynchronous context to know, until something can come back from outside of the thread", async () => {
    await onServer(() => sleep(5));
    expect(scopesAreNeeded()).toBe(false);
  });

  it("is known in timers and promises, for the console and for throws", async () => {
    const [first, second] = await Promise.all([
      runServers(
        async () => {
          await sleep(10);
          console.log("of the first run");
        },
        async () => {
          await sleep(15);
          throw new Error("boom");
        },
      ),
      runServers(async () => {
        await sleep(20);
        console.warn("of the second run");
        await sleep(10);
      }),
    ]);
    expect(first.trace.text()).toMatch(/ INFO S0 of the first run\n/);
    expect(first.trace.text()).not.toContain("second");
    expect(first.error?.message).toMatch(/boom/);
    expect(second.trace.text()).toMatch(/ WARN S0 of the second run\n/);
    expect(second.error).toBeUndefined();
  });

  it("fails the run of a server that changes the language or freezes it, and undoes the change", async () => {
    const { push } = Array.prototype;
    const changes = await runServers(async () => {
      await sleep(5);
      Array.prototype.push = () => 0;
      await sleep(5);
    });
    expect(Array.prototype.push).toBe(push);
    expect(changes.error?.message).toMatch(/^a server changed Array\.prototype\.push: /);
    const freezes = await runServers(() => void Object.freeze(Array.prototype));
    expect(freezes.error?.message).toMatch(/^S0 froze Array\.prototype: /);
    expect(Object.isFrozen(Array.prototype)).toBe(false);
    const grows = await runServers(() => Object.freeze([1]).length);
    expect(grows.error).toBeUndefined();
  });

  it("tells the standard streams where to write", async () => {
    const { trace } = await runServers(() => {
      process.stdout.write("out\n");
      process.stderr.write("err\n");
    });
    expect(trace.text()).toMatch(/ INFO S0 out\n.* ERRO S0 err\n/);
  });

  it("fails the run of a server that would end the thread, and no other", async () => {
    const [first, second] = await Promise.all([
      runServers(async () => {
        await sleep(5);
        process.exit(3);
      }),
      runServers(() => sleep(30)),
    ]);
    expect(first.error?.message).toBe("S0 called process.exit(3): a server of a Raft runs until it is killed");
    expect(second.error).toBeUndefined();
  });

  it("is known after Node's own input and output, too, from the module's first use on", async () => {
    const { readFile: ofServer } = requireBuiltin("node:fs/promises") as { readFile: typeof readFile };
    const reads = async (): Promise<void> => {
      await ofServer(import.meta.filename);
      console.log("has read");
    };
    const [first, second] = await Promise.all([
      runServers(
        () => sleep(50),
        async () => {
          await reads();
          void reads().then(() => Promise.reject(new Error("boom")));
          await sleep(1000);
        },
      ),
      runServers(reads),
    ]);
    expect(first.trace.text()).toMatch(/ INFO S1 has read\n[\s\S]* INFO S1 has read\n/);
    expect(first.error?.message).toMatch(/^S1 .*boom/);
    expect(second.trace.text()).toMatch(/ INFO S0 has read\n/);
    expect(second.error).toBeUndefined();
  });
});
