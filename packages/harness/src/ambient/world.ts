import { ImplementationError } from "../failure.ts";
import type { Host } from "../sim/host.ts";
import { realScope } from "../sim/real-scope.ts";
import type { Simulation } from "../sim/simulation.ts";
import type { Language } from "./language.ts";

/**
 * The run that the ambient clock, timers and randomness of this thread belong to. On the virtual clock runs follow one another, and every event belongs
 * to one owner and is run to quiescence before the next: so one variable tells exactly whose code is asking.
 */
let current: Simulation | undefined;

// Code under test may replace it.
const { captureStackTrace } = Error;

/** The language of the code under test, in a thread in which such code runs on the virtual clock. */
let language: Language | undefined;

export function setLanguage(present: Language | undefined): void {
  language = present;
}

export function currentLanguage(): Language | undefined {
  return language;
}

export function inhabit(simulation: Simulation): void {
  current = simulation;
}

export function vacate(): void {
  current = undefined;
}

/** The run whose code is running; undefined between runs, when only code that a run on the virtual clock left behind can ask. */
export function currentWorld(): Simulation | undefined {
  return current ?? realScope()?.simulation;
}

/** The server whose code is running; undefined between runs and while it is the tester's turn. */
export function currentHost(): Host | undefined {
  if (current !== undefined) return current.hosts[current.currentServer];
  const scope = realScope();
  return scope?.simulation.hosts[scope.server];
}

/**
 * State of each life of a server, made at its first use: a server is a process of its own, and nothing that a run leaves may reach the next one. Code outside
 * of servers, a module's evaluation for one, shares one state.
 */
export function perHost<T>(make: () => T): () => T {
  const states = new WeakMap<Host, { readonly state: T }>();
  let outside: { readonly state: T } | undefined;
  return () => {
    const host = currentHost();
    let holder = host === undefined ? outside : states.get(host);
    if (holder !== undefined) return holder.state;
    holder = { state: make() };
    if (host === undefined) outside = holder;
    else states.set(host, holder);
    return holder.state;
  };
}

/** Number of the server whose code is running. */
export function nameOfHost(): number | undefined {
  return currentHost()?.life.server;
}

/**
 * Fails the run for what its server did, and throws: code that goes on after such a call would only do harm. `deed`: what it did, e.g. `called fs.readFileSync()`;
 * `why` it cannot be; `caller`: the stand-in that was called. The stack begins below it, with the user's own code.
 */
export function refuse(deed: string, why: string, caller: (...args: never[]) => unknown = refuse): never {
  const error = new Error(`${deed}: ${why}`);
  captureStackTrace(error, caller);
  currentWorld()?.fail(new ImplementationError(nameOfHost(), deed, error, `${deed}: ${why}`));
  throw error;
}
