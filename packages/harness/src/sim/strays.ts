import process from "node:process";
import { realScope } from "./real-scope.ts";
import type { Simulation } from "./simulation.ts";

/** The runs under way in this thread: one on the virtual clock, any number on the real one. */
const running = new Set<Simulation>();
let restore: (() => void) | undefined;
let kept = false;

/**
 * While a run is under way, a rejection nobody handles and a throw in a microtask belong to the run, not to the process: a drain lets them
 * surface in the very event that caused them. Returns what ends this for the given run.
 */
export function catchStrays(simulation: Simulation): () => void {
  if (running.size === 0 && !kept) restore = takeOver();
  running.add(simulation);
  return () => {
    running.delete(simulation);
    if (running.size > 0) return;
    restore?.();
    restore = undefined;
  };
}

/** Keeps the listeners between runs, too: on the real clock an old run's timers may still fire, and must do no harm. For the life of a thread. */
export function catchStraysForGood(): void {
  if (!kept) takeOver();
  kept = true;
}

/** Puts our listeners in the place of all others; returns what undoes it. */
function takeOver(): () => void {
  const blame = (what: string) => (thrown: unknown) => {
    for (const simulation of running) {
      if (!simulation.inEvent) continue;
      simulation.failAsync(thrown, what);
      return;
    }
    const scope = realScope();
    if (scope !== undefined) scope.simulation.failOutside(thrown, what, scope.server);
    // Some Nodes give a microtask's throw no context: then nobody can tell whose of the runs on the real clock it was.
    else for (const simulation of running) simulation.failOutside(thrown, what, undefined);
  };
  const onRejection = blame("a promise whose rejection nobody handles");
  const onException = blame("a microtask or timer");
  const formerRejection = process.listeners("unhandledRejection");
  const formerException = process.listeners("uncaughtException");
  process.removeAllListeners("unhandledRejection").on("unhandledRejection", onRejection);
  process.removeAllListeners("uncaughtException").on("uncaughtException", onException);
  return () => {
    process.removeListener("unhandledRejection", onRejection).removeListener("uncaughtException", onException);
    for (const listener of formerRejection) process.on("unhandledRejection", listener);
    for (const listener of formerException) process.on("uncaughtException", listener);
  };
}
