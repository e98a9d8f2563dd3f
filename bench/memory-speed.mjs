// How fast this machine's memory is just now. On a shared machine it varies tenfold from one minute to the next, and every other figure with it.
import { median } from "./measure.mjs";

const words = 1 << 21;
const stepsPerWalk = 60_000;
const walks = 300;

/** Walks in random order through 8 MB, more than a processor's own caches hold: nanoseconds a step, of the quickest walk and of the median one. */
export function memoryStepNs() {
  const next = randomCycle();
  let at = 0;
  const ns = [];
  for (let walk = 0; walk < walks; walk++) {
    const startMs = performance.now();
    for (let step = 0; step < stepsPerWalk; step++) at = next[at];
    ns.push(((performance.now() - startMs) * 1e6) / stepsPerWalk);
  }
  // Used, so that no compiler leaves the walks away.
  if (at < 0) throw new Error("a walk left the cycle");
  return { best: Math.min(...ns), median: median(ns) };
}

/** Each word holds the place of the next one; all are on one cycle (Sattolo's shuffle). */
function randomCycle() {
  const next = Int32Array.from({ length: words }, (_, i) => i);
  for (let i = words - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * i);
    [next[i], next[j]] = [next[j], next[i]];
  }
  return next;
}
