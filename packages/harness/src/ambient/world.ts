import { ImplementationError } from "../failure.ts";
import type { Host } from "../sim/host.ts";
import type { Simulation } from "../sim/simulation.ts";
import type { BuiltinsGuard } from "./builtins-guard.ts";

/**
 * The run that the ambient clock, timers and randomness of this thread belong to. On the virtual clock runs follow one another, and every event belongs
 * to one owner and is run to quiescence before the next: so one variable tells exactly whose code is asking.
 */
let current: Simulation | undefined;

/** Watches the built-in objects of this thread while code under test runs in it on the virtual clock. */
let guard: BuiltinsGuard | undefined;

export function setGuard(present: BuiltinsGuard | undefined): void {
  guard = present;
}

export function builtinsGuard(): BuiltinsGuard | undefined {
  return guard;
}

export function inhabit(simulation: Simulation): void {
  current = simulation;
}

export function vacate(): void {
  current = undefined;
}

/** The run under way; undefined between runs, when only code that a run left behind can ask. */
export function currentWorld(): Simulation | undefined {
  return current;
}

/** The server whose code is running; undefined between runs and while it is the tester's turn. */
export function currentHost(): Host | undefined {
  return current?.hosts[current.currentServer];
}

/** The owner of what is asked for, in words. */
export function nameOfHost(): number | undefined {
  return currentHost()?.life.server;
}

/**
 * Fails the run for what its server did, and throws: code that goes on after such a call would only do harm. `deed`: what it did, e.g. `called fs.readFileSync()`;
 * `why` it cannot be.
 */
export function refuse(deed: string, why: string): never {
  const error = new Error(`${deed}: ${why}`);
  // The frames of these stand-ins tell a user nothing.
  Error.captureStackTrace(error, refuse);
  current?.fail(new ImplementationError(nameOfHost(), deed, error, `${deed}: ${why}`));
  throw error;
}
