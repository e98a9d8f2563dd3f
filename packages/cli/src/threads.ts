import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import type { ClockKind } from "@raft-stress/harness";
import { Piscina } from "piscina";
import { engineResourceLimits } from "./engine-flags.ts";
import type { WorkerSetup } from "./task.ts";

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

const workerFile = fileURLToPath(new URL("./worker.js", import.meta.url));

/** Starts worker threads. This module loads nothing but the pool, so that they boot while the command's thread loads the rest. */
export function startThreads({ threads, runsPerThread }: ThreadCounts, setup: WorkerSetup): Piscina {
  const pool = new Piscina({
    filename: workerFile,
    minThreads: threads,
    maxThreads: threads,
    concurrentTasksPerWorker: runsPerThread,
    // A thread that waits for its next task in Atomics.wait fires no timers: right between virtual runs, wrong on the real clock.
    atomics: setup.settings.clock === "real" ? "disabled" : "sync",
    workerData: setup,
    resourceLimits: engineResourceLimits,
    recordTiming: false,
  });
  // A thread that dies between two tasks has nothing to tell; the next task finds out whether its replacement works.
  pool.on("error", () => {});
  return pool;
}
