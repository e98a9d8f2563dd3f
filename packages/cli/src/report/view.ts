import type { Tally, TestTally } from "../tally.ts";

/** What progress displays look at when they draw; kept up to date by others. */
export interface ProgressView {
  readonly tally: Tally;
  /** Runs that a test is to have made at the end of this round; what it has made, when no more are to come. */
  expected(test: number): number;
  /** Real milliseconds since the runs began. */
  elapsedMs(): number;
}

export function totalDone({ tally }: ProgressView): number {
  return tally.passed + tally.failed;
}

export function totalExpected(view: ProgressView): number {
  let total = 0;
  for (const index of view.tally.tests.keys()) total += view.expected(index);
  return total;
}

/** Real milliseconds until the round is done, at the pace so far; undefined before anything is done. */
export function remainingMs(view: ProgressView): number | undefined {
  const done = totalDone(view);
  return done === 0 ? undefined : (view.elapsedMs() / done) * (totalExpected(view) - done);
}

export function isFinished(view: ProgressView, index: number): boolean {
  return (view.tally.tests[index] as TestTally).total >= view.expected(index);
}
