import { describe, expect, it } from "vitest";
import { type RealTime, type Sleeper, WakeUps } from "../../src/sim/wake-ups.ts";

/** A clock that goes from timer to timer. */
class FakeTime implements RealTime {
  fired = 0;
  #nowMs = 1000;
  #timer: { readonly atMs: number; readonly fire: () => void } | undefined;

  nowMs(): number {
    return this.#nowMs;
  }

  setTimer(fire: () => void, delayMs: number): void {
    expect(Number.isInteger(delayMs)).toBe(true);
    // Node's own timers are set in whole milliseconds, and take one at least.
    this.#timer = { atMs: this.#nowMs + Math.max(1, delayMs), fire };
  }

  runUntil(endMs: number): void {
    for (let timer = this.#timer; timer !== undefined && timer.atMs <= endMs; timer = this.#timer) {
      this.#timer = undefined;
      this.#nowMs = timer.atMs;
      this.fired++;
      timer.fire();
    }
    this.#nowMs = endMs;
  }
}

/** Wants to be woken at each of the times given, and writes down when it was. */
class Recorder implements Sleeper {
  isHurried = false;
  readonly wokenMs: number[] = [];
  readonly #time: FakeTime;
  readonly #due: number[];

  constructor(time: FakeTime, due: readonly number[]) {
    this.#time = time;
    this.#due = [...due];
  }

  get dueMs(): number {
    return this.#due[0] ?? Number.POSITIVE_INFINITY;
  }

  wake(): void {
    while (this.dueMs <= this.#time.nowMs()) {
      this.#due.shift();
      this.wokenMs.push(this.#time.nowMs());
    }
  }

  fail(): void {}

  wantAt(dueMs: number): void {
    this.#due.unshift(dueMs);
  }
}

const every = (periodMs: number, fromMs: number, count: number) => Array.from({ length: count }, (_, i) => fromMs + i * periodMs);

describe("wake-ups of a thread", () => {
  it("are shared by the runs that wait: fifty cost no more than a few", () => {
    const fired = (runs: number) => {
      const time = new FakeTime();
      const wakeUps = new WakeUps(time);
      for (let run = 0; run < runs; run++) wakeUps.add(new Recorder(time, every(3.7, 1000 + run * 0.13, 300)));
      time.runUntil(2000);
      return time.fired;
    };
    expect(fired(50)).toBeLessThanOrEqual(64);
    expect(fired(50)).toBe(fired(16));
  });

  it.each([1, 2, 3, 4, 15, 16, 50])("are never early, and a millisecond late for each run at most, sixteen in all (%d runs)", (runs) => {
    const time = new FakeTime();
    const wakeUps = new WakeUps(time);
    const due = Array.from({ length: runs }, (_, run) => every(5.3 + run / 7, 1000.4 + run / 3, 150));
    const sleepers = due.map((times) => new Recorder(time, times));
    for (const sleeper of sleepers) wakeUps.add(sleeper);
    time.runUntil(10_000);
    for (const [run, { wokenMs }] of sleepers.entries()) {
      const lateMs = wokenMs.map((woken, i) => woken - due[run]![i]!);
      expect(lateMs).toHaveLength(150);
      expect(Math.min(...lateMs)).toBeGreaterThanOrEqual(0);
      // The pause between two wake-ups, and what Node's timer is rounded up by.
      expect(Math.max(...lateMs)).toBeLessThan(Math.min(16, runs) + 1);
    }
  });

  it("wake a run that waits alone for nothing but its events", () => {
    const time = new FakeTime();
    const wakeUps = new WakeUps(time);
    const sleeper = new Recorder(time, every(12.6, 1003.2, 20));
    wakeUps.add(sleeper);
    time.runUntil(3000);
    expect(sleeper.wokenMs).toHaveLength(20);
    expect(time.fired).toBe(20);
  });

  it("come sooner when something is scheduled between two of them", () => {
    const time = new FakeTime();
    const wakeUps = new WakeUps(time);
    const sleeper = new Recorder(time, [2000]);
    wakeUps.add(sleeper);
    time.runUntil(1100);
    sleeper.wantAt(1110);
    wakeUps.isDue(sleeper);
    time.runUntil(2001);
    expect(sleeper.wokenMs).toEqual([1110, 2000]);
  });

  it("come at once for a run that is in a hurry", () => {
    const time = new FakeTime();
    const wakeUps = new WakeUps(time);
    for (let run = 0; run < 49; run++) wakeUps.add(new Recorder(time, every(10, 1000, 90)));
    const hurried = new Recorder(time, [1003, 1050, 1051, 1052]);
    hurried.isHurried = true;
    wakeUps.add(hurried);
    time.runUntil(1100);
    expect(hurried.wokenMs).toEqual([1003, 1050, 1051, 1052]);
  });

  it("do not come for a run that has ended", () => {
    const time = new FakeTime();
    const wakeUps = new WakeUps(time);
    const ended = new Recorder(time, [1010, 1020]);
    wakeUps.add(ended);
    wakeUps.remove(ended);
    time.runUntil(1100);
    expect(ended.wokenMs).toEqual([]);
  });

  it("come for all others when one of them throws", () => {
    const time = new FakeTime();
    const wakeUps = new WakeUps(time);
    const guilty = {
      dueMs: 1005,
      isHurried: false,
      fail() {},
      wake() {
        guilty.dueMs = Number.POSITIVE_INFINITY;
        throw new Error("a throw on its way up to Node");
      },
    };
    const innocent = new Recorder(time, [1005, 1050]);
    wakeUps.add(guilty);
    wakeUps.add(innocent);
    expect(() => time.runUntil(1100)).toThrow("on its way up");
    time.runUntil(1100);
    expect(innocent.wokenMs).toEqual([1007, 1050]);
  });
});
