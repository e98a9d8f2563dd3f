import { performance } from "node:perf_hooks";
import { chooseDrain } from "./drain.ts";
import type { Simulation } from "./simulation.ts";
import { catchStrays } from "./strays.ts";

/** Lets virtual events happen one after the other until the run is over. Real time plays no part. */
export function runVirtual(simulation: Simulation): Promise<void> {
  return inMacrotask(async () => {
    const drain = chooseDrain();
    const restore = catchStrays(simulation);
    try {
      if (drain === undefined) await stepYielding(simulation);
      else while (!simulation.stopped) simulation.step(drain);
    } finally {
      restore();
    }
  });
}

/** The run loop for a Node in which no drain works: real macrotasks between events, the same run, a hundred times slower. */
async function stepYielding(simulation: Simulation): Promise<void> {
  while (!simulation.stopped) {
    const event = simulation.begin();
    await new Promise(setImmediate);
    if (event !== undefined) simulation.end(event);
  }
}

/**
 * Lets events happen when their time has come on the real clock. Between two events the thread is free: many runs wait side by side in one
 * thread. An event that is due is never held back by more than the timer's own lateness.
 */
export function runReal(simulation: Simulation): Promise<void> {
  return inMacrotask(() => new RealTimeLoop(simulation).done);
}

/** Real microseconds since now. */
export function startStopwatchUs(): () => number {
  const startMs = performance.now();
  return () => Math.floor((performance.now() - startMs) * 1000);
}

class RealTimeLoop {
  readonly done: Promise<void>;
  readonly #simulation: Simulation;
  readonly #restore: () => void;
  #finish: () => void = () => {};
  #timer: NodeJS.Timeout | undefined;
  #wakeAtUs = Number.POSITIVE_INFINITY;
  #stepping = false;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
    this.#restore = catchStrays(simulation);
    this.done = new Promise((resolve) => {
      this.#finish = resolve;
    });
    simulation.onScheduled = () => {
      if (!this.#stepping) this.#arm();
    };
    this.#arm();
  }

  /** Sets the one timer for the next event. An empty queue is no deadlock here: promises of the implementation may still be on their way. */
  #arm(): void {
    const simulation = this.#simulation;
    const nextUs = simulation.stopped ? 0 : (simulation.nextTimeUs() ?? Number.POSITIVE_INFINITY);
    if (nextUs >= this.#wakeAtUs || nextUs === Number.POSITIVE_INFINITY) return;
    clearTimeout(this.#timer);
    simulation.refreshNow();
    this.#wakeAtUs = nextUs;
    this.#timer = setTimeout(() => this.#wake(), Math.max(0, (nextUs - simulation.nowUs) / 1000));
  }

  #wake(): void {
    const simulation = this.#simulation;
    // Without a working drain promises run when the loop has gone back to Node: later than their event, as on any busy machine.
    const drain = chooseDrain() ?? (() => {});
    this.#wakeAtUs = Number.POSITIVE_INFINITY;
    this.#stepping = true;
    simulation.refreshNow();
    while (!simulation.stopped && (simulation.nextTimeUs() ?? Number.POSITIVE_INFINITY) <= simulation.nowUs) {
      simulation.step(drain);
    }
    this.#stepping = false;
    if (simulation.stopped) this.#end();
    else this.#arm();
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#simulation.onScheduled = undefined;
    this.#restore();
    this.#finish();
  }
}

/** Drains do nothing inside a microtask, and callers are async functions: hop out of theirs. */
function inMacrotask<T>(run: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    setImmediate(() => void run().then(resolve, reject));
  });
}
