import { StuckError } from "../failure.ts";
import { type SimEvent, TESTER } from "./sim-event.ts";
import type { Waits } from "./waits.ts";

export interface SimulationLimits {
  /** Virtual time after which a run that has not ended is stuck. `go test` gives a whole package 10 minutes. */
  readonly maxVirtualMs: number;
  readonly maxEvents: number;
  /** Events at one instant of virtual time after which time is held to stand still. */
  readonly maxEventsPerInstant: number;
}

export const defaultLimits: SimulationLimits = { maxVirtualMs: 600_000, maxEvents: 50_000_000, maxEventsPerInstant: 200_000 };

/** The run was to end before event `number`. */
export function stoppedAsAsked(event: SimEvent, number: number): StuckError {
  const seen = event.describe();
  return new StuckError(`stopped before event ${number}, as asked: ${seen}`, { cause: "stopped as asked", seen, ...serverOf(event) });
}

/** `count` events at one instant are too many; `event` is the last of them. */
export function timeStandsStill(event: SimEvent, count: number, nowMs: number): StuckError {
  const cause = "time stands still: events without end at one instant";
  return new StuckError(`${cause} (${count} at ${nowMs} ms, now ${event.describe()})`, { cause, ...serverOf(event) });
}

/** A limit of time or of events, given as text, has been reached. */
export function notEndedAfter(limit: string, waits: Waits): StuckError {
  const cause = `the test had not ended after ${limit}`;
  return new StuckError(`${cause}${waits}`, { cause, aspect: "progress" });
}

/** Nothing is left to happen, and the test has not ended. */
export function deadlock(waits: Waits): StuckError {
  const cause = "deadlock: nothing is left to happen and the test still waits";
  return new StuckError(`${cause}${waits}`, { cause });
}

function serverOf({ owner }: SimEvent): { readonly server?: number } {
  return owner === TESTER ? {} : { server: owner };
}
