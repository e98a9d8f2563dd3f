import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { describeSchedule, drawSchedule, fairBoundUs, type Schedule } from "../../src/race/schedule.ts";

const seed = fc.record({ high: fc.integer({ min: 0, max: 2 ** 32 - 1 }), low: fc.integer({ min: 0, max: 2 ** 32 - 1 }) });
const servers = fc.integer({ min: 1, max: 9 });

/** The schedules of the seeds 0, 1, 2, ... */
function schedules(count: number): Schedule[] {
  return Array.from({ length: count }, (_, low) => drawSchedule({ high: 0, low }, 5));
}

describe("the schedule of a run", () => {
  it("is a pure function of its seed", () => {
    fc.assert(
      fc.property(seed, servers, (one, count) => {
        expect(drawSchedule(one, count)).toEqual(drawSchedule({ ...one }, count));
      }),
    );
  });

  it("is fair exactly when nothing is held back for longer than on the lab's network", () => {
    fc.assert(
      fc.property(seed, servers, (one, count) => {
        const schedule = drawSchedule(one, count);
        expect(schedule.fair).toBe(schedule.boundUs <= fairBoundUs);
        expect(schedule.fair && schedule.starvation !== undefined).toBe(false);
      }),
    );
  });

  it("is whole microseconds and whole numbers of a thousand", () => {
    fc.assert(
      fc.property(seed, servers, (one, count) => {
        const { starvation, changePoints, name, ...numbers } = drawSchedule(one, count);
        expect(name).not.toBe("");
        for (const value of [...Object.values(numbers), ...changePoints, ...Object.values(starvation ?? {})]) {
          if (typeof value === "number") expect(Number.isSafeInteger(value) && value >= 0).toBe(true);
        }
      }),
    );
  });

  it("starves one of the servers, or a link between two of them, for at most a fifth of the time", () => {
    fc.assert(
      fc.property(seed, fc.integer({ min: 2, max: 9 }), (one, count) => {
        const { starvation } = drawSchedule(one, count);
        if (starvation === undefined) return;
        const { from, to, lengthUs, periodUs, offsetUs } = starvation;
        expect(lengthUs * 5).toBeLessThanOrEqual(periodUs);
        expect(offsetUs).toBeLessThan(periodUs);
        expect(from).not.toBe(to);
        for (const server of [from, to]) expect(server).toBeLessThan(count);
      }),
    );
  });

  it("is each of those there are, in about the shares they are meant to have", () => {
    const kinds = new Map<string, number>();
    const patterns = [
      /^random ties/,
      /^priorities/,
      /held for up to 30 ms$/,
      /within 30 ms$/,
      /^[\d.]+% of the packets held/,
      /within \d+ ms/,
      /starved/,
    ];
    for (const { name } of schedules(2000)) {
      const kind = patterns.find((pattern) => pattern.test(name))!.source;
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }
    expect(patterns.map(({ source }) => Math.round((kinds.get(source) ?? 0) / 100) * 5)).toEqual([20, 15, 15, 10, 15, 15, 10]);
  });

  it("has change points in order", () => {
    const withPriorities = schedules(500).filter(({ priorities }) => priorities);
    expect(new Set(withPriorities.map(({ changePoints }) => changePoints.length))).toEqual(new Set([1, 2, 3]));
    for (const { changePoints } of withPriorities) expect(changePoints.toSorted((a, b) => a - b)).toEqual(changePoints);
  });

  it("tells what it does, and what is judged", () => {
    const told = schedules(500).map(describeSchedule);
    expect(told).toContain("random ties, instants of 5 ms (fair: everything is judged)");
    expect(told.filter((text) => text.startsWith("the link S")).every((text) => text.endsWith("(unfair: safety alone is judged)"))).toBe(
      true,
    );
  });
});
