import { formatSeed, parseSeed } from "@raft-stress/harness/results";

/** A seed as it was typed, as 16 digits. */
export function normalSeed(text: string): string {
  const seed = parseSeed(text);
  if (!seed) throw new Error(`not a seed: '${text}'`);
  return formatSeed(seed);
}
