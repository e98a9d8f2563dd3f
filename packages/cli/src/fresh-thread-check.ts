import type { Batch, BatchEnd, Executor, OnResults, RunUnderWay } from "./executor.ts";
import type { RunResult } from "./run-result.ts";

type Job = RunResult["job"];
type Act = NonNullable<RunResult["acts"]>[number];

/**
 * For --check-determinism: makes the runs of each batch once more on a thread that has made no run before, in the opposite order, and compares. What
 * one run leaves for the next in a thread can be seen by neither of two runs that follow each other.
 */
export class FreshThreadCheck implements Executor {
  readonly #executor: Executor;
  /** Iterations of the runs that were others on a fresh thread, by test and seed. */
  readonly #others = new Map<string, number>();

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
    // Those runs that are made again to see where one was lost.
    if (batch.settings?.stopAtEvent !== undefined || batch.followedEvent !== undefined) return this.#executor.run(batch, onResults);
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
    const event = firstDifference(first.eventDigests, fresh.eventDigests);
    if (event === undefined && first.traceHash === fresh.traceHash && first.outcome === fresh.outcome) return first;
    const { job } = first;
    this.#others.set(seedKey(job.test, job.seed), job.iteration);
    return different(first, fresh, event, event === undefined ? [] : await this.#sides(job, event));
  }

  /** What is done in the event on a thread that has made runs, and on a fresh one: from the first act that differs, if they part there once more. */
  async #sides(job: Job, event: number): Promise<string[]> {
    const used = await this.#actsThere(job, event, false);
    const fresh = await this.#actsThere(job, event, true);
    return [...(fresh.length === 0 ? [] : [`  there:        ${fresh[0]!.text}`]), ...tellFirstDifference(used.slice(1), fresh.slice(1))];
  }

  async #actsThere(job: Job, event: number, fresh: boolean): Promise<readonly Act[]> {
    let acts: readonly Act[] = [];
    const settings = { tellActsOf: event, stopAtEvent: event + 1, checkDeterminism: false };
    await this.#executor.run({ jobs: [job], fresh, settings }, ([some]) => {
      acts = some?.[1].acts ?? [];
    });
    return acts;
  }

  /** Number of the run with this seed, if it was another one on a fresh thread: by itself it cannot show that. */
  differingIteration(test: string, seed: string): number | undefined {
    return this.#others.get(seedKey(test, seed));
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

function seedKey(test: string, seed: string): string {
  return `${test} ${seed}`;
}

/** Number of the first event that differs, from 1; undefined when none does. */
function firstDifference(a: Int32Array | undefined, b: Int32Array | undefined): number | undefined {
  if (a === undefined || b === undefined) return undefined;
  let same = 0;
  while (same < a.length && same < b.length && a[same] === b[same]) same++;
  return same === a.length && same === b.length ? undefined : same + 1;
}

function tellFirstDifference(used: readonly Act[], fresh: readonly Act[]): string[] {
  const length = Math.max(used.length, fresh.length);
  for (let i = 0; i < length; i++) {
    if (used[i]?.text !== fresh[i]?.text) return [...tellAct("used thread: ", used[i]), ...tellAct("fresh thread:", fresh[i])];
  }
  return [];
}

function tellAct(whose: string, act: Act | undefined): string[] {
  if (act === undefined) return [`  ${whose} nothing more`];
  return [`  ${whose} ${act.text}`, ...(act.stack === "" ? [] : act.stack.split("\n"))];
}

function different(first: RunResult, fresh: RunResult, event: number | undefined, sides: readonly string[]): RunResult {
  const cause = "the same seed gave another run on a fresh worker thread";
  const hashes = `trace hash ${first.traceHash}, there ${fresh.traceHash}`;
  const where = event === undefined ? "" : `; the first event that differs is number ${event}`;
  const told = sides.filter((line) => !isFrame(line)).map((line) => line.trim().replace(/: +/, ": "));
  const stack = sides.filter(isFrame).join("\n");
  const hint = "something that one run leaves in the thread reaches the next: state of a module of Node's, or of the machine";
  const reason = [`${cause} (${hashes})${where}`, ...told].join("; ");
  const failure = { cause, reason, ...(event === undefined ? {} : { event }), ...(stack === "" ? {} : { stack }) };
  const log = [`${first.log ?? ""}${cause} (${hashes})${where}`, ...sides, hint, ""].join("\n");
  return { ...first, outcome: "nondeterministic", failure, log };
}

function isFrame(line: string): boolean {
  return /^ +at .*:\d+:\d+\)?$/.test(line);
}
