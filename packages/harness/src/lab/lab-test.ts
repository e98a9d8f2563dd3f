import type { Lab } from "./lab.ts";

export type Part = "2A" | "2B" | "2C" | "2D";

/** One test of the lab. */
export interface LabTest {
  /** Its name in the 2A..2D years, e.g. `TestBackup2B`. */
  readonly name: string;
  /** Its name in the 3A..3D years, e.g. `TestBackup3B`. */
  readonly alias: string;
  readonly part: Part;
  /** What the tester prints, without the part: `leader backs up quickly over incorrect follower logs`. */
  readonly title: string;
  /** Size of the cluster. */
  readonly servers: number;
  readonly reliable: boolean;
  /** Whether the service takes snapshots. */
  readonly snapshots: boolean;
  /** The scenario. It ends by returning (passed) or by throwing. */
  run(lab: Lab): Promise<void>;
}
