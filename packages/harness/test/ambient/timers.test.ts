import type { AsyncLocalStorage } from "node:async_hooks";
import realTimers from "node:timers";
import { promisify } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { endsAsPeers } from "../../src/cluster/peers.ts";
import { Network, NetworkServer } from "../../src/net/network.ts";
import { serverClock } from "../../src/sim/clock.ts";
import { boot, onServer, realAndSimulated, runServer, runServers, shapeOfError, withAmbient } from "../support/ambient.ts";
import { newLife } from "../support/world.ts";

describe("as Node's own", () => {
  const programs: Record<string, (log: (what: unknown) => void) => Promise<unknown>> = {
    "microtasks, ticks, immediates and timers in their order": (log) =>
      new Promise((done) => {
        setTimeout(() => {
          log("timer");
          process.nextTick(log, "tick in timer");
          void Promise.resolve().then(() => log("microtask in timer"));
          setImmediate(() => log("immediate in timer"));
        }, 1);
        setTimeout(done, 30);
        void Promise.resolve()
          .then(() => log("microtask"))
          .then(() => process.nextTick(log, "tick in microtask"));
        queueMicrotask(() => log("queued microtask"));
        process.nextTick(() => {
          log("tick");
          queueMicrotask(() => log("microtask in tick"));
        });
      }),
    "timers of one delay": (log) =>
      new Promise((done) => {
        for (const name of ["a", "b", "c"]) setTimeout(() => queueMicrotask(() => log(name)), 5);
        setTimeout(done, 40);
      }),
    "arguments, this and return values": async (log) => {
      await new Promise<void>((done) => {
        const immediate = setImmediate(
          function (this: unknown, ...args: unknown[]) {
            log([this === immediate, args]);
            done();
          },
          3,
          "y",
        );
        log([
          immediate.constructor.name,
          immediate.ref() === immediate,
          immediate.unref() === immediate,
          immediate.hasRef(),
          immediate.ref().hasRef(),
        ]);
      });
      await new Promise<void>((done) => {
        const timer = setTimeout(
          function (this: unknown, ...args: unknown[]) {
            log([this === timer, args]);
            done();
          },
          1,
          "x",
          2,
        );
        log([timer.constructor.name, timer.ref() === timer, timer.unref() === timer, timer.hasRef(), timer.ref().hasRef(), typeof +timer]);
      });
      log([clearTimeout(undefined), clearTimeout(null as never), clearTimeout({} as never), clearImmediate(undefined)]);
    },
    intervals: (log) =>
      new Promise((done) => {
        let count = 0;
        const interval = setInterval(() => {
          log(++count);
          if (count < 3) return;
          clearInterval(interval);
          setTimeout(done, 20);
        }, 1);
      }),
    "clearing by number, by string and by the other function": (log) =>
      new Promise((done) => {
        clearTimeout(+setTimeout(log, 1, "by number"));
        clearTimeout(String(+setTimeout(log, 1, "by string")));
        clearInterval(setTimeout(log, 1, "a timeout as interval"));
        clearTimeout(setInterval(log, 1, "an interval as timeout"));
        clearImmediate(setImmediate(log, "an immediate"));
        clearTimeout(setImmediate(() => setTimeout(done, 30)) as never);
        setTimeout(log, 1, "closed").close();
        const kept = setTimeout(log, 1, "its number alone clears nothing");
        const number = +kept;
        log(`${kept[Symbol.toPrimitive]()}` === `${number}`);
      }),
    refresh: (log) =>
      new Promise((done) => {
        let fired = 0;
        const timer = setTimeout(() => {
          log("fired");
          if (++fired < 3) timer.refresh();
          else setTimeout(done, 20);
        }, 2);
        const cleared = setTimeout(log, 2, "cleared");
        clearTimeout(cleared);
        log(cleared.refresh() === cleared);
      }),
    "clearing what is due at the same time": (log) =>
      new Promise((done) => {
        const first = setTimeout(() => {
          log("first");
          clearTimeout(second);
        }, 3);
        const second = setTimeout(log, 3, "second");
        log(first === second);
        setTimeout(done, 30);
      }),
    "delays that are none": (log) =>
      new Promise((done) => {
        const delays: unknown[] = [0, -1, Number.NaN, "1", "x", null, undefined, {}, 0.5, 1.9, false];
        for (const [i, delay] of delays.entries()) setTimeout(log, delay as number, i);
        setTimeout(done, 40);
      }),
    promisify: async (log) => {
      log(await promisify(setTimeout)(1, "timeout"));
      log(await promisify(setImmediate)("immediate"));
      const [one, other] = [promisify(setTimeout), promisify(setTimeout)];
      log(one === other);
    },
    "Symbol.dispose": (log) =>
      new Promise((done) => {
        const { dispose } = Symbol;
        for (const timer of [setTimeout(log, 1, "timeout"), setInterval(log, 1, "interval"), setImmediate(log, "immediate")])
          Reflect.apply(Reflect.get(timer, dispose) as () => void, timer, []);
        setTimeout(done, 20);
      }),
  };

  for (const [name, program] of Object.entries(programs)) {
    test(name, async () => {
      const { real, simulated } = await realAndSimulated(async () => {
        const said: unknown[] = [];
        await program((what) => said.push(what));
        return said;
      });
      expect(simulated).toEqual(real);
      expect(simulated.length + (name === "Symbol.dispose" ? 1 : 0)).toBeGreaterThan(0);
    });
  }

  const mistakes: Record<string, () => unknown> = {
    "no callback": () => Reflect.apply(setTimeout, undefined, []),
    "a string for a callback": () => setTimeout("code" as never, 1),
    "an interval of a number": () => setInterval(5 as never, 1),
    "an immediate of an object": () => setImmediate({} as never),
    "a BigInt for a delay": () => setTimeout(() => {}, 1n as never),
    "a symbol for a delay": () => setTimeout(() => {}, Symbol("s") as never),
    "a tick of nothing": () => process.nextTick(undefined as never),
    "a microtask of nothing": () => queueMicrotask(undefined as never),
  };

  for (const [name, mistake] of Object.entries(mistakes)) {
    test(`refuses ${name}`, async () => {
      const { real, simulated } = await realAndSimulated(() => shapeOfError(mistake));
      expect(simulated).toEqual(real);
      expect(simulated).toHaveProperty("isError", true);
    });
  }

  test("node:timers has every member of the real one, and its functions are the globals", async () => {
    await withAmbient(({ requireBuiltin }) => {
      const simulated = requireBuiltin("node:timers") as Record<string, unknown>;
      for (const name of Object.keys(realTimers)) expect(typeof simulated[name], name).toBe(typeof Reflect.get(realTimers, name));
      expect(simulated.setTimeout).toBe(setTimeout);
      expect(simulated.clearInterval).toBe(clearInterval);
      expect(simulated.promises).toBe(requireBuiltin("timers/promises"));
      expect(requireBuiltin("timers")).toBe(simulated);
    });
  });
});

