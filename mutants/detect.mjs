/** @typedef {import("./index.mjs").DetectOptions} DetectOptions */
/** @typedef {import("./index.mjs").Detection} Detection */

import { setImmediate } from "node:timers/promises";
import { jobOf } from "./hunt.mjs";

/**
 * Runs the tests in turn, one run each, round after round, until the first run that fails or until the budget of processor time is spent, but never less than
 * `leastRuns`: what was found after so many runs before is looked for as long again, however fast the machine.
 * @param {DetectOptions} options
 * @returns {Promise<Detection>}
 */
export async function detect({ harness, runJob, tests, seed, budgetCpuSeconds, leastRuns = 0 }) {
  const start = process.cpuUsage();
  let runs = 0;
  for (let run = 1; ; run += 1) {
    // Whoever hunts in a process of its own hears then that its parent has gone.
    await setImmediate();
    for (const test of tests) {
      const { outcome, failure } = await runJob(jobOf(harness, test, run, seed));
      runs += 1;
      const cpuSeconds = secondsSince(start);
      if (outcome !== "pass")
        return { seed, runs, cpuSeconds, finding: { test, run, outcome, cause: failure.cause, property: failure.property } };
      if (cpuSeconds >= budgetCpuSeconds && runs >= leastRuns) return { seed, runs, cpuSeconds };
    }
  }
}

/** @param {NodeJS.CpuUsage} start */
function secondsSince(start) {
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}

/**
 * Detections with each of the seeds. Ends when so many have found nothing that the median hasn't either.
 * @param {Omit<DetectOptions, "seed" | "leastRuns"> & { seeds: readonly number[]; leastRunsOf?: (seed: number) => number }} options
 * @returns {Promise<readonly Detection[]>}
 */
export async function detectWithSeeds({ seeds, leastRunsOf, ...options }) {
  /** @type {Detection[]} */
  const detections = [];
  for (const seed of seeds) {
    detections.push(await detect({ ...options, seed, leastRuns: leastRunsOf?.(seed) ?? 0 }));
    if (2 * detections.filter(({ finding }) => finding === undefined).length > seeds.length) break;
  }
  return detections;
}
