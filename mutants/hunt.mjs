/** @typedef {import("./index.mjs").Finding} Finding */
/** @typedef {import("./index.mjs").HuntOptions} HuntOptions */
/** @typedef {import("./index.mjs").Hunt} Hunt */
/** @typedef {import("./index.mjs").Harness} Harness */
/** @typedef {import("@raft-stress/raft/api").MakeRaft} MakeRaft */

/** The first pass of a run is all that is needed: no text is kept. */
const plainSettings = { clock: "virtual", traceLevel: "none", archive: false, checkDeterminism: false };

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
 * Run `run`, counted from 1, of a test: the last one of `raft-stress TEST --seed SEED -n RUN`.
 * @param {HuntOptions["harness"]} harness
 * @param {string} test
 * @param {number} run
 * @param {number} seed
 */
export function jobOf(harness, test, run, seed = 1) {
  const iteration = run - 1;
  return { test, iteration, seed: harness.formatSeed(harness.runSeed({ high: 0, low: seed }, test, iteration)) };
}

/**
 * Makes runs of a Raft in this thread.
 * @param {Harness} harness
 * @param {MakeRaft} makeRaft
 * @param {{ readonly checks?: "off" | "on" }} [settings]
 * @returns {HuntOptions["runJob"]}
 */
export function inThisThread(harness, makeRaft, settings) {
  return (job) => harness.runIteration(job, makeRaft, { ...plainSettings, ...settings });
}
