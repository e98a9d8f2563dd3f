import { replaceOnce } from "./replace-once.mjs";

/** The built-in Raft's assertions about Raft itself. Indices out of range stay: there is no going on from them. */
const assertions = {
  "assert.js": ["if (!condition)"],
  "codec.js": ["if (!(entry.term >= 1 && entry.term >= term)) {"],
  "follower.js": ["if (args.prevLogIndex <= state.commitIndex) {", "if (index <= state.commitIndex) {"],
  "log.js": ["if (entry.term < this.lastTerm) {"],
  "state.js": ['if (this.role === "leader") {', "if (index > this.log.lastIndex)"],
};

/**
 * A compiled file of the built-in Raft with all its assertions switched off.
 * @param {string} file
 * @param {string} text
 */
export function withoutAssertions(file, text) {
  return (assertions[file] ?? []).reduce((changed, condition) => {
    const off = condition.replace(/\(.*\)/, "(false)");
    return replaceOnce(changed, condition, off, (times) => `the assertion '${condition}' occurs ${times} times in ${file}, expected once`);
  }, text);
}
