import { setFlagsFromString } from "node:v8";

/**
 * Most of a short command is spent compiling: code that runs for a second is optimised again and again as it warms up. V8 is told to
 * wait a little before it optimises. Node 20's V8 counts work, later ones count calls; both only delay, so that long runs are as fast.
 */
export function delayOptimisation(): void {
  const engine = Number.parseInt(process.versions.v8, 10);
  // An unknown flag is only complained about on stderr, so each is given to versions known to have it.
  if (engine === 11) setFlagsFromString("--interrupt-budget=500000");
}
