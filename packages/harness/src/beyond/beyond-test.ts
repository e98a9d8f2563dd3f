import type { CoverageCounter } from "../check/coverage.ts";
import type { ClusterSizes } from "../lab/cluster-sizes.ts";
import type { LabTest } from "../lab/lab-test.ts";
import { demandProgress } from "./liveness.ts";
import { Scene, type Span } from "./scene.ts";

export interface BeyondTest {
  /** `RandomWeather` for TestRandomWeather2X. */
  readonly name: string;
  readonly title: string;
  readonly servers: ClusterSizes;
  readonly snapshots?: boolean;
  readonly span: Span;
  readonly reaches: readonly CoverageCounter[];
  /** The time of faults: makes them until `scene.goesOn` is false. Asserts nothing, unless the scenario is about one demand of its own. */
  readonly faults: (scene: Scene) => Promise<void>;
}

/** For scenarios that end by themselves, long before this: nothing in them is cut short. */
export const wholeRun: Span = { leastMs: 60_000, mostMs: 60_000 };

/** A test beyond the lab: a time of faults, in which the invariants alone are judged; then a majority is healed and must make progress. */
export function beyondTest({ name, title, servers, snapshots = false, span, reaches, faults }: BeyondTest): LabTest {
  return {
    name: `Test${name}2X`,
    alias: `Test${name}3X`,
    part: "2X",
    title,
    servers,
    reliable: true,
    snapshots,
    reaches,
    run: async (lab) => {
      lab.begin();
      const scene = new Scene(lab, span);
      await faults(scene);
      await scene.join();
      await demandProgress(scene);
      lab.end();
    },
  };
}
