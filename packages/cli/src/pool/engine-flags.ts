import { setFlagsFromString } from "node:v8";
import type { ClockKind } from "@raft-stress/harness";

/**
 * Sets V8 up for what a worker thread does: many short runs, each of which leaves nothing but garbage. To be called when the thread has loaded all that it
 * needs: Node's own modules come with code that was compiled under V8's own flags, and V8 compiles them anew under any others.
 */
export function tuneEngine(clock: ClockKind): void {
  // Threads that mostly wait reach in minutes what others reach in a second: there is nothing to be put off.
  if (clock === "virtual") delayOptimisation();
  // V8 would notice that a run's objects outlive a scavenge now and then, and make later ones in the old generation at once, where each costs
  // a full collection. They are all dead when the run ends.
  setFlagsFromString("--no-allocation-site-pretenuring");
}

/**
 * A larger young generation: most runs then end before it is collected, and leave it nothing to copy. The old one's limit is far above what the pool
 * lets a run take: V8 ends the whole process, not the thread, when one allocation goes beyond it, so it must never be reached.
 */
export const engineResourceLimits = { maxYoungGenerationSizeMb: 96, maxOldGenerationSizeMb: 4096 };

/** Real milliseconds after which a thread's work is no longer that of a short command. */
const warmUpMs = 500;

/**
 * Most of a short command is spent compiling: code that runs for a second is optimised again and again as it warms up. V8 is told to wait before it
 * optimises, until the thread has worked for a while. Node 20's V8 counts work; later ones count calls, and are left as they are.
 */
function delayOptimisation(): void {
  const engine = Number.parseInt(process.versions.v8, 10);
  // An unknown flag is only complained about on stderr, so each is given to versions known to have it.
  if (engine !== 11) return;
  setFlagsFromString("--interrupt-budget=700000");
  // V8's own default.
  setTimeout(() => setFlagsFromString("--interrupt-budget=67584"), warmUpMs).unref();
}
