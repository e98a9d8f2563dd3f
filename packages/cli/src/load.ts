import { readFileSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";

/**
 * How much the machine has to do: on Linux the threads that run or could run at this moment, this one left out; elsewhere the load average of the last minute.
 * The load average alone would notice a hundred runs that begin together only when they are over.
 */
function machineLoad(): number {
  if (process.platform !== "linux") return loadavg()[0]!;
  try {
    const runnable = /^\S+ \S+ \S+ (\d+)\//.exec(readFileSync("/proc/loadavg", "latin1"))?.[1];
    return runnable === undefined ? loadavg()[0]! : Math.max(0, Number(runnable) - 1);
  } catch {
    return loadavg()[0]!;
  }
}

/** One look is a matter of chance: looks are averaged over about this long, in real milliseconds. */
const memoryMs = 1000;
/** Looks that follow each other faster than this, in real milliseconds, would cost more than they tell. */
const leastMs = 20;

/** The machine's load, smoothed over the last second. */
export class LoadWatch {
  #look: () => number;
  #smoothed: number;
  #lookedMs: number;

  constructor(look = machineLoad, nowMs = performance.now()) {
    this.#look = look;
    this.#smoothed = look();
    this.#lookedMs = nowMs;
  }

  /** Looks, and returns the smoothed load. */
  now(nowMs = performance.now()): number {
    if (nowMs - this.#lookedMs < leastMs) return this.#smoothed;
    const weight = 1 - Math.exp(-(nowMs - this.#lookedMs) / memoryMs);
    this.#lookedMs = nowMs;
    this.#smoothed += weight * (this.#look() - this.#smoothed);
    return this.#smoothed;
  }
}

export const processors = availableParallelism();

/** Whether threads wait for a processor at this load. */
export function isOverloaded(load: number): boolean {
  return load > processors + tolerance;
}

/** What passes for chance: the load is made of single looks. */
const tolerance = 0.5;
