import type { Evidence, Options } from "./options.ts";
import { runTimeoutMs } from "./settings.ts";
import { runsNeeded } from "./stats.ts";
import type { Tally, TestTally } from "./tally.ts";

/** What the options ask for. */
export interface Goal {
  /** Runs of each test, in the first round if there are more. */
  readonly iterations: number;
  /** Failures of a test after which no more of its runs are started. */
  readonly maxFailures: number | undefined;
  /** What the runs are to show. */
  readonly evidence: Evidence | undefined;
  /** Real milliseconds that one run may take. */
  readonly timeoutMs: number;
}

export function goalOf(options: Options): Goal {
  const { until, require, failFast, maxFailures, iter } = options;
  return {
    // Without a failure, the evidence is complete after exactly this many runs.
    iterations: until ? runsNeeded(until.rate, until.confidence) : iter,
    maxFailures: until || failFast ? 1 : maxFailures,
    evidence: require ?? until,
    timeoutMs: runTimeoutMs(options),
  };
}

/** Whether every test was shown to fail more seldom than asked. */
export function isShown({ tests }: Tally, { rate, confidence }: Evidence): boolean {
  const needed = runsNeeded(rate, confidence);
  return tests.every(({ failed, total }) => failed === 0 && total >= needed);
}

/** Whether a test was stopped because it failed: its rate is biased then, and not shown. */
export function stoppedByFailures({ failed }: Pick<TestTally, "failed">, maxFailures: number | undefined): boolean {
  return maxFailures !== undefined && failed >= maxFailures;
}
