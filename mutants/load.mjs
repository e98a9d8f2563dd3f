import { bundle, RaftThread } from "../packages/cli/testing/raft-thread.mjs";
import { inThisThread } from "./hunt.mjs";
import { importRaft, labStyle, writeRaft } from "./styles.mjs";

/** @typedef {import("./index.mjs").Style} Style */
/** @typedef {import("./index.mjs").Fault} Fault */
/** @typedef {import("./index.mjs").Harness} Harness */
/** @typedef {import("./index.mjs").Column} Column */

/**
 * A style's Raft, with the fault if one is given, ready to make runs as a column wants them. The built-in Raft knows nothing but the contract and runs as it is; one as users write it
 * needs what the command's threads have.
 * @param {{ harness: Harness; style: Style; fault?: Fault; directory: string }} what
 * @returns {Promise<(settings: Column["settings"]) => { runJob: import("./index.mjs").RunJob; close(): Promise<void> }>}
 */
export async function load({ harness, style, fault, directory }) {
  const path = writeRaft(style, directory, fault);
  if (style !== labStyle) {
    const makeRaft = await importRaft(path);
    return (settings) => ({ runJob: inThisThread(harness, makeRaft, settings), close: async () => {} });
  }
  const raft = await bundle(path);
  return (settings) => {
    const thread = new RaftThread({ raft, settings: { traceLevel: "none", ...settings } });
    return { runJob: async (job) => (await thread.run([job]))[0], close: () => thread.close() };
  };
}