describe("on the virtual clock", () => {
  test("no real time passes, and every callback sees its own time", async () => {
    const times = await onServer(
      () =>
        new Promise<number[]>((done) => {
          const seen: number[] = [];
          setTimeout(() => seen.push(performance.now()), 5_000);
          setTimeout(() => seen.push(performance.now()), 1.7);
          setTimeout(() => seen.push(performance.now()), 2 ** 31);
          setTimeout(() => done([...seen, performance.now()]), 60_000);
        }),
    );
    expect(times).toEqual([1, 1, 5_000, 60_000]);
  });

  test("a microtask chain of any length ends before time moves", async () => {
    const order = await onServer(async () => {
      const seen: string[] = [];
      setTimeout(() => seen.push("timer"), 0);
      setImmediate(() => seen.push("immediate"));
      for (let i = 0; i < 100_000; i++) await undefined;
      seen.push("chain");
      await new Promise((done) => setTimeout(done, 2));
      return seen;
    });
    expect(order).toEqual(["chain", "immediate", "timer"]);
  });

  test("what a server set before it was killed never runs", async () => {
    const { value, error } = await runServers<string[]>([
      ({ life }) => {
        const said = shared;
        setTimeout(() => said.push("timer"), 5);
        setInterval(() => said.push("interval"), 1);
        setImmediate(() => said.push("immediate"));
        void new Promise((done) => setTimeout(done, 3)).then(() => said.push("promise"));
        life.alive = false;
        // Set by the dead: a promise that was already resolved.
        queueMicrotask(() => setTimeout(() => said.push("set by the dead"), 1));
        return said;
      },
      () => new Promise((done) => setTimeout(() => done(shared), 50)),
    ]);
    expect(error).toBeUndefined();
    expect(value).toEqual([[], []]);
  });
  const shared: string[] = [];

  test("numbers of timers begin anew with each life, and each server has its own", async () => {
    const numbers = (): number[] => [+setTimeout(() => {}, 1), +setTimeout(() => {}, 1)];
    const { value } = await runServers([numbers, numbers, ({ simulation }) => simulation.enter(boot(simulation, 2), "again", numbers)]);
    expect(value).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
    ]);
  });

  test("the asynchronous context of who set a timer comes back with it", async () => {
    const stores = await onServer(async ({ ambient }) => {
      const hooks = ambient.requireBuiltin("node:async_hooks") as { AsyncLocalStorage: typeof AsyncLocalStorage };
      const storage = new hooks.AsyncLocalStorage<string>();
      const seen: unknown[] = [];
      storage.run("a", () => {
        setTimeout(() => seen.push(storage.getStore()), 1);
        setImmediate(() => seen.push(storage.getStore()));
      });
      storage.run("b", () => setTimeout(() => seen.push(storage.getStore()), 1));
      setTimeout(() => seen.push(storage.getStore()), 1);
      await new Promise((done) => setTimeout(done, 5));
      return seen;
    });
    expect(stores).toEqual(["a", "a", "b", undefined]);
  });

  test("and with a timer of the environment, and a reply", async () => {
    const stores = await onServer(async ({ ambient, simulation, life }) => {
      const hooks = ambient.requireBuiltin("node:async_hooks") as { AsyncLocalStorage: typeof AsyncLocalStorage };
      const storage = new hooks.AsyncLocalStorage<string>();
      const network = new Network(simulation);
      network.addServer(1, new NetworkServer(newLife(1), { Double: (value: number) => value * 2 }));
      const end = network.makeEnd(0, 1);
      end.enabled = true;
      const [peer] = endsAsPeers(network, life, [end]);
      const clock = serverClock(simulation, life);
      const seen: unknown[] = [];
      storage.run("a", () => clock.setTimeout(() => seen.push(storage.getStore()), 1));
      storage.run("b", () => peer!.request("Double", 4, (reply) => seen.push([storage.getStore(), reply])));
      storage.run("c", async () => seen.push([await peer!.call("Double", 5), storage.getStore()]));
      clock.setTimeout(() => seen.push(storage.getStore()), 1);
      await clock.sleep(5);
      return seen.map(String).toSorted();
    });
    expect(stores).toEqual(["10,c", "a", "b,8", "undefined"]);
  });

  test("endless immediates end the run, which says so", async () => {
    const { error } = await runServer(
      () =>
        new Promise(
          () =>
            void setImmediate(function again() {
              setImmediate(again);
            }),
        ),
      {
        limits: { maxEventsPerInstant: 1_000 },
      },
    );
    expect(error?.message).toContain("time stands still");
    expect(error?.message).toContain("S0: a setImmediate callback");
  });

  test.each([
    [
      "a setTimeout callback",
      () =>
        setTimeout(() => {
          throw new RangeError("oops");
        }, 3),
    ],
    [
      "a setInterval callback",
      () =>
        setInterval(() => {
          throw new RangeError("oops");
        }, 3),
    ],
    [
      "a setImmediate callback",
      () =>
        setImmediate(() => {
          throw new RangeError("oops");
        }),
    ],
    [
      "a process.nextTick callback",
      () =>
        process.nextTick(() => {
          throw new RangeError("oops");
        }),
    ],
    [
      "a microtask or timer",
      () =>
        queueMicrotask(() => {
          throw new RangeError("oops");
        }),
    ],
    ["a promise whose rejection nobody handles", () => setTimeout(() => void Promise.reject(new RangeError("oops")), 3)],
  ] as const)("a throw in %s fails the run, with its place", async (what, act) => {
    const { error } = await runServer(() => new Promise(() => void act()));
    expect(error?.message).toBe(`S0 threw in ${what}: RangeError: oops`);
    expect(error?.stack).toContain("timers.test.ts");
  });
});

