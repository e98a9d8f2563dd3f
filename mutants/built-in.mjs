import { commit } from "./built-in/commit.mjs";
import { efficiency } from "./built-in/efficiency.mjs";
import { elections } from "./built-in/elections.mjs";
import { liveness } from "./built-in/liveness.mjs";
import { persistence } from "./built-in/persistence.mjs";
import { replication } from "./built-in/replication.mjs";
import { snapshots } from "./built-in/snapshots.mjs";

const areas = { elections, replication, commit, persistence, snapshots, liveness, efficiency };

/**
 * One-line faults of the built-in Raft, by what they do harm to. Each replaces a text that occurs exactly once in a compiled file.
 * `caughtBy`: tests of the lab of which each must catch it; empty, with the reason, when nothing in the lab can be relied on.
 * @type {readonly import("./index.mjs").Mutant[]}
 */
export const mutants = Object.entries(areas).flatMap(([area, list]) => list.map((mutant) => ({ ...mutant, area })));
