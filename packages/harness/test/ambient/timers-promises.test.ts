import realTimersPromises from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { onServer, realAndSimulated, runServer, type Server, shapeOfError, withAmbient } from "../support/ambient.ts";

type TimersPromises = typeof realTimersPromises;

/** What `code` comes to with the real module and with the simulated one. */
function withBoth<T>(code: (timers: TimersPromises) => Promise<T>): Promise<{ real: T; simulated: T }> {
  return new Promise((resolve, reject) => {
    setImmediate(async () => {
      try {
        const real = await code(realTimersPromises);
        resolve({ real, simulated: await onServer((server) => code(simulatedIn(server))) });
      } catch (error) {
        reject(error);
      }
    });
  });
}

function simulatedIn({ ambient }: Server): TimersPromises {
  return ambient.requireBuiltin("node:timers/promises") as TimersPromises;
}

describe("as Node's own", () => {
  test("every member exists", async () => {
    await withAmbient(({ requireBuiltin }) => {
      const simulated = requireBuiltin("node:timers/promises") as Record<string, object>;
      for (const name of Object.keys(realTimersPromises).filter((key) => key !== "default")) {
        expect(typeof simulated[name], name).toBe(typeof Reflect.get(realTimersPromises, name));
      }
      const { scheduler } = realTimersPromises;
      for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(scheduler)).filter((key) => key !== "constructor")) {
        expect(simulated.scheduler).toHaveProperty(name);
      }
    });
  });

  test("values, in their order", async () => {
    const { real, simulated } = await withBoth(async (timers) => {
      const said: unknown[] = [];
      const say = (what: unknown): unknown => said.push(what);
      // Equal delays keep their order, however late a busy machine is.
      await Promise.all([timers.setTimeout(10, "timeout").then(say), timers.scheduler.wait(10).then(say), timers.setTimeout(10).then(say)]);
      await Promise.all([timers.setImmediate("immediate").then(say), timers.scheduler.yield().then(say), timers.setImmediate().then(say)]);
      say(await timers.setTimeout(undefined, "no delay"));
      return said;
    });
    expect(simulated).toEqual(real);
    expect(real).toHaveLength(7);
  });

  test("an interval gives its ticks, also those that nobody has waited for, and ends with its loop", async () => {
    const { real, simulated } = await withBoth(async (timers) => {
      const said: unknown[] = [];
      for await (const tick of timers.setInterval(5, "tick")) {
        said.push(tick);
        if (said.length === 1) await timers.setTimeout(40);
        if (said.length === 4) break;
      }
      return said;
    });
    expect(simulated).toEqual(real);
  });

  const aborted: Record<string, (timers: TimersPromises, signal: AbortSignal) => Promise<unknown>> = {
    setTimeout: (timers, signal) => timers.setTimeout(1_000_000, "x", { signal }),
    setImmediate: (timers, signal) => timers.setImmediate("x", { signal }),
    "scheduler.wait": (timers, signal) => timers.scheduler.wait(1_000_000, { signal }),
    setInterval: (timers, signal) => timers.setInterval(1_000_000, "x", { signal })[Symbol.asyncIterator]().next(),
  };

  for (const [name, wait] of Object.entries(aborted)) {
    test(`${name} is rejected when it is aborted, before or meanwhile`, async () => {
      const { real, simulated } = await withBoth(async (timers) => {
        const controller = new AbortController();
        const later = shapeOfError(() => wait(timers, controller.signal));
        controller.abort(new Error("meanwhile"));
        return [
          await later,
          await shapeOfError(() => wait(timers, AbortSignal.abort("before"))),
          await shapeOfError(() => wait(timers, AbortSignal.abort())),
        ];
      });
      expect(simulated).toEqual(real);
      expect(simulated[0]).toMatchObject({ name: "AbortError", code: "ABORT_ERR", cause: "Error: meanwhile" });
    });
  }

  const mistakes: Record<string, (timers: TimersPromises) => Promise<unknown>> = {
    "options that are null": (timers) => timers.setTimeout(1, 2, null as never),
    "options that are a list": (timers) => timers.setTimeout(1, 2, [] as never),
    "a signal that is none": (timers) => timers.setTimeout(1, 2, { signal: 1 as never }),
    "a ref that is no boolean": (timers) => timers.setTimeout(1, 2, { ref: 1 as never }),
    "a delay that is text": (timers) => timers.setTimeout("x" as never),
    "an immediate with options that are null": (timers) => timers.setImmediate(1, null as never),
    "an interval with options that are null": (timers) =>
      timers
        .setInterval(1, 2, null as never)
        [Symbol.asyncIterator]()
        .next(),
    "a wait for text": (timers) => timers.scheduler.wait("x" as never),
  };

  for (const [name, mistake] of Object.entries(mistakes)) {
    test(`refuses ${name}`, async () => {
      const { real, simulated } = await withBoth((timers) => shapeOfError(() => mistake(timers)));
      expect(simulated).toEqual(real);
      expect(simulated).toHaveProperty("code", "ERR_INVALID_ARG_TYPE");
    });
  }

  test("AbortSignal.timeout: its reason, and what it refuses", async () => {
    const { real, simulated } = await realAndSimulated(async () => {
      const signal = AbortSignal.timeout(5);
      const before = signal.aborted;
      const type = await new Promise((resolve) => signal.addEventListener("abort", (event) => resolve(event.type)));
      const { name, message, code } = signal.reason as DOMException;
      const refused = [-1, 1.5, 2 ** 32, Number.NaN, "1"].map((delay) => shapeOfError(() => AbortSignal.timeout(delay as number)));
      const instance = [signal instanceof AbortSignal, signal.reason instanceof DOMException];
      return [before, type, signal.aborted, name, message, code, instance, await Promise.all(refused)];
    });
    expect(simulated).toEqual(real);
  });

  test("AbortSignal.any of timeouts", async () => {
    const { real, simulated } = await realAndSimulated(async () => {
      const signal = AbortSignal.any([AbortSignal.timeout(10_000_000), AbortSignal.timeout(5)]);
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      return (signal.reason as Error).name;
    });
    expect(simulated).toEqual(real);
  });
});

describe("on the virtual clock", () => {
  test("time passes as it was asked for", async () => {
    const seen = await onServer(async (server) => {
      const timers = simulatedIn(server);
      const times: number[] = [];
      await timers.setTimeout(1_500);
      times.push(performance.now());
      await timers.scheduler.wait(500);
      times.push(performance.now());
      for await (const start of timers.setInterval(100, performance.now())) {
        times.push(performance.now());
        if (performance.now() - start >= 300) break;
      }
      return times;
    });
    expect(seen).toEqual([1_500, 2_000, 2_100, 2_200, 2_300]);
  });

  test("an abandoned interval keeps nothing going: its loop was left by a throw", async () => {
    const { value, events } = await runServer(async (server) => {
      const timers = simulatedIn(server);
      await shapeOfError(async () => {
        for await (const _ of timers.setInterval(1)) throw new Error("enough");
      });
      await timers.setTimeout(1_000);
      return "done";
    });
    expect(value).toBe("done");
    expect(events).toBeLessThan(10);
  });
});
