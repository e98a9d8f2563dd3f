import { hashString32, mix32 } from "./random.ts";

/** A 64-bit seed as two 32-bit words. */
export interface Seed {
  readonly high: number;
  readonly low: number;
}

/** Reads 1 to 16 hexadecimal digits, with or without `0x`; undefined for anything else. */
export function parseSeed(text: string): Seed | undefined {
  const match = /^(?:0x)?([0-9a-f]{1,16})$/i.exec(text);
  if (!match) return undefined;
  const digits = match[1]!.padStart(16, "0");
  return { high: Number.parseInt(digits.slice(0, 8), 16) >>> 0, low: Number.parseInt(digits.slice(8), 16) >>> 0 };
}

/** 16 lower-case hexadecimal digits. */
export function formatSeed(seed: Seed): string {
  return seed.high.toString(16).padStart(8, "0") + seed.low.toString(16).padStart(8, "0");
}

/**
 * The run seed of iteration `iteration` of a test under the command's seed. Iteration 0 has the command's seed itself, so that
 * `TEST --seed R -n 1` repeats the run with run seed R.
 */
export function runSeed(seed: Seed, test: string, iteration: number): Seed {
  if (iteration === 0) return seed;
  const name = hashString32(test);
  const high = mix32(mix32(mix32(mix32(seed.high, seed.low), name), iteration), Math.floor(iteration / 2 ** 32) ^ 0x68696768);
  const low = mix32(mix32(mix32(mix32(seed.low, seed.high), iteration), name), high ^ 0x6c6f7720);
  return { high: high >>> 0, low: low >>> 0 };
}
