import type { MakeRaft } from "@raft-stress/raft/api";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Program, runServers, withAmbient } from "../support/ambient.ts";
import { FixedLeader } from "../support/fixed-leader.ts";
import { identity, run } from "../support/runs.ts";
import { straysDuring } from "../support/strays.ts";

const sleep = (delayMs: number): Promise<number> => new Promise((done) => setTimeout(done, delayMs, delayMs));
const jitter = (): Promise<number> => sleep(Math.random() * 20);

/** Awkward but legal: each says what it saw, in its order. */
const awkward: Record<string, Program<unknown>> = {
  async "a race of equal timers"() {
    const seen: unknown[] = [];
    for (let i = 0; i < 5; i++)
      seen.push(await Promise.race([sleep(10).then(() => "a"), sleep(10).then(() => "b"), jitter().then(() => "c")]));
    return seen;
  },
  async "Promise.any, allSettled and rejections"() {
    const fail = async (): Promise<never> => {
      throw new Error(`after ${await jitter()}`);
    };
    const any = await Promise.any([fail(), jitter(), sleep(7)]);
    const settled = await Promise.allSettled([fail(), jitter(), Promise.reject(new Error("now"))]);
    const none = await Promise.any([fail(), fail()]).catch((error: AggregateError) => error.errors.map(String));
    return [any, settled.map((one) => (one.status === "fulfilled" ? one.value : String(one.reason))), none];
  },
  async "async generators that are left early"() {
    const said: unknown[] = [];
    async function* numbers(): AsyncGenerator<number> {
      try {
        for (let i = 0; ; i++) yield (await jitter()) + i;
      } finally {
        said.push("closed", await jitter());
      }
    }
    for await (const number of numbers()) {
      said.push(number);
      if (said.length > 3) break;
    }
    const stream = numbers();
    said.push(await Promise.all([stream.next(), stream.next(), stream.return(0)]));
    return said;
  },
  async "classes with private fields, getters and statics"() {
    class Counter {
      static #made = 0;
      #value = Math.random();
      readonly #ids = new Map<symbol, string>();
      static async make(): Promise<Counter> {
        await jitter();
        Counter.#made++;
        return new Counter();
      }
      get value(): number {
        this.#ids.set(Symbol("read"), crypto.randomUUID());
        this.#value += this.#ids.size;
        return this.#value;
      }
      get ids(): string[] {
        return [...this.#ids.values()];
      }
      static get made(): number {
        return Counter.#made;
      }
    }
    const counters = await Promise.all([Counter.make(), Counter.make(), Counter.make()]);
    return [counters.map(({ value }) => value), counters.map(({ ids }) => ids), Counter.made];
  },
  async "thenables and long chains"() {
    // biome-ignore lint/suspicious/noThenProperty: what is awaited may be any such object
    const lazy = { then: (resolve: (value: number) => void) => void setImmediate(() => resolve(Math.random())) };
    let chain: Promise<number> = Promise.resolve(0);
    for (let i = 0; i < 2_000; i++) chain = chain.then((value) => (i % 500 === 0 ? jitter().then((more) => value + more) : value + 1));
    return [await lazy, await chain, await Promise.all([lazy, lazy])];
  },
  async "microtasks, ticks and immediates among each other"() {
    const order: string[] = [];
    const say = (what: string) => () => void order.push(what);
    for (let i = 0; i < 3; i++) {
      setImmediate(say(`immediate ${i}`));
      setTimeout(say(`timer ${i}`), Math.floor(Math.random() * 3));
      process.nextTick(say(`tick ${i}`));
      queueMicrotask(say(`microtask ${i}`));
      void Promise.resolve()
        .then(say(`then ${i}`))
        .finally(say(`finally ${i}`));
    }
    await sleep(5);
    return order;
  },
  async "events, aborts and intervals"() {
    const said: unknown[] = [];
    const target = new EventTarget();
    target.addEventListener("beat", (event) => said.push([event.type, event.timeStamp]));
    const interval = setInterval(() => target.dispatchEvent(new Event("beat")), 3);
    const signal = AbortSignal.any([AbortSignal.timeout(10), AbortSignal.timeout(1_000)]);
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    clearInterval(interval);
    return [said, (signal.reason as Error).name, Date.now(), performance.now(), process.hrtime()];
  },
  async "sorting and shuffling, Sets and weak maps"() {
    const shuffled = Array.from({ length: 50 }, (_, i) => i).toSorted(() => Math.random() - 0.5);
    const keys = shuffled.map((value) => ({ value }));
    const weak = new WeakMap(keys.map((key) => [key, Math.random()]));
    return [
      shuffled,
      [...new Set(shuffled.map((value) => value % 7))],
      keys.map((key) => weak.get(key)),
      await (Reflect.get(Array, "fromAsync") as undefined | ((items: unknown[]) => Promise<unknown[]>))?.([jitter(), 2]),
    ];
  },
};

describe("awkward but legal code", () => {
  const seeded = (low: number) => ({ seed: { high: 7, low } });

  for (const [name, program] of Object.entries(awkward)) {
    test(`${name}: twice and in two orders, the same`, async () => {
      const alone = await withAmbient((ambient) => runServers([program, program, program], seeded(1), ambient));
      expect(alone.error).toBeUndefined();
      expect(new Set(alone.value!.map((value) => JSON.stringify(value))).size).toBeGreaterThan(name.includes("events") ? 0 : 1);
      await withAmbient(async (ambient) => {
        const others = Object.values(awkward).filter((other) => other !== program);
        for (const other of others) await runServers([other, other], seeded(2), ambient);
        expect(await runServers([program, program, program], seeded(1), ambient)).toEqual(alone);
        for (const other of others.toReversed()) await runServers([other], seeded(3), ambient);
        expect(await runServers([program, program, program], seeded(1), ambient)).toEqual(alone);
      });
    });
  }

  test("all at once, of several seeds: the same, in whatever order the runs are made", async () => {
    const programs = Object.values(awkward);
    const all = (low: number) => withAmbient((ambient) => runServers(programs, seeded(low), ambient));
    const forth = [];
    for (const low of [1, 2, 3, 4]) forth.push(await all(low));
    const back = [];
    for (const low of [4, 3, 2, 1]) back.unshift(await all(low));
    expect(back).toEqual(forth);
    expect(new Set(forth.map(({ hash }) => hash)).size).toBe(4);
  });
});

describe("what a run leaves behind", () => {
  /** Each leaves something running, or something changed that it may change. */
  const litter: Program<unknown>[] = [
    () => void setInterval(() => console.log(Math.random()), 1),
    () =>
      void (async () => {
        for (;;) await sleep(1);
      })(),
    () =>
      void (async () => {
        for await (const _ of (async function* () {
          for (;;) yield await sleep(2);
        })())
          Math.random();
      })(),
    () => void new Promise(() => {}).finally(() => setTimeout(() => {}, 1)),
    () => void Reflect.set(Error, "stackTraceLimit", 1),
    () => void Reflect.set(globalThis, Symbol.for("litter"), () => Math.random()),
    () => void Object.assign(process.env, { LITTER: "yes" }),
    () => void console.group(),
    () => void performance.mark("litter"),
    () => void `${setTimeout(() => {}, 1_000)[Symbol.toPrimitive]()}`,
    () => void process.stdout.write("x"),
    () => {
      for (let i = 0; i < 999_000; i++) Date.now();
    },
  ];
  const clean: Program<unknown> = async () => {
    const seen = [Math.random(), +setTimeout(() => {}, 1), performance.getEntries().length, process.env.LITTER];
    for (let i = 0; i < 5_000; i++) Date.now();
    console.log("here");
    await sleep(20);
    return [...seen, crypto.randomUUID(), Date.now()];
  };

  test("never reaches the next one", async () => {
    const options = { traceLevel: "debug" } as const;
    const alone = await withAmbient((ambient) => runServers([clean, clean], options, ambient));
    await withAmbient((ambient) =>
      fc.assert(
        fc.asyncProperty(fc.shuffledSubarray(litter, { minLength: 1 }), async (left) => {
          const { error } = await runServers(left, {}, ambient);
          expect(error).toBeUndefined();
          expect(await runServers([clean, clean], options, ambient)).toEqual(alone);
        }),
        { numRuns: 25 },
      ),
    );
    Reflect.deleteProperty(globalThis, Symbol.for("litter"));
    Error.stackTraceLimit = 10;
  });

  test("neither throws nor runs between runs", async () => {
    const strays = await straysDuring(() =>
      withAmbient(async (ambient) => {
        let ran = 0;
        const { error } = await runServers(
          [
            () => {
              void (async () => {
                for (;;) {
                  await sleep(1);
                  ran++;
                }
              })();
            },
            () => sleep(10),
          ],
          {},
          ambient,
        );
        const then = ran;
        for (let i = 0; i < 5; i++) await new Promise((resolve) => void Promise.resolve().then(resolve));
        expect([error, ran - then, then > 5]).toEqual([undefined, 0, true]);
      }),
    );
    expect(strays).toEqual([]);
  });
});

describe("a Raft of ordinary code", () => {
  /** The fixed leader with everything ambient in it that a lab solution may use. */
  const ordinary: MakeRaft = (env) => {
    const raft = new FixedLeader(env);
    let alive = true;
    const id = crypto.randomUUID();
    const rest = async (): Promise<void> => {
      while (alive) {
        await new Promise((done) => setTimeout(done, 20 + Math.random() * 30));
        if (env.me === 0) raft.sendToAll();
        console.log(id, Date.now(), performance.now());
      }
    };
    void rest();
    const beat = setInterval(() => env.log("TIMR", `${Date.now()}`), 100);
    const { kill } = raft;
    raft.kill = () => {
      alive = false;
      clearInterval(beat);
      kill.call(raft);
    };
    return raft;
  };

  test("passes, repeats, and does not mind what ran before", async () => {
    const tests = ["TestBasicAgree2B", "TestConcurrentStarts2B", "TestRPCBytes2B"];
    const once = (order: readonly string[]) =>
      withAmbient(async () => {
        const results: [string, object][] = [];
        for (const test of order) results.push([test, identity(await run(test, ordinary, { seed: 5, checkDeterminism: true }))]);
        return Object.fromEntries(results);
      });
    const first = await once(tests);
    for (const result of Object.values(first)) expect(result).toMatchObject({ outcome: "pass" });
    expect(await once(tests.toReversed())).toEqual(first);
  });

  test("sees the same with and without a trace, and on the real clock runs unchanged", async () => {
    const quiet = await withAmbient(() => run("TestBasicAgree2B", ordinary, { traceLevel: "none" }));
    const loud = await withAmbient(() => run("TestBasicAgree2B", ordinary, { traceLevel: "trace", archive: true }));
    expect(identity(loud)).toEqual(identity(quiet));
    expect(loud.log).toMatch(/\d{6} INFO S1 [0-9a-f-]{36} 15778368\d{5} \d/);
    expect((await run("TestBasicAgree2B", ordinary, { clock: "real" })).outcome).toBe("pass");
  });
});
