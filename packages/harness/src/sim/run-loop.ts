import { performance } from "node:perf_hooks";
import { setImmediate } from "node:timers";
import { inhabit, vacate } from "../ambient/world.ts";
import type { RunError } from "../failure.ts";
import { chooseDrain, type Drain } from "./drain.ts";
import { needScopes, scopesAreNeeded, withinScope } from "./real-scope.ts";
import type { SimEvent } from "./sim-event.ts";
import type { Simulation } from "./simulation.ts";
import { catchStrays } from "./strays.ts";
import { type Sleeper, wakeUps } from "./wake-ups.ts";

/**
 * Lets virtual events happen one after the other until the run is over, then calls `shutDown`, which ends what the run has left. Resolves when nothing of
 * the run is under way any more. Real time plays no part.
 */
export function runVirtual(simulation: Simulation, shutDown: () => void = nothing): Promise<void> {
  return new Promise((resolve, reject) => {
    // Drains do nothing inside a microtask, and callers are async functions: hop out of theirs.
    setImmediate(() => {
      const restore = catchStrays(simulation);
      inhabit(simulation);
      const over = (): void => {
        vacate();
        restore();
        resolve();
      };
      const drain = chooseDrain();
      if (drain === undefined) void stepYielding(simulation).then(shutDown).then(over, reject);
      else stepDraining(simulation, drain, shutDown, over);
    });
  });
}

function nothing(): void {}

function stepDraining(simulation: Simulation, drain: Drain, shutDown: () => void, over: () => void): void {
  let quiet = false;
  let ending = shutDown;
  try {
    while (!simulation.stopped) simulation.step(drain);
    ending = nothing;
    shutDown();
    drain();
    quiet = true;
  } finally {
    if (quiet) over();
    else {
      whenQuiet(drain, () => {
        ending();
        whenQuiet(drain, over);
      });
    }
  }
}

/**
 * Calls `over` when no drain throws any more. A throw in a nextTick callback comes out of a drain and must go on up to Node, which puts its own
 * bookkeeping in order and tells our listener, who ends the run; caught on its way it would end the process.
 */
function whenQuiet(drain: Drain, over: () => void): void {
  setImmediate(() => {
    let quiet = false;
    setImmediate(() => (quiet ? over() : whenQuiet(drain, over)));
    drain();
    quiet = true;
  });
}

/** The run loop for a Node in which no drain works: real macrotasks between events, the same run, a hundred times slower. */
async function stepYielding(simulation: Simulation): Promise<void> {
  while (!simulation.stopped) {
    const event = simulation.begin();
    await new Promise(setImmediate);
    if (event !== undefined) simulation.end();
  }
}

/**
 * Lets events happen when their time has come on the real clock. In between the thread is free: many runs wait side by side in one thread and share its
 * wake-ups. At each a run catches up with the present: all that is due happens in order, each event at the time for which it was due, with what it causes until
 * now. So an event is never early, late by what is left of a pause between two wake-ups, and delays of the network don't add up the pauses. `shutDown` and the
 * promise as in `runVirtual`.
 */
export function runReal(simulation: Simulation, shutDown: () => void = nothing): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(() => void new RealTimeLoop(simulation, shutDown).done.then(resolve));
  });
}

/** Real microseconds since now. */
export function startStopwatchUs(): () => number {
  const startMs = performance.now();
  return () => Math.floor((performance.now() - startMs) * 1000);
}

class RealTimeLoop implements Sleeper {
  readonly done: Promise<void>;
  dueMs = Number.POSITIVE_INFINITY;
  isHurried = false;
  /** When the run began, in milliseconds of `performance.now()`. */
  readonly #startMs: number;
  readonly #simulation: Simulation;
  readonly #restore: () => void;
  readonly #shutDown: () => void;
  readonly #around: (event: SimEvent) => void;
  #finish = nothing;
  #stepping = false;

  constructor(simulation: Simulation, shutDown: () => void) {
    this.#startMs = performance.now() - simulation.presentUs() / 1000;
    this.#simulation = simulation;
    this.#shutDown = shutDown;
    this.#restore = catchStrays(simulation);
    this.done = new Promise((resolve) => {
      this.#finish = resolve;
    });
    const around = (event: SimEvent) => withinScope({ simulation, server: event.owner }, () => event.happening.happen(event));
    this.#around = around;
    const scheduled = () => {
      if (this.#stepping) return;
      this.#lookAhead();
      wakeUps.isDue(this);
    };
    simulation.onScheduled = scheduled;
    this.#lookAhead();
    wakeUps.add(this);
  }

  /** An empty queue is no deadlock here: promises of the implementation may still be on their way. */
  #lookAhead(): void {
    const simulation = this.#simulation;
    const nextUs = simulation.stopped ? 0 : (simulation.nextTimeUs() ?? Number.POSITIVE_INFINITY);
    this.dueMs = this.#startMs + nextUs / 1000;
    this.isHurried = simulation.isHurried;
  }

  wake(): void {
    const simulation = this.#simulation;
    // Without a working drain promises run when the loop has gone back to Node: later than their event, as on any busy machine.
    const drain = chooseDrain() ?? nothing;
    if (drain === nothing) needScopes();
    this.dueMs = Number.POSITIVE_INFINITY;
    this.#stepping = true;
    simulation.isHurried = false;
    // Servers that leave nothing to promises leave nothing behind that could be asked whose it is.
    simulation.around = !simulation.synchronous && scopesAreNeeded() ? this.#around : undefined;
    inhabit(simulation);
    simulation.takeTurn(true);
    try {
      const presentUs = simulation.presentUs();
      while (!simulation.stopped && (simulation.nextTimeUs() ?? Number.POSITIVE_INFINITY) <= presentUs) simulation.step(drain);
    } finally {
      simulation.takeTurn(false);
      vacate();
      this.#stepping = false;
    }
    if (simulation.stopped) this.#end();
    else this.#lookAhead();
  }

  fail(error: RunError): void {
    this.#simulation.failLate(error);
  }

  #end(): void {
    const drain = chooseDrain() ?? nothing;
    wakeUps.remove(this);
    this.#simulation.onScheduled = undefined;
    inhabit(this.#simulation);
    try {
      this.#shutDown();
      // Now: in the drain of another run, what the servers still do would be that one's.
      drain();
    } finally {
      vacate();
      whenQuiet(drain, () => {
        this.#restore();
        this.#finish();
      });
    }
  }
}
