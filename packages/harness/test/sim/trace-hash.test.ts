import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TraceHash, WatchedHash } from "../../src/sim/trace-hash.ts";

function hashOf(words: readonly number[]): TraceHash {
  const hash = new TraceHash();
  for (const word of words) hash.mix(word);
  return hash;
}

const words = fc.array(fc.integer(), { minLength: 1, maxLength: 20 });

describe("TraceHash", () => {
  it("is 16 hexadecimal digits, the same for the same words", () => {
    fc.assert(
      fc.property(words, (list) => {
        expect(`${hashOf(list)}`).toMatch(/^[0-9a-f]{16}$/);
        expect(`${hashOf(list)}`).toBe(`${hashOf(list)}`);
      }),
    );
  });

  it("changes in both lanes with one bit of one word, and stays changed", () => {
    fc.assert(
      fc.property(words, fc.nat(), fc.integer({ min: 0, max: 31 }), (list, which, bit) => {
        const at = which % list.length;
        const other = list.map((word, i) => (i === at ? word ^ (1 << bit) : word));
        const [one, two] = [hashOf(list), hashOf(other)];
        expect(`${one}`.slice(0, 8)).not.toBe(`${two}`.slice(0, 8));
        expect(`${one}`.slice(8)).not.toBe(`${two}`.slice(8));
      }),
    );
  });

  it("takes an event as its three words, also when a watch is told of them", () => {
    const event = fc.tuple(fc.integer(), fc.integer(), fc.integer());
    fc.assert(
      fc.property(fc.array(event, { minLength: 1 }), (events) => {
        const told: number[] = [];
        const watched = new WatchedHash({ begin() {}, scheduled() {}, end() {}, hashed: (word) => told.push(word) });
        const hash = new TraceHash();
        for (const list of events) {
          hash.mixEvent(...list);
          watched.mixEvent(...list);
        }
        expect(told).toEqual(events.flat());
        expect([`${hash}`, `${watched}`]).toEqual([`${hashOf(told)}`, `${hashOf(told)}`]);
      }),
    );
  });

  it("depends on the order of the words", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), words, (a, b, rest) => {
        fc.pre(a !== b);
        expect(`${hashOf([a, b, ...rest])}`).not.toBe(`${hashOf([b, a, ...rest])}`);
      }),
    );
  });

  it("depends on the number of words, zeros too", () => {
    const hashes = Array.from({ length: 50 }, (_, length) => `${hashOf(new Array<number>(length).fill(0))}`);
    expect(new Set(hashes).size).toBe(50);
  });
});
