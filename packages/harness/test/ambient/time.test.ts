import { isDate } from "node:util/types";
import { describe, expect, test } from "vitest";
import { onServer, realAndSimulated, runServer, runServers, shapeOfError, withAmbient } from "../support/ambient.ts";

const epochMs = Date.UTC(2020, 0, 1);
const sleep = (delayMs: number): Promise<void> => new Promise((done) => setTimeout(done, delayMs));

describe("Date", () => {
  test("tells the virtual time, in all its forms", async () => {
    const told = await onServer(async () => {
      await sleep(1_234);
      return [
        Date.now(),
        Number(new Date(...[])),
        Date.parse(Date()),
        +new (class extends Date {})(),
        Reflect.construct(Date, []).getTime(),
      ];
    });
    expect(told).toEqual([epochMs + 1_234, epochMs + 1_234, epochMs + 1_000, epochMs + 1_234, epochMs + 1_234]);
  });

  test("is the real one in all else", async () => {
    const { real, simulated } = await realAndSimulated(() => {
      class Birthday extends Date {
        readonly #who = "S0";
        get who(): string {
          return `${this.#who} ${this.getUTCFullYear()}`;
        }
      }
      const day = new Birthday(2024, 1, 29, 12);
      const now = new Date();
      return [
        ...[new Date(0), new Date("2024-02-29T00:00:00Z"), new Date(2024, 1, 29, 1, 2, 3, 4), new Date(new Date(5))].map(Number),
        ...[
          Number.NaN,
          Date.UTC(2024, 1),
          Date.parse("2024-02-29"),
          new Date(Number.NaN).getTime(),
          new Date(undefined as never).getTime(),
        ],
        ...[now.constructor === Date, now instanceof Date, Object.getPrototypeOf(now) === Date.prototype, isDate(now), typeof Date()],
        ...[day.who, day instanceof Birthday, day instanceof Date, day.constructor === Birthday, structuredClone(day) instanceof Date],
        ...[Date.name, Date.length, Object.prototype.toString.call(now), Object.getOwnPropertyNames(Date).toSorted()],
        ...[structuredClone(now).getTime() === now.getTime(), JSON.stringify({ at: new Date(7) }), String(Date).includes("Date")],
        ...[Object.getOwnPropertyDescriptor(Date, "prototype"), Object.getOwnPropertyDescriptor(Date, "now")?.enumerable].map(
          (value) => typeof value,
        ),
      ];
    });
    expect(simulated).toEqual(real);
  });

  test("code that waits for time to pass within one event is told so", async () => {
    const { error } = await runServer(() => {
      const end = Date.now() + 10;
      while (Date.now() < end);
    });
    expect(error?.message).toMatch(/^S0 asked for the time 1000000 times in one event: virtual time does not pass while code runs/);
    expect(error?.stack).toContain("time.test.ts");
  });

  test("the readings of a run are not held against the next one", async () => {
    const read = () => {
      for (let i = 0; i < 700_000; i++) Date.now();
    };
    await withAmbient(async (ambient) => {
      for (let run = 0; run < 3; run++) expect((await runServer(read, {}, ambient)).error).toBeUndefined();
    });
  });
});

