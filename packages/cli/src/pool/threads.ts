import { fileURLToPath } from "node:url";
import { Piscina } from "piscina";
import { engineResourceLimits } from "./engine-flags.ts";
import type { WorkerSetup } from "./task.ts";
import { capacityFor, type ThreadCounts, threadCounts } from "./thread-counts.ts";

/** Worker threads that boot. */
export interface Threads {
  readonly threads: Piscina;
  /** Batches that they can have under way at the same time. */
  readonly capacity: number;
  /** Makes a thread for runs that must be alone on theirs. */
  startAloneThread(): Piscina;
}

/** Starts the threads that serve `workers` runs at a time. */
export function startThreadsFor(workers: number, setup: WorkerSetup): Threads {
  const { clock } = setup.settings;
  const counts = threadCounts(workers, clock);
  return {
    threads: startThreads(counts, setup),
    capacity: capacityFor(workers, clock),
    startAloneThread: () => startThreads({ threads: 1, runsPerThread: 1 }, setup),
  };
}

const workerFile = fileURLToPath(new URL("./worker.js", import.meta.url));

/** Starts worker threads. This module loads nothing but the pool, so that they boot while the command's thread loads the rest. */
function startThreads({ threads, runsPerThread }: ThreadCounts, setup: WorkerSetup): Piscina {
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
