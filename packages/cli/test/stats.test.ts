import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  cleanBound,
  cleanRunsToShowFix,
  formatInterval,
  formatPercent,
  Moments,
  percentDigits,
  runsNeeded,
  TimeHistogram,
  wilsonInterval,
} from "../src/stats.ts";

describe("what runs say about a failure rate", () => {
  it.each([
    [3, 50, "2.1 to 16.2%"],
    [5, 100, "2.2 to 11.2%"],
  ])("%i of %i: the Wilson interval is %s", (failed, total, expected) => {
    expect(formatInterval(wilsonInterval(failed, total))).toBe(expected);
  });

  it.each([
    [50, "5.8%"],
    [300, "0.99%"],
  ])("0 of %i: below %s", (total, expected) => {
    expect(formatPercent(cleanBound(total))).toBe(expected);
  });

  it.each([
    [0.01, 299],
    [0.02, 149],
    [0.05, 59],
  ])("a rate of %f is ruled out after %i clean runs", (rate, runs) => {
    expect(runsNeeded(rate)).toBe(runs);
    expect(cleanBound(runs)).toBeLessThanOrEqual(rate);
    expect(cleanBound(runs - 1)).toBeGreaterThan(rate);
  });

  it("takes any confidence: 1% at 99%", () => {
    expect(runsNeeded(0.01, 0.99)).toBe(459);
  });

  it.each([
    [3, 50, 84],
    [5, 100, 81],
    [1, 100, 1901],
    [20, 20, 1],
  ])("after %i of %i, %i clean runs show a fix (Fisher's exact test)", (failed, total, runs) => {
    expect(cleanRunsToShowFix(failed, total)).toBe(runs);
  });

  it("agrees with Fisher's test done in whole numbers", () => {
    const choose = (n: number, k: number) => {
      let result = 1n;
      for (let i = 0; i < k; i++) result = (result * BigInt(n - i)) / BigInt(i + 1);
      return result;
    };
    const small = fc.integer({ min: 1, max: 60 }).chain((total) => fc.tuple(fc.integer({ min: 1, max: total }), fc.constant(total)));
    fc.assert(
      fc.property(small, ([failed, total]) => {
        const clean = cleanRunsToShowFix(failed, total);
        // p < 5% <=> 20 × C(total, failed) < C(total + clean, failed)
        expect(20n * choose(total, failed) < choose(total + clean, failed)).toBe(true);
        if (clean > 1) expect(20n * choose(total, failed) < choose(total + clean - 1, failed)).toBe(false);
      }),
    );
  });

  it("contains the rate, and lies in [0, 1]", () => {
    const counts = fc.integer({ min: 1, max: 1e6 }).chain((total) => fc.tuple(fc.integer({ min: 0, max: total }), fc.constant(total)));
    fc.assert(
      fc.property(counts, ([failed, total]) => {
        const { low, high } = wilsonInterval(failed, total);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
        expect(low - 1e-12).toBeLessThanOrEqual(failed / total);
        expect(high + 1e-12).toBeGreaterThanOrEqual(failed / total);
      }),
    );
  });
});

describe("percentages", () => {
  it.each([
    [0, "0"],
    [0.06, "6"],
    [0.058, "5.8"],
    [1, "100"],
    [0.2, "20"],
    [0.00994, "0.99"],
    [0.000123, "0.012"],
    [1e-9, "0.0000001"],
  ])("%f is written %s", (rate, text) => {
    expect(percentDigits(rate)).toBe(text);
  });

  it("never writes a rate above zero as 0", () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-15, max: 1, noNaN: true }), (rate) => {
        expect(Number(percentDigits(rate))).toBeGreaterThan(0);
      }),
    );
  });
});

describe("mean, deviation and percentiles", () => {
  it("are those of the published formula: population deviation", () => {
    const moments = new Moments();
    for (const value of [2, 4, 4, 4, 5, 5, 7, 9]) moments.add(value);
    expect(moments.mean).toBe(5);
    expect(moments.deviation).toBe(2);
    expect(moments.max).toBe(9);
    expect(moments.sum).toBe(40);
  });

  it("agree with a naive twin", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 120, noNaN: true }), { minLength: 1 }), (values) => {
        const moments = new Moments();
        for (const value of values) moments.add(value);
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
        const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
        expect(moments.mean).toBeCloseTo(mean, 6);
        expect(moments.deviation).toBeCloseTo(Math.sqrt(variance), 5);
      }),
    );
  });

  it("percentiles are those of the sorted values, to 10 ms", () => {
    const times = fc.array(fc.double({ min: 0, max: 599, noNaN: true }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(times, fc.double({ min: 0, max: 1, noNaN: true }), (values, share) => {
        const histogram = new TimeHistogram();
        for (const value of values) histogram.add(value);
        const sorted = values.toSorted((a, b) => a - b);
        const exact = sorted[Math.max(0, Math.ceil(share * values.length) - 1)]!;
        expect(Math.abs(histogram.percentile(share)! - exact)).toBeLessThanOrEqual(0.005 + 1e-9);
      }),
    );
  });

  it("a run longer than the histogram counts in its last bucket, whose value is the longest run", () => {
    const histogram = new TimeHistogram();
    for (const seconds of [1, 10_000, 20_000]) histogram.add(seconds);
    expect(histogram.percentile(0.3)).toBe(1);
    expect(histogram.percentile(0.5)).toBe(20_000);
    expect(new TimeHistogram().percentile(0.5)).toBeUndefined();
  });
});
