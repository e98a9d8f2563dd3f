import { bundleRaft } from "../dist/implementation/bundle.js";
import { Pool } from "../dist/pool/pool.js";
import { startThreadsFor } from "../dist/pool/threads.js";

/** @typedef {import("./raft-thread.mjs").ThreadOptions} ThreadOptions */

/** @type {ThreadOptions["settings"]} */
const plainSettings = { clock: "virtual", traceLevel: "debug", archive: false, checkDeterminism: false };

/** As long as a test may take: a run that hangs is to be told by its seed. */
const timeoutMs = 50_000;

/** Makes runs of a Raft as the command does: bundled, and evaluated in a worker thread. */
export class RaftThread {
  #pool;

  /** @param {ThreadOptions} options */
  constructor({ raft, settings }) {
    // As the command does before it starts its threads.
    process.env.TZ = "UTC";
    const setup = { raft, settings: { ...plainSettings, ...settings } };
    this.#pool = new Pool({ ...startThreadsFor(1, setup), timeoutMs });
  }

  /**
   * The results of the jobs, which this thread runs in order. Rejects when it cannot load the Raft, or is lost.
   * @param {readonly import("@raft-stress/harness").Job[]} jobs
   */
  async run(jobs) {
    /** @type {import("@raft-stress/harness").IterationResult[]} */
    const results = [];
    const end = await this.#pool.run({ jobs }, (positioned) => {
      for (const [position, result] of positioned) results[position] = result;
    });
    if (end.type !== "done") throw new Error(`the thread told no result of ${JSON.stringify(jobs)}: ${JSON.stringify(end)}`);
    return results;
  }

  async close() {
    await this.#pool.close();
  }
}

/**
 * A file as one script, which threads can be given.
 * @param {string} file
 */
export function bundle(file) {
  return bundleRaft(file, file);
}
