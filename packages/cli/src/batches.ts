import type { Plan, PlannedRun } from "./plan.ts";

/** Real milliseconds of work that one batch should hold: the thread boundary then costs a thousandth, and -x, --for and Ctrl-C bite at once. */
const targetMs = 30;
/** What a run is taken to cost before any run of its test has finished; the first ones are slow, because nothing is compiled yet. */
const firstGuessMs = 8;
/** Weight of the newest run in the running mean. */
const newest = 0.3;
const maxRuns = 500;

/** Cuts a plan into batches of about equal cost. */
export class Batches {
  #plan: Plan;
  #costMs: Float64Array;
  #capacity: number;
  #single: boolean;
  /** Runs that were handed out and came back without a result. */
  #again: PlannedRun[] = [];

  constructor(options: { readonly plan: Plan; readonly tests: number; readonly capacity: number; readonly singleRuns: boolean }) {
    this.#plan = options.plan;
    this.#costMs = new Float64Array(options.tests).fill(firstGuessMs);
    this.#capacity = options.capacity;
    this.#single = options.singleRuns;
  }

  /** Tells what a run has cost. */
  learn(test: number, realMs: number): void {
    this.#costMs[test] = this.#costMs[test]! * (1 - newest) + realMs * newest;
  }

  putBack(run: PlannedRun): void {
    this.#again.push(run);
  }

  /** The next batch; empty when the round is handed out. */
  take(): readonly PlannedRun[] {
    const runs: PlannedRun[] = [];
    // Towards the end of a round smaller batches keep all threads busy until it ends.
    const share = Math.ceil((this.#plan.remaining + this.#again.length) / (2 * this.#capacity));
    const most = this.#single ? 1 : Math.min(maxRuns, Math.max(1, share));
    for (let costMs = 0; runs.length < most && costMs < targetMs; ) {
      const run = this.#again.shift() ?? this.#plan.next();
      if (!run) break;
      if (this.#plan.isDropped(run.test)) continue;
      runs.push(run);
      costMs += this.#costMs[run.test]!;
    }
    return runs;
  }
}
