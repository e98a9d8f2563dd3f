import { AsyncLocalStorage } from "node:async_hooks";
import type { Simulation } from "./simulation.ts";

/** Whose code is running. */
export interface Scope {
  readonly simulation: Simulation;
  /** A server's number, or TESTER. */
  readonly server: number;
}

/**
 * On the real clock code runs between events as well, from Node's own timers, and the runs of a thread take turns. Whose code it is tells the
 * asynchronous context: what an event leaves behind has the context of the event.
 */
const scopes = new AsyncLocalStorage<Scope>();

export function withinScope(scope: Scope, act: () => void): void {
  scopes.run(scope, act);
}

/** Undefined outside of all runs on the real clock. */
export function realScope(): Scope | undefined {
  return scopes.getStore();
}
