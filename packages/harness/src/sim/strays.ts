import process from "node:process";
import type { Simulation } from "./simulation.ts";

/** The runs under way in this thread: one on the virtual clock, any number on the real one. */
const running = new Set<Simulation>();
let restore: (() => void) | undefined;

/**
 * While a run is under way, a rejection nobody handles and a throw in a microtask belong to the run, not to the process: a drain lets them
 * surface in the very event that caused them. Returns what ends this for the given run.
 */
export function catchStrays(simulation: Simulation): () => void {
  if (running.size === 0) restore = takeOver();
  running.add(simulation);
  return () => {
    running.delete(simulation);
    if (running.size > 0) return;
    restore?.();
    restore = undefined;
  };
}

/** Puts our listeners in the place of all others; returns what undoes it. */
function takeOver(): () => void {
  const blame = (what: string) => (thrown: unknown) => {
    for (const simulation of running) {
      if (!simulation.inEvent) continue;
      simulation.failAsync(thrown, what);
      return;
    }
    // Between events of several runs on the real clock nobody can tell whose code it was.
    for (const simulation of running) simulation.failOutside(thrown, what);
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
