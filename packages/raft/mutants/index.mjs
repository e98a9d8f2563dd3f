// One-line faults of the built-in Raft, and what is needed to see which lab tests catch them. For `node scripts/mutants.mjs` and the tests.
export { loadRaft, writeRaft } from "./build.mjs";
export { mutants } from "./faults.mjs";
export { hunt, runOnce } from "./hunt.mjs";