describe("performance", () => {
  test("has every member of the real one", async () => {
    const names: string[] = [];
    for (let owner: object = performance; owner !== Object.prototype; owner = Object.getPrototypeOf(owner) as object)
      names.push(...Object.getOwnPropertyNames(owner));
    const { real, simulated } = await realAndSimulated(() =>
      names.filter((name) => name !== "constructor").map((name) => `${name}: ${name in performance}`),
    );
    expect(simulated).toEqual(real);
    expect(names.length).toBeGreaterThan(10);
  });

  test("tells virtual milliseconds to the microsecond, which begin with the run", async () => {
    const { value } = await runServers<unknown>([
      async () => [performance.now(), await sleep(7), performance.now(), performance.timeOrigin + performance.now() === Date.now()],
      ({ ambient }) => performance === (ambient.requireBuiltin("perf_hooks") as { performance: unknown }).performance,
    ]);
    expect(value).toEqual([[0, undefined, 7, true], true]);
  });

  test("marks and measures", async () => {
    const told = await onServer(async () => {
      performance.mark("begin", { detail: { term: 1 } });
      await sleep(5);
      performance.mark("end");
      await sleep(5);
      const measures = [
        performance.measure("both", "begin", "end"),
        performance.measure("since", "begin"),
        performance.measure("all"),
        performance.measure("options", { start: 2, duration: 3, detail: "d" }),
        performance.measure("until", { end: "end", duration: 1 }),
      ];
      const lists = [
        performance.getEntriesByType("mark").length,
        performance.getEntriesByName("both").length,
        performance.getEntries().length,
      ];
      performance.clearMarks("begin");
      performance.clearMeasures();
      const left = performance.getEntries().map(({ name }) => name);
      return [
        measures.map(({ startTime, duration, detail }) => [startTime, duration, detail]),
        lists,
        left,
        await shapeOfError(() => performance.measure("x", "begin")),
      ];
    });
    expect(told).toEqual([
      [
        [0, 5, null],
        [0, 10, null],
        [0, 10, null],
        [2, 3, "d"],
        [4, 1, null],
      ],
      [2, 1, 7],
      ["end"],
      expect.objectContaining({ name: "SyntaxError", message: 'The "begin" performance mark has not been set' }),
    ]);
  });

  test("marks of a server are neither another's nor the next run's", async () => {
    await withAmbient(async (ambient) => {
      const count = (): number => {
        performance.mark("m");
        return performance.getEntries().length;
      };
      for (let run = 0; run < 2; run++) expect((await runServers([count, count], {}, ambient)).value).toEqual([1, 1]);
    });
  });
});

describe("process", () => {
  test("hrtime and uptime", async () => {
    const told = await onServer(async () => {
      const before = process.hrtime();
      const bigint = process.hrtime.bigint();
      await sleep(1_700);
      return [
        before,
        process.hrtime(before),
        process.hrtime(),
        process.hrtime.bigint() - bigint,
        process.uptime(),
        process.hrtime([0, 800_000_000]),
      ];
    });
    expect(told).toEqual([[0, 0], [1, 700_000_000], [1, 700_000_000], 1_700_000_000n, 1.7, [0, 900_000_000]]);
  });
});

describe("others that ask for the present", () => {
  test("events, formats of dates and Temporal", async () => {
    const told = await onServer(
      async () => {
        await sleep(86_400_000 * 1.5);
        const format = new Intl.DateTimeFormat("en-US", { dateStyle: "short", timeZone: "UTC" });
        const temporal = Reflect.get(globalThis, "Temporal") as
          | undefined
          | { Now: Record<string, (zone?: string) => { toString(): string }> };
        const now = temporal?.Now;
        return {
          event: new Event("x").timeStamp,
          formats: [
            format.format(),
            format.format(0),
            format.format(null as never),
            format.formatToParts()[2]?.value,
            [new Date(0)].map(format.format),
          ],
          temporal:
            now &&
            ["instant", "plainDateISO", "plainDateTimeISO", "plainTimeISO", "zonedDateTimeISO"].map((name) =>
              now[name]!(name === "instant" ? undefined : "UTC").toString(),
            ),
        };
      },
      { limits: { maxVirtualMs: 1e12 } },
    );
    expect(told.event).toBe(86_400_000 * 1.5);
    expect(told.formats).toEqual(["1/2/20", "1/1/70", "1/1/70", "2", ["1/1/70"]]);
    if ("Temporal" in globalThis) {
      expect(told.temporal).toEqual([
        "2020-01-02T12:00:00Z",
        "2020-01-02",
        "2020-01-02T12:00:00",
        "12:00:00",
        "2020-01-02T12:00:00+00:00[UTC]",
      ]);
    } else expect(told.temporal).toBeUndefined();
  });
});
