import { AsyncLocalStorage } from "node:async_hooks";
import type { Simulation } from "./simulation.ts";

/** Whose code is running. */
export interface Scope {
  readonly simulation: Simulation;
  /** A server's number, or TESTER. */
  readonly server: number;
}

/**
 * On the real clock code may run between events as well, when Node's own input and output come back, and the runs of a thread take turns. Whose code it is tells
 * the asynchronous context: what an event leaves behind has the context of the event. That costs each promise some of its time, so a thread whose
 * code can't reach that far does without (see `doWithoutScopes`).
 */
const scopes = new AsyncLocalStorage<Scope>();

let needed = true;

/** For a thread in which nothing of a server runs between events, timers included, until `needScopes` says that something may. */
export function doWithoutScopes(): void {
  needed = false;
}

export function needScopes(): void {
  needed = true;
}

export function scopesAreNeeded(): boolean {
  return needed;
}

export function withinScope(scope: Scope, act: () => void): void {
  scopes.run(scope, act);
}

/** Undefined outside of all runs on the real clock. */
export function realScope(): Scope | undefined {
  return scopes.getStore();
}
