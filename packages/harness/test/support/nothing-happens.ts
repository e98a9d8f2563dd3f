import type { Happening } from "../../src/sim/sim-event.ts";

/** For events that are only to be queued. */
export const nothingHappens: Happening = { happen() {}, waitsForOwner: () => true, describe: () => "nothing happens", release() {} };