describe("random programs", () => {
  /** A step of a program: what is done when its time comes. */
  type Step = { kind: "timer" | "immediate" | "interval"; delay: number; clears: number | undefined; refreshes: number | undefined };
  const step: fc.Arbitrary<Step> = fc.record({
    kind: fc.constantFrom("timer", "timer", "immediate", "interval"),
    delay: fc.integer({ min: 0, max: 6 }),
    clears: fc.option(fc.nat(20), { nil: undefined }),
    refreshes: fc.option(fc.nat(20), { nil: undefined }),
  });
  const maxMs = 30;

  /** Each step is set, two at a time, by the callbacks of the steps before it. */
  function program(steps: readonly Step[]): Promise<string[]> {
    return new Promise((done) => {
      const said: string[] = [];
      const handles: unknown[] = [];
      const kinds: Step["kind"][] = [];
      let next = 0;
      const begin = (): void => {
        if (next >= steps.length) return;
        const number = next++;
        const { kind, delay, clears, refreshes } = steps[number]!;
        const act = (): void => {
          said.push(`${number}@${performance.now()}`);
          if (clears !== undefined && clears < handles.length) clearAny(kinds[clears]!, handles[clears]);
          if (refreshes !== undefined && kinds[refreshes] === "timer") (handles[refreshes] as NodeJS.Timeout).refresh();
          begin();
          begin();
        };
        kinds[number] = kind;
        if (kind === "timer") handles[number] = setTimeout(act, delay);
        else if (kind === "interval") handles[number] = setInterval(act, delay);
        else handles[number] = setImmediate(act);
      };
      begin();
      begin();
      begin();
      setTimeout(() => done(said), maxMs);
    });
  }

  function clearAny(kind: Step["kind"], handle: unknown): void {
    if (kind === "immediate") clearImmediate(handle as NodeJS.Immediate);
    else clearTimeout(handle as NodeJS.Timeout);
  }

  /** The same program by a naive model: a list of what is due, searched from the front. */
  function model(steps: readonly Step[]): string[] {
    interface Due {
      number: number;
      atMs: number;
      order: number;
    }
    const said: string[] = [];
    const due: Due[] = [];
    const cleared = new Set<number>();
    let nowMs = 0;
    let order = 0;
    let next = 0;
    const delayOf = (number: number): number => (steps[number]!.kind === "immediate" ? 0 : Math.max(1, steps[number]!.delay));
    const arm = (number: number): void => {
      drop(number);
      due.push({ number, atMs: nowMs + delayOf(number), order: order++ });
    };
    const drop = (number: number): void => {
      const at = due.findIndex((entry) => entry.number === number);
      if (at >= 0) due.splice(at, 1);
    };
    const begin = (): void => {
      if (next < steps.length) arm(next++);
    };
    begin();
    begin();
    begin();
    const end = order++;
    for (;;) {
      due.sort((a, b) => a.atMs - b.atMs || a.order - b.order);
      const first = due[0];
      if (first === undefined || first.atMs > maxMs || (first.atMs === maxMs && first.order > end)) return said;
      due.shift();
      nowMs = first.atMs;
      const { kind, clears, refreshes } = steps[first.number]!;
      said.push(`${first.number}@${nowMs}`);
      if (clears !== undefined && clears < next) {
        drop(clears);
        cleared.add(clears);
      }
      if (refreshes !== undefined && refreshes < next && steps[refreshes]!.kind === "timer" && !cleared.has(refreshes)) arm(refreshes);
      begin();
      begin();
      if (kind === "interval" && !cleared.has(first.number)) arm(first.number);
    }
  }

  test("do what a naive model does, and the same again", async () => {
    await withAmbient((ambient) =>
      fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 14 }), fc.nat(), async (steps, low) => {
          const options = { seed: { high: 0, low }, limits: { maxEventsPerInstant: 5_000 } };
          const first = await runServer(() => program(steps), options, ambient);
          expect(first.error).toBeUndefined();
          expect(first.value).toEqual(model(steps));
          const second = await runServer(() => program(steps), options, ambient);
          expect(second).toEqual(first);
        }),
        { numRuns: 150 },
      ),
    );
  });
});
