import type { Batch, BatchEnd, Executor, OnResults, RunUnderWay } from "./executor.ts";
import type { RunResult } from "./run-result.ts";

/**
 * For --check-determinism: makes the runs of each batch once more on a thread that has made no run before, in the opposite order, and compares. What
 * one run leaves for the next in a thread can be seen by neither of two runs that follow each other.
 */
export class FreshThreadCheck implements Executor {
  readonly #executor: Executor;

  /** `executor` must know what a fresh thread is. */
  constructor(executor: Executor) {
    this.#executor = executor;
  }

  get capacity(): number {
    return this.#executor.capacity;
  }

  get singleRuns(): boolean {
    return this.#executor.singleRuns;
  }

  async run(batch: Batch, onResults: OnResults): Promise<BatchEnd> {
    // The one run that is made again to see where it hangs.
    if (batch.settings?.stopAtEvent !== undefined) return this.#executor.run(batch, onResults);
    const results = new Map<number, RunResult>();
    const end = await this.#executor.run(batch, (some) => {
      for (const [position, result] of some) results.set(position, result);
    });
    const again = await this.#runAgain([...results.values()].map(({ job }) => job).toReversed());
    for (const [position, result] of results) {
      const other = again.get(key(result.job));
      onResults([[position, other === undefined ? result : await this.#compared(result, other)]]);
    }
    return end;
  }

  /** Runs that a thread is lost with have no result: nothing can be said of them then. */
  async #runAgain(jobs: Batch["jobs"]): Promise<Map<string, RunResult>> {
    const again = new Map<string, RunResult>();
    if (jobs.length === 0) return again;
    await this.#executor.run({ jobs, fresh: true }, (some) => {
      for (const [, result] of some) again.set(key(result.job), result);
    });
    return again;
  }

  async #compared(first: RunResult, fresh: RunResult): Promise<RunResult> {
    if (first.outcome === "nondeterministic") return first;
    if (fresh.outcome === "nondeterministic") return { ...fresh, realMs: first.realMs };
    if (first.traceHash === fresh.traceHash && first.outcome === fresh.outcome) return first;
    const event = firstDifference(first.eventDigests, fresh.eventDigests);
    const seen = event === undefined ? undefined : await this.#eventThere(first, event);
    return different(first, fresh, event, seen);
  }

  /** What the event is on a fresh thread. */
  async #eventThere({ job }: RunResult, event: number): Promise<string | undefined> {
    let seen: string | undefined;
    await this.#executor.run({ jobs: [job], fresh: true, settings: { stopAtEvent: event, checkDeterminism: false } }, ([some]) => {
      seen = some?.[1].failure?.seen;
    });
    return seen;
  }

  collect(): void {
    this.#executor.collect();
  }

  underWay(): readonly RunUnderWay[] {
    return this.#executor.underWay();
  }

  close(): Promise<void> {
    return this.#executor.close();
  }
}

function key({ test, iteration }: RunResult["job"]): string {
  return `${test} ${iteration}`;
}

/** Number of the first event that differs, from 1. */
function firstDifference(a: Int32Array | undefined, b: Int32Array | undefined): number | undefined {
  if (a === undefined || b === undefined) return undefined;
  let same = 0;
  while (same < a.length && same < b.length && a[same] === b[same]) same++;
  return same + 1;
}

function different(first: RunResult, fresh: RunResult, event: number | undefined, seen: string | undefined): RunResult {
  const cause = "the same seed gave another run on a fresh worker thread";
  const hashes = `trace hash ${first.traceHash}, there ${fresh.traceHash}`;
  const where =
    event === undefined ? "" : `; the first event that differs is number ${event}${seen === undefined ? "" : `, there: ${seen}`}`;
  const hint = "something that one run leaves in the thread reaches the next: state of a module of Node's, or of the machine";
  const reason = `${cause} (${hashes})${where}`;
  const failure = { cause, reason, ...(event === undefined ? {} : { event }) };
  const log = `${first.log ?? ""}${reason}\n${hint}\n`;
  return { ...first, outcome: "nondeterministic", failure, log };
}
