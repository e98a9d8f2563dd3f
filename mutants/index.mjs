// One-line faults of the built-in Raft and of the lab-style example, and what is needed to see which lab tests catch them. For `node scripts/mutants.mjs` and
// the tests.
export { hunt, inThisThread, jobOf } from "./hunt.mjs";
export { builtIn, importRaft, labStyle, writeRaft } from "./styles.mjs";
