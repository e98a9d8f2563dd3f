import { electionTests } from "./2a-election.ts";
import { agreementTests } from "./2b-agreement.ts";
import { persistenceTests } from "./2c-persistence.ts";
import { snapshotTests } from "./2d-snapshots.ts";
import type { LabTest } from "./lab-test.ts";

/** All 28 tests of the Raft lab, in the course's order. */
export const labTests: readonly LabTest[] = [...electionTests, ...agreementTests, ...persistenceTests, ...snapshotTests];
