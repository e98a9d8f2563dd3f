import type { SimEvent } from "./sim-event.ts";

/**
 * Is told, while a run is under way, of each event and of each thing that the code running in it does to the run. For runs that are looked into:
 * an ordinary run has none.
 */
export interface RunWatch {
  /** The event begins. */
  begin(event: SimEvent): void;
  /** The running code has scheduled an event: it has set a timer, sent a request, a reply, a message to the service. */
  scheduled(event: SimEvent, delayUs: number): void;
  /** A word has gone into the trace hash: of the next event before it begins, then of what code does in it, such as a save. */
  hashed(word: number): void;
  /** All that the event has caused at its instant has happened. */
  end(): void;
}
