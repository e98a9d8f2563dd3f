import type { CoverageCounter } from "../check/coverage.ts";
import type { ClusterSizes } from "./cluster-sizes.ts";
import type { Lab } from "./lab.ts";

/** A part of the lab, or `2X`: beyond it. */
export type Part = "2A" | "2B" | "2C" | "2D" | "2X";

/** One test: of the lab, or beyond it. */
export interface LabTest {
  /** Its name in the 2A..2D years, e.g. `TestBackup2B`. */
  readonly name: string;
  /** Its name in the 3A..3D years, e.g. `TestBackup3B`. */
  readonly alias: string;
  readonly part: Part;
  /** What the tester prints, without the part: `leader backs up quickly over incorrect follower logs`. */
  readonly title: string;
  /** Size of the cluster. */
  readonly servers: ClusterSizes;
  readonly reliable: boolean;
  /** Whether the service takes snapshots. */
  readonly snapshots: boolean;
  /** The counters that the test exists to raise: over many runs none of them may stay at zero. */
  readonly reaches?: readonly CoverageCounter[];
  /** The scenario. It ends by returning (passed) or by throwing. */
  run(lab: Lab): Promise<void>;
}
