import { eventKinds } from "../sim/sim-event.ts";
import type { Simulation } from "../sim/simulation.ts";
import { Call } from "./call.ts";

/** A handler that takes as long, in microseconds of the run, waits for something that may never come: a lock, or a call of its own. */
const longUs = 1_000_000;
/** Calls that are told one by one. */
const maxTold = 3;

/** The calls whose handlers have not answered for long, the longest first, in a sentence each. */
export function unansweredCalls(simulation: Simulation): readonly string[] {
  const calls = simulation
    .scheduledOf(eventKinds.handlerPoll)
    .filter((happening) => happening instanceof Call)
    .filter((call) => (call.handledForUs ?? 0) >= longUs)
    .sort((a, b) => b.handledForUs! - a.handledForUs!);
  const told = calls.slice(0, maxTold).map((call) => call.tellUnanswered());
  const more = calls.length - told.length;
  return more === 0 ? told : [...told, `${more} more ${more === 1 ? "call is" : "calls are"} unanswered`];
}
