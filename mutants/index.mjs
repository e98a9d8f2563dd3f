// One-line faults of the built-in Raft and of the lab-style example, and what is needed to see what catches them. For `node scripts/mutants.mjs` and the tests.
export { columnsOf } from "./columns.mjs";
export { detect, detectWithSeeds } from "./detect.mjs";
export { hunt, inThisThread, jobOf } from "./hunt.mjs";
export { goals, page } from "./page.mjs";
export { readRecord, writeRecord } from "./record.mjs";
export { atOnce, batched, builtIn, importRaft, labStyle, writeRaft } from "./styles.mjs";
export { faultsOfTheHarness, judge } from "./verdict.mjs";
