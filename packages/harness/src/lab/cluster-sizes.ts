import { mix32, scale32 } from "../sim/random.ts";
import { randomKeys } from "../sim/random-keys.ts";
import type { Seed } from "../sim/seed.ts";

/** The number of servers of a test; several, in rising order, when each run draws its own. */
export type ClusterSizes = number | readonly number[];

/** The number of servers of the run with this seed. Small clusters are drawn more often: they cost less, and most faults of a Raft show in them. */
export function clusterSize(sizes: ClusterSizes, seed: Seed): number {
  if (typeof sizes === "number") return sizes;
  const key = mix32(mix32(randomKeys.clusterSize, seed.high), seed.low);
  return sizes[Math.min(scale32(mix32(key, 1), sizes.length), scale32(mix32(key, 2), sizes.length))]!;
}
