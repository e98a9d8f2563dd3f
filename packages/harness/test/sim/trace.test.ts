import { describe, expect, it } from "vitest";
import { RecentEvents } from "../../src/sim/recent-events.ts";
import { eventKinds } from "../../src/sim/sim-event.ts";
import { Trace } from "../../src/sim/trace.ts";

describe("Trace", () => {
  it("writes `time topic Sx message`, and lines of the test without a server", () => {
    let nowMs = 7.9;
    const trace = new Trace("debug", () => nowMs);
    trace.line("VOTE", 2, "for S1");
    nowMs = 1_234_567.2;
    trace.test("all are connected");
    expect(trace.text()).toBe("000007 VOTE S2 for S1\n1234567 TEST all are connected\n");
  });

  it("keeps a message of several lines on one", () => {
    const trace = new Trace("trace", () => 0);
    trace.line("INFO", 0, "a\nb\r\nc");
    expect(trace.text()).toBe("000000 INFO S0 a | b | c\n");
  });

  it("records nothing at level none, packets only at level trace", () => {
    const none = new Trace("none", () => 0);
    none.line("INFO", 0, "x");
    none.test("x");
    expect(none.text()).toBe("");
    expect([none.debugOn, none.traceOn]).toEqual([false, false]);
    const levels = (["debug", "trace"] as const).map((level) => new Trace(level, () => 0));
    expect(levels.map((trace) => [trace.debugOn, trace.traceOn])).toEqual([
      [true, false],
      [true, true],
    ]);
  });

  it("drops the oldest lines of a run that loops, and says so", () => {
    const trace = new Trace("debug", () => 0);
    const written = 1_000_000;
    for (let i = 0; i < written; i++) trace.test(`${i}`);
    const lines = trace.text().trimEnd().split("\n");
    const dropped = Number(/the first (\d+) lines/.exec(lines[0]!)?.[1]);
    expect(lines.at(-1)).toBe(`000000 TEST ${written - 1}`);
    expect(lines[1]).toBe(`000000 TEST ${dropped}`);
    expect(lines.length - 1).toBe(written - dropped);
    expect(lines.length).toBeLessThan(850_000);
  });
});

describe("RecentEvents", () => {
  it("tells time, owner, kind and call of each event, oldest first", () => {
    const recent = new RecentEvents();
    const ofServer2 = 3 << 8;
    recent.add(1, 12_345, eventKinds.serverTimer | ofServer2, 0, 0);
    recent.add(2, 600_000_000, eventKinds.testerWake, 0, 0);
    recent.add(3, 12_345, eventKinds.request | ofServer2, 1 | (0 << 8) | (2 << 20), -1);
    expect(recent.lines(["", "AppendEntries"])).toEqual([
      "000012 event 1 at S2: serverTimer (00000000)",
      "600000 event 2 at the test: testerWake (00000000)",
      "000012 event 3 at S2: request AppendEntries S0 -> S2 (ffffffff)",
    ]);
  });

  it("keeps the last events only, with their numbers", () => {
    const recent = new RecentEvents();
    for (let number = 1; number <= 40_000; number++) recent.add(number, number * 1000, eventKinds.apply | (1 << 8), 0, 0);
    const lines = recent.lines([]);
    expect(lines.at(-1)).toMatch(/^040000 event 40000 /);
    expect(lines.length).toBeGreaterThan(1000);
    expect(lines.length).toBeLessThan(40_000);
    recent.clear();
    expect(recent.lines([])).toEqual([]);
  });
});
