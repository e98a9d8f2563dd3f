import type { LabTest } from "../lab/lab-test.ts";
import { clockTests } from "./clocks.ts";
import { conflictTests } from "./conflicts.ts";
import { crashTests } from "./crashes.ts";
import { economyTests } from "./economy.ts";
import { electionTests } from "./elections.ts";
import { evenClusterTests } from "./even-clusters.ts";
import { leaderTests } from "./leaders.ts";
import { messageTests } from "./messages.ts";
import { outageTests } from "./outages.ts";
import { partitionTests } from "./partitions.ts";
import { sharedFollowerTests } from "./shared-followers.ts";
import { snapshotTests } from "./snapshots.ts";
import { weatherTests } from "./weather.ts";

/** All tests beyond the lab, in the order in which they are listed. */
export const beyondTests: readonly LabTest[] = [
  ...weatherTests,
  ...messageTests,
  ...partitionTests,
  ...leaderTests,
  ...crashTests,
  ...electionTests,
  ...conflictTests,
  ...snapshotTests,
  ...clockTests,
  ...evenClusterTests,
  ...outageTests,
  ...sharedFollowerTests,
  ...economyTests,
];
