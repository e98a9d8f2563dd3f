import { availableParallelism } from "node:os";
import type { ClockKind } from "@raft-stress/harness";

export interface ThreadCounts {
  readonly threads: number;
  /** Runs that one thread has under way at the same time. */
  readonly runsPerThread: number;
}

/** Runs that wait side by side in one thread before a second one is started: those of five servers take a fifth of a processor. */
const waitingRunsPerThread = 64;

/**
 * How many threads serve `workers` runs at a time. A virtual run keeps a processor busy: more threads than processors would only get in each
 * other's way. A run on the real clock mostly waits: one thread has many under way, and another one would only have wake-ups, collectors and compilers
 * of its own.
 */
export function threadCounts(workers: number, clock: ClockKind): ThreadCounts {
  const fewest = clock === "real" ? Math.ceil(workers / waitingRunsPerThread) : workers;
  const threads = Math.min(fewest, availableParallelism());
  return { threads, runsPerThread: clock === "real" ? Math.ceil(workers / threads) : 1 };
}

/** How many batches the threads for `workers` runs at a time can have under way. */
export function capacityFor(workers: number, clock: ClockKind): number {
  return clock === "real" ? workers : threadCounts(workers, clock).threads;
}
