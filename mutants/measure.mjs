import { join } from "node:path";
import * as harness from "../packages/harness/dist/index.js";
import { columnsOf } from "./columns.mjs";
import { detectWithSeeds } from "./detect.mjs";
import { load } from "./load.mjs";
import { findStyle } from "./styles.mjs";

// One process for each Raft that is measured, so that none is faster for what V8 learned from another, and its processor time is that of one hunt at a time.
// `mutants/processes.mjs` starts it, gives it one Task and takes one message for each column, with what was detected.

process.once("disconnect", () => process.exit());

process.once("message", async (/** @type {import("./index.mjs").Task} */ task) => {
  const style = findStyle(task.style);
  const fault = task.mutant === style.canary.name ? style.canary : style.mutants.find(({ name }) => name === task.mutant);
  const start = await load({ harness, style, fault, directory: join(task.directory, style.name, task.mutant ?? "unmutated") });
  for (const column of columnsOf(harness).filter(({ name }) => task.columns.includes(name))) {
    const { runJob, close } = start(column.settings);
    const leastRunsOf = (seed) => task.leastRuns?.[column.name]?.[seed] ?? 0;
    const { seeds, budgetCpuSeconds } = task;
    const detections = await detectWithSeeds({ harness, runJob, tests: column.tests, seeds, budgetCpuSeconds, leastRunsOf }).finally(close);
    process.send({ column: column.name, detections });
  }
  process.disconnect();
});
