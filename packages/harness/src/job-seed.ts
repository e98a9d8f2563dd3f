import { HarnessFault } from "./failure.ts";
import { type ClusterSizes, clusterSize } from "./lab/cluster-sizes.ts";
import type { Job } from "./result.ts";
import { hashString32, mix32 } from "./sim/random.ts";
import { parseSeed, type Seed } from "./sim/seed.ts";

/** The run seed, told apart by test: two tests of one seed have different weather. */
export function simulationSeed({ test, seed }: Job): Seed {
  const parsed = parseSeed(seed);
  if (parsed === undefined) throw new HarnessFault(`a run seed is 16 hexadecimal digits, got '${seed}'`);
  const name = hashString32(test);
  return { high: mix32(parsed.high, name) >>> 0, low: mix32(parsed.low, name) >>> 0 };
}

/** The number of servers of a run of a test with these sizes, for whoever has to tell of one that did not come back. */
export function serversOf(sizes: ClusterSizes, job: Job): number {
  return clusterSize(sizes, simulationSeed(job));
}
