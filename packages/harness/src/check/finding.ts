import type { Evidence } from "../failure.ts";
import type { Property } from "./properties.ts";

/** A violation of a property, as the checker that saw it tells it. */
export interface Finding {
  readonly property: Property;
  /** One sentence in the user's terms, with servers, terms and indices. */
  readonly sentence: string;
  /** The events that contradict each other, oldest first. */
  readonly evidence: readonly Evidence[];
  /** Whose code did it. */
  readonly server: number;
}

/** Takes a violation; the first one ends the run. */
export type Report = (finding: Finding) => void;

/** When something was seen: the number of the event, and its time. Records extend it, so that evidence costs nothing until it is wanted. */
export interface Moment {
  readonly event: number;
  readonly atUs: number;
}

export function evidence(moment: Moment, server: number | undefined, text: string): Evidence {
  return { event: moment.event, atMs: moment.atUs / 1000, text, ...(server === undefined ? {} : { server }) };
}
