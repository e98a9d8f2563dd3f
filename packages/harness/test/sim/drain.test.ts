import { describe, expect, it } from "vitest";
import { chooseDrain } from "../../src/sim/drain.ts";
import { newSimulation, runScript } from "../support/world.ts";

/** A drain does nothing inside a microtask, where tests run. */
function inMacrotask<T>(act: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    setImmediate(() => {
      try {
        resolve(act());
      } catch (thrown) {
        reject(thrown);
      }
    });
  });
}

async function chain(length: number, done: () => void): Promise<void> {
  for (let i = 0; i < length; i++) await undefined;
  done();
}

async function* countTo(limit: number): AsyncGenerator<number> {
  for (let i = 1; i <= limit; i++) yield i;
}

/** Everything by which code continues without time passing. */
const waysToContinue: Record<string, (done: () => void) => void> = {
  "a chain of a thousand awaits": (done) => void chain(1000, done),
  "process.nextTick": (done) => process.nextTick(done),
  queueMicrotask: (done) => queueMicrotask(done),
  "nextTick in a promise in nextTick in a promise": (done) =>
    void Promise.resolve().then(() => process.nextTick(() => void Promise.resolve().then(() => process.nextTick(done)))),
  "an async generator": (done) =>
    void (async () => {
      let sum = 0;
      for await (const number of countTo(50)) sum += number;
      if (sum === 1275) done();
    })(),
  "a thenable that is no promise": (done) =>
    void (async () => {
      // biome-ignore lint/suspicious/noThenProperty: the point of the test.
      const thenable = { then: (resolve: (value: number) => void) => queueMicrotask(() => resolve(3)) };
      if ((await thenable) === 3) done();
    })(),
  "Promise.all over many chains": (done) => void Promise.all(Array.from({ length: 30 }, (_, i) => chain(i, () => {}))).then(done),
  "a rejection that is caught, then finally": (done) =>
    void Promise.reject(new Error("caught"))
      .catch(() => {})
      .finally(done),
};

describe.each(Object.entries(waysToContinue))("%s", (_, start) => {
  it("is run to its end by the drain", async () => {
    const done = await inMacrotask(() => {
      let finished = false;
      start(() => {
        finished = true;
      });
      const drain = chooseDrain();
      expect(drain).toBeDefined();
      drain?.();
      return finished;
    });
    expect(done).toBe(true);
  });

  it("has ended before virtual time moves", async () => {
    const simulation = newSimulation();
    await runScript(simulation, async () => {
      let doneAtUs: number | undefined;
      const sleeping = simulation.sleep(1);
      await simulation.sleep(0.5);
      start(() => {
        doneAtUs = simulation.nowUs;
      });
      await sleeping;
      expect(doneAtUs).toBe(500);
    });
  });
});
