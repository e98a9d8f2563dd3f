import type { Random } from "@raft-stress/raft/api";

/**
 * Randomness without a shared stream. A decision about one thing (this packet, that tie) is a hash of the run seed and the thing's own key,
 * so that removing one fault or adding one draw elsewhere leaves all other decisions as they were. Whole consumers (a server, a client of
 * a test) get a stream of their own, forked by key. Integer arithmetic only: the same numbers on every engine.
 */

/** Mixes a 32-bit word into a 32-bit hash (murmur3's round and finalizer). */
export function mix32(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  let h = hash ^ Math.imul(k, 0x1b873593);
  h = (h << 13) | (h >>> 19);
  h = (Math.imul(h, 5) + 0xe6546b64) | 0;
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** FNV-1a over UTF-16 code units, finished by `mix32`. */
export function hashString32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mix32(hash, text.length);
}

/** A whole number in [0, bound) from a 32-bit word; `bound` up to 2^21 keeps the product exact. */
export function scale32(word: number, bound: number): number {
  return Math.floor(((word >>> 0) * bound) / 0x1_0000_0000);
}

/**
 * A whole number from `least` to below `most` (or `least` itself), about log-uniform: each octave is as likely as any other, and within it each number.
 * `least`: at least 1; `draw`: a whole number in [0, bound), called twice.
 */
export function logUniform(least: number, most: number, draw: (bound: number) => number): number {
  let octaves = 1;
  for (let bound = 2 * least; bound < most; bound *= 2) octaves++;
  const low = least * (1 << draw(octaves));
  return Math.floor(low + (Math.min(low, most - low) * draw(0x1_0000)) / 0x1_0000);
}

/** sfc32: a stream of 32-bit words, seeded through `mix32` so that neighbouring seeds give unrelated streams. */
export class RandomStream implements Random {
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;

  /** `keys`: what the stream is for; other keys, another stream. */
  constructor(seed: { readonly high: number; readonly low: number }, ...keys: readonly number[]) {
    let hash = mix32(mix32(0x72616674, seed.high), seed.low);
    for (const key of keys) hash = mix32(hash, key);
    this.a = mix32(hash, 1);
    this.b = mix32(hash ^ seed.high, 2);
    this.c = mix32(hash ^ seed.low, 3);
    for (let i = 0; i < 12; i++) this.word();
  }

  /** The next 32-bit word, signed. */
  word(): number {
    const { a, b, c, counter } = this;
    const sum = (((a + b) | 0) + counter) | 0;
    this.counter = (counter + 1) | 0;
    this.a = b ^ (b >>> 9);
    this.b = (c + (c << 3)) | 0;
    this.c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum;
  }

  /** Fills `target` with the lowest bytes of the next words, one of each: as many calls of `word` for long texts would take most of their test's time. */
  fillBytes(target: Uint8Array): void {
    let { a, b, c, counter } = this;
    for (let i = 0; i < target.length; i++) {
      const sum = (((a + b) | 0) + counter) | 0;
      counter = (counter + 1) | 0;
      a = b ^ (b >>> 9);
      b = (c + (c << 3)) | 0;
      c = (((c << 21) | (c >>> 11)) + sum) | 0;
      target[i] = sum;
    }
    this.a = a;
    this.b = b;
    this.c = c;
    this.counter = counter;
  }

  next(): number {
    return ((this.word() >>> 5) * 0x400_0000 + (this.word() >>> 6)) / 0x20_0000_0000_0000;
  }

  int(lo: number, hi: number): number {
    if (!(Number.isSafeInteger(lo) && Number.isSafeInteger(hi) && lo < hi)) {
      throw new RangeError(`random.int(lo, hi) needs whole numbers with lo < hi, got int(${lo}, ${hi})`);
    }
    return lo + Math.floor(this.next() * (hi - lo));
  }
}
