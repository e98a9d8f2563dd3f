import type { IterationResult } from "@raft-stress/harness";
import type { RunEvent } from "./events.ts";
import type { TestInfo } from "./select.ts";
import { Moments, TimeHistogram } from "./stats.ts";

/** Failures with one cause. */
export interface CauseCount {
  readonly cause: string;
  count: number;
  /** Number of runs of the test that had finished when it was first seen, itself included. */
  readonly firstAt: number;
  readonly first: Pick<IterationResult, "job" | "outcome" | "failure">;
  readonly log: string | undefined;
}

/** All that is remembered of a test's runs; its size does not depend on their number. */
export interface TestTally {
  readonly test: TestInfo;
  total: number;
  failed: number;
  /** The test's own time, in seconds. */
  readonly seconds: Moments;
  readonly histogram: TimeHistogram;
  /** In seconds; processor time only when it is measured. */
  readonly real: Moments;
  readonly user: Moments;
  readonly system: Moments;
  readonly causes: Map<string, CauseCount>;
}

export interface Tally {
  readonly tests: readonly TestTally[];
  passed: number;
  failed: number;
}

/** Causes beyond this many are counted under one heading. */
const maxCauses = 100;
const otherCauses = "other causes";

export function emptyTally(tests: readonly TestInfo[]): Tally {
  return {
    tests: tests.map((test) => ({
      test,
      total: 0,
      failed: 0,
      seconds: new Moments(),
      histogram: new TimeHistogram(),
      real: new Moments(),
      user: new Moments(),
      system: new Moments(),
      causes: new Map(),
    })),
    passed: 0,
    failed: 0,
  };
}

/** Folds an event into the tally. */
export function count(tally: Tally, event: RunEvent): void {
  if (event.type !== "run") return;
  const { result } = event;
  const test = tally.tests[event.test]!;
  test.total++;
  test.seconds.add(result.seconds);
  test.histogram.add(result.seconds);
  test.real.add(result.realMs / 1000);
  if (result.userMs !== undefined) test.user.add(result.userMs / 1000);
  if (result.systemMs !== undefined) test.system.add(result.systemMs / 1000);
  if (result.outcome === "pass") {
    tally.passed++;
    return;
  }
  tally.failed++;
  test.failed++;
  countCause(test, result, event.log);
}

function countCause(test: TestTally, result: IterationResult, log: string | undefined): void {
  const given = result.failure?.cause ?? result.outcome;
  const cause = test.causes.has(given) || test.causes.size < maxCauses ? given : otherCauses;
  const known = test.causes.get(cause);
  if (known) {
    known.count++;
    return;
  }
  const first = { job: result.job, outcome: result.outcome, ...(result.failure && { failure: result.failure }) };
  test.causes.set(cause, { cause, count: 1, firstAt: test.total, first, log });
}
