/** @typedef {import("./index.mjs").Mutant} Mutant */

const described = {
  name: "canary",
  /** Caught by all means in the very first run: one that isn't tells that what is measured beside it means nothing. */
  fault: "never stands for election",
  caughtBy: ["TestInitialElection2A"],
};

/** @type {Mutant} */
export const builtInCanary = {
  ...described,
  file: "core.js",
  find: "else if (now >= state.electionDeadlineMs)\n            startElection(state, now);",
  replace: "else if (now >= state.electionDeadlineMs)\n            state.drawElectionTimeout(now);",
};

/** @type {Mutant} */
export const labStyleCanary = {
  ...described,
  file: "raft.ts",
  find: 'if (this.role !== "leader") this.campaign();',
  replace: "",
};
