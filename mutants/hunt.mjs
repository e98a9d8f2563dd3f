/** @typedef {import("./index.mjs").Finding} Finding */
/** @typedef {import("./index.mjs").HuntOptions} HuntOptions */
/** @typedef {import("./index.mjs").Hunt} Hunt */
/** @typedef {import("./index.mjs").Harness} Harness */
/** @typedef {import("@raft-stress/raft/api").MakeRaft} MakeRaft */

/** The command's seed behind all runs: run k of a test is the last one of `raft-stress TEST --seed 1 -n k`. */
const commandSeed = { high: 0, low: 1 };

/** The first pass of a run is all that is needed: no text is kept. */
const settings = { clock: "virtual", traceLevel: "none", archive: false, checkDeterminism: false };

/**
 * Runs the tests in turn, `runs` times each, as the command does; a test that has failed is not run again.
 * @param {HuntOptions} options
 * @returns {Promise<Hunt>}
 */
export async function hunt({ harness, runJob, tests, runs }) {
  const startCpu = process.cpuUsage();
  /** @type {Finding[]} */
  const findings = [];
  const open = new Set(tests);
  let done = 0;
  let slowestMs = 0;
  for (let run = 1; run <= runs; run += 1) {
    for (const test of open) {
      const result = await runJob(jobOf(harness, test, run));
      done += 1;
      slowestMs = Math.max(slowestMs, result.realMs);
      if (result.outcome === "pass") continue;
      open.delete(test);
      const cpu = process.cpuUsage(startCpu);
      findings.push({ test, run, outcome: result.outcome, cause: result.failure.cause, cpuSeconds: (cpu.user + cpu.system) / 1e6 });
    }
  }
  return { findings, runs: done, slowestMs };
}

/**
 * Run `run`, counted from 1, of a test.
 * @param {Harness} harness
 * @param {string} test
 * @param {number} run
 */
export function jobOf(harness, test, run) {
  const iteration = run - 1;
  return { test, iteration, seed: harness.formatSeed(harness.runSeed(commandSeed, test, iteration)) };
}

/**
 * Makes runs of a Raft in this thread.
 * @param {Harness} harness
 * @param {MakeRaft} makeRaft
 * @returns {HuntOptions["runJob"]}
 */
export function inThisThread(harness, makeRaft) {
  return (job) => harness.runIteration(job, makeRaft, settings);
}
