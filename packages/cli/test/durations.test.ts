import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatDuration, formatElapsed, parseDuration } from "../src/durations.ts";

describe("durations", () => {
  it.each([
    ["90s", 90_000],
    ["2m", 120_000],
    ["8h", 28_800_000],
    ["1h30m", 5_400_000],
    ["1.5h", 5_400_000],
    ["500ms", 500],
    ["2d", 172_800_000],
  ])("%s is %i ms", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(["5", "", "s", "-5s", "5 s", "1e3s", "0s", "5x", "5sec", "s5", "5S"])("'%s' is no duration", (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  it("are read back as they were written", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e11 }), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
  });

  it.each([
    [60_000, "1m"],
    [90_000, "90s"],
    [600_000, "10m"],
    [5_400_000, "1h30m"],
    [250, "250ms"],
  ])("%i ms is written %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it("elapsed time runs like a clock", () => {
    expect(formatElapsed(0)).toBe("0:00:00");
    expect(formatElapsed(3_599_999)).toBe("0:59:59");
    expect(formatElapsed(36_000_000)).toBe("10:00:00");
  });
});
