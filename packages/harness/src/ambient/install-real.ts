import { createRequire } from "node:module";
import { catchStraysForGood } from "../sim/strays.ts";
import { simulatedConsole } from "./console.ts";

const realRequire = createRequire(import.meta.url);

/**
 * What a thread needs for code under test on the real clock: time, timers and the outside world are Node's own, the console belongs to the trace of whichever
 * run's code is running, and what old runs leave behind is caught between runs too. For the life of the thread. Returns `require` for Node's modules.
 */
export function installForRealClock(): (name: string) => unknown {
  catchStraysForGood();
  const ofRuns = simulatedConsole(console);
  Object.defineProperty(globalThis, "console", { value: ofRuns, writable: true, configurable: true });
  return (name) => (/^(node:)?console$/.test(name) ? ofRuns : realRequire(name));
}
