import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hashString32, mix32, RandomStream, scale32 } from "../../src/sim/random.ts";
import { parseSeed, runSeed } from "../../src/sim/seed.ts";

/** Sum of squared deviations from an even spread, relative to the expectation. */
function chiSquare(draws: readonly number[], buckets: number): number {
  const counts = new Array<number>(buckets).fill(0);
  for (const draw of draws) counts[draw]!++;
  const expected = draws.length / buckets;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

/** An even spread over 16 buckets exceeds this once in a thousand times (15 degrees of freedom). */
const chiSquareLimit16 = 37.7;

describe("mix32", () => {
  it("gives the values that recorded seeds were made with", () => {
    expect([mix32(0, 0), mix32(0, 1), mix32(1, 0), mix32(-1, 0x7fffffff), mix32(0x12345678, 0x9abcdef)]).toMatchInlineSnapshot(`
      [
        -15128758,
        -2017569654,
        -1391790509,
        -153731336,
        -357864690,
      ]
    `);
  });

  it("maps different words to different hashes", () => {
    const hashes = new Set(Array.from({ length: 100_000 }, (_, word) => mix32(42, word)));
    expect(hashes.size).toBe(100_000);
  });

  it("changes about half of the result's bits with any bit of hash or word", () => {
    const flipped = (a: number, b: number) => (a ^ b).toString(2).replaceAll(/[^1]/g, "").length;
    for (let bit = 0; bit < 32; bit++) {
      let byWord = 0;
      let byHash = 0;
      for (let i = 0; i < 500; i++) {
        byWord += flipped(mix32(99, i) >>> 0, mix32(99, i ^ (1 << bit)) >>> 0);
        byHash += flipped(mix32(i, 99) >>> 0, mix32(i ^ (1 << bit), 99) >>> 0);
      }
      for (const mean of [byWord / 500, byHash / 500]) {
        expect(mean).toBeGreaterThan(12);
        expect(mean).toBeLessThan(20);
      }
    }
  });
});

describe("hashString32", () => {
  it("tells texts apart by every character and by length", () => {
    const texts = ["", "a", "b", "ab", "ba", "aa", "aaa", "TestBackup2B", "TestBackup2C"];
    expect(new Set(texts.map(hashString32)).size).toBe(texts.length);
  });
});

describe("scale32", () => {
  it("stays in [0, bound) and reaches both ends", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 1 << 21 }), (word, bound) => {
        const scaled = scale32(word, bound);
        return Number.isInteger(scaled) && scaled >= 0 && scaled < bound;
      }),
    );
    expect(scale32(0, 7)).toBe(0);
    expect(scale32(-1, 7)).toBe(6);
  });
});

describe("RandomStream", () => {
  it("fills bytes with what as many words give, and goes on where they end", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), fc.nat(300), (high, low, length) => {
        const [one, other] = [new RandomStream({ high, low }, 7), new RandomStream({ high, low }, 7)];
        const bytes = new Uint8Array(length);
        one.fillBytes(bytes);
        expect([...bytes]).toEqual(Array.from({ length }, () => other.word() & 0xff));
        expect(one.word()).toBe(other.word());
      }),
    );
  });

  it("gives the numbers that recorded seeds were made with", () => {
    const stream = new RandomStream({ high: 0x01234567, low: 0x89abcdef }, 3, 1);
    expect([stream.word(), stream.word(), stream.word()]).toMatchInlineSnapshot(`
      [
        1625317069,
        2067631514,
        -908511249,
      ]
    `);
    expect([stream.next(), stream.next()]).toMatchInlineSnapshot(`
      [
        0.7505958357178899,
        0.1868471669514783,
      ]
    `);
    expect([stream.int(0, 100), stream.int(-5, 5), stream.int(0, Number.MAX_SAFE_INTEGER)]).toMatchInlineSnapshot(`
      [
        63,
        -1,
        584208314446515,
      ]
    `);
  });

  it("repeats itself for the same seed and keys, and only for those", () => {
    const first = (high: number, low: number, ...keys: number[]) => {
      const stream = new RandomStream({ high, low }, ...keys);
      return [stream.word(), stream.word(), stream.word()].join(" ");
    };
    expect(first(1, 2, 3)).toBe(first(1, 2, 3));
    const others = [first(1, 2, 3), first(1, 2), first(2, 1, 3), first(1, 3, 3), first(1, 2, 4), first(1, 2, 3, 0), first(0, 2, 3)];
    expect(new Set(others).size).toBe(others.length);
  });

  it("draws whole numbers in [lo, hi) and reaches both ends", () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer(),
        fc.integer({ min: -1000, max: 1000 }),
        fc.integer({ min: 1, max: 1000 }),
        (high, low, lo, span) => {
          const draw = new RandomStream({ high, low }).int(lo, lo + span);
          return Number.isInteger(draw) && draw >= lo && draw < lo + span;
        },
      ),
    );
    const stream = new RandomStream({ high: 1, low: 1 });
    const draws = new Set(Array.from({ length: 200 }, () => stream.int(-2, 2)));
    expect([...draws].toSorted((a, b) => a - b)).toEqual([-2, -1, 0, 1]);
  });

  it("draws fractions in [0, 1) with more than 32 bits", () => {
    const stream = new RandomStream({ high: 1, low: 2 });
    const draws = Array.from({ length: 10_000 }, () => stream.next());
    expect(draws.every((draw) => draw >= 0 && draw < 1)).toBe(true);
    expect(draws.some((draw) => (draw * 2 ** 32) % 1 !== 0)).toBe(true);
    expect(
      chiSquare(
        draws.map((draw) => Math.floor(draw * 16)),
        16,
      ),
    ).toBeLessThan(chiSquareLimit16);
  });

  it.each([
    [3, 3],
    [4, 3],
    [0.5, 2],
    [0, Number.NaN],
    [0, Number.POSITIVE_INFINITY],
  ])("refuses int(%s, %s) and says what it was given", (lo, hi) => {
    const stream = new RandomStream({ high: 0, low: 0 });
    expect(() => stream.int(lo, hi)).toThrow(new RangeError(`random.int(lo, hi) needs whole numbers with lo < hi, got int(${lo}, ${hi})`));
  });

  it("has first draws without correlation over 10,000 consecutive runs", () => {
    const seed = parseSeed("2a")!;
    const first = (which: { high: number; low: number }) => new RandomStream(which, 2, 0).int(0, 16);
    const derived = Array.from({ length: 10_000 }, (_, iteration) => first(runSeed(seed, "TestBackup2B", iteration)));
    const consecutive = Array.from({ length: 10_000 }, (_, low) => first({ high: 0, low }));
    for (const draws of [derived, consecutive]) {
      expect(chiSquare(draws, 16)).toBeLessThan(chiSquareLimit16);
      // Pairs of neighbours: 256 combinations, 255 degrees of freedom; once in a thousand times above 330.
      const pairs = draws.slice(1).map((draw, i) => draw * 16 + draws[i]!);
      expect(chiSquare(pairs, 256)).toBeLessThan(330);
    }
  });
});
