import type { Job } from "@raft-stress/harness";
import { formatSeed, runSeed, serversOf } from "@raft-stress/harness/results";
import { Batches } from "./batches.ts";
import type { EndReason, RunEvent } from "./events.ts";
import type { Batch, BatchEnd, Executor, Loss, OnResults } from "./executor.ts";
import { exitCodes, UserError } from "./exit-codes.ts";
import { hungInEvent, lostResult } from "./lost-run.ts";
import type { Plan, PlannedRun } from "./plan.ts";
import type { RunFailure, RunResult } from "./run-result.ts";
import type { TestInfo } from "./select.ts";

type Seed = Parameters<typeof runSeed>[0];

export interface RunnerOptions {
  readonly executor: Executor;
  readonly plan: Plan;
  readonly tests: readonly TestInfo[];
  readonly seed: Seed;
  readonly loop: boolean;
  readonly realClock: boolean;
  /** Failures of a test after which no more of its runs are started. */
  readonly maxFailures: number | undefined;
  /** No run is started after this much real time. */
  readonly forMs: number | undefined;
  readonly timeoutMs: number;
  /** Failures of each test that were counted before this command began. */
  readonly failedBefore: readonly number[];
  /** Whether the machine can take another run now; asked only while others are under way. Absent: always. */
  admits?(): boolean;
  /** Keeps what a run is to leave behind; returns the path of its log if it has one. */
  save(result: RunResult): string | undefined;
  emit(event: RunEvent): void;
}

/** A thread that dies this often before it begins a run is no accident. */
const maxIdleDeaths = 3;

/** How often a lost run is made again until no other run is in its way. */
const maxTries = 3;

/** How long a run that was held back waits before the machine's load is looked at again, in real milliseconds. */
const askAgainMs = 200;

/** Carries out a plan: hands batches to the pool until the plan, the time or the user ends it. */
export class Runner {
  #options: RunnerOptions;
  #batches: Batches;
  #failures: Float64Array;
  /** Batches under way, those that run alone included. */
  #inFlight = 0;
  /** Runs that may have ended a thread that others shared, and the one of them that is under way. */
  #suspects: PlannedRun[] = [];
  #suspectRuns = false;
  /** Suspects that may have taken too much memory, or ended their process, run with nothing beside them: only then it is known who it was. */
  #exclusive = false;
  #idleDeaths = 0;
  #startedMs = 0;
  #ended = false;
  #askAgain: NodeJS.Timeout | undefined;
  #settle: { resolve(reason: EndReason): void; reject(error: unknown): void } | undefined;

  constructor(options: RunnerOptions) {
    this.#options = options;
    const { plan, executor, tests } = options;
    this.#batches = new Batches({ plan, tests: tests.length, capacity: executor.capacity, singleRuns: executor.singleRuns });
    this.#failures = Float64Array.from(options.failedBefore);
    for (const test of tests.keys()) this.#dropIfFailedEnough(test);
  }

  /** Resolves when nothing is under way any more. Rejects with UserError when the implementation cannot be loaded, else with a fault. */
  run(): Promise<EndReason> {
    this.#startedMs = performance.now();
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#fill();
    });
  }

  /** Counts the runs that are done; starts nothing more. */
  interrupt(): void {
    this.#options.executor.collect();
    this.#end("interrupted");
  }

  #end(reason: EndReason): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#askAgain);
    this.#settle?.resolve(reason);
  }

  #fail(error: unknown): void {
    this.#ended = true;
    this.#settle?.reject(error);
  }

  get #late(): boolean {
    const { forMs } = this.#options;
    return forMs !== undefined && performance.now() - this.#startedMs >= forMs;
  }

  #fill(): void {
    if (this.#ended) return;
    const { executor } = this.#options;
    if (!this.#late) {
      if (!this.#exclusive || this.#inFlight === 0) this.#startSuspect();
      if (this.#suspects.length === 0 && !this.#suspectRuns) this.#exclusive = false;
      while (!this.#exclusive && this.#inFlight < executor.capacity) {
        if (!this.#admitted()) break;
        const runs = this.#batches.take();
        if (runs.length === 0) break;
        this.#start(runs, false);
      }
    }
    if (this.#inFlight > 0) return;
    if (this.#late) this.#end("deadline");
    else this.#nextRound();
  }

  /** One run is always let through: a machine that others keep busy must not stop this command for ever. */
  #admitted(): boolean {
    const { admits } = this.#options;
    if (!admits || this.#inFlight === 0 || admits()) return true;
    this.#askAgain ??= setTimeout(() => {
      this.#askAgain = undefined;
      this.#fill();
    }, askAgainMs);
    return false;
  }

  #nextRound(): void {
    const { loop, plan, emit } = this.#options;
    if (!loop || !plan.startRound()) {
      this.#end("done");
      return;
    }
    emit({ type: "round", nextSize: plan.roundSize });
    this.#fill();
  }

  #startSuspect(): void {
    if (this.#suspectRuns) return;
    const run = this.#suspects.shift();
    if (!run) return;
    this.#suspectRuns = true;
    this.#start([run], true);
  }

  #start(runs: readonly PlannedRun[], alone: boolean): void {
    this.#inFlight++;
    void this.#work(runs, alone).then(
      () => {
        this.#inFlight--;
        if (alone) this.#suspectRuns = false;
        this.#fill();
      },
      (error: unknown) => this.#fail(error),
    );
  }

  async #work(runs: readonly PlannedRun[], alone: boolean): Promise<void> {
    const jobs = runs.map((run) => this.#job(run));
    const waiting = new Set(runs.keys());
    const onResults: OnResults = (results) => {
      for (const [position, result] of results) {
        waiting.delete(position);
        this.#finish(runs[position]!, result);
      }
    };
    const end = await this.#options.executor.run(this.#batch(jobs, runs, alone), onResults);
    if (this.#ended) return;
    if (end.type === "lost") {
      await this.#afterLoss(end, runs, waiting);
      return;
    }
    throwIfUnusable(end);
    // Left out because their test had failed often enough; if that was not so, they are made after all.
    for (const position of waiting) this.#batches.putBack(runs[position]!);
  }

  #job({ test, iteration }: PlannedRun): Job {
    const { tests, seed } = this.#options;
    const { name } = tests[test]!;
    return { test: name, iteration, seed: formatSeed(runSeed(seed, name, iteration)) };
  }

  #batch(jobs: readonly Job[], runs: readonly PlannedRun[], alone: boolean): Batch {
    const { maxFailures, tests } = this.#options;
    if (maxFailures === undefined) return { jobs, alone };
    const failuresLeft: Record<string, number> = {};
    for (const { test } of runs) failuresLeft[tests[test]!.name] = maxFailures - this.#failures[test]!;
    return { jobs, alone, failuresLeft };
  }

  #finish(run: PlannedRun, result: RunResult): void {
    if (this.#ended) return;
    const { save, emit } = this.#options;
    this.#idleDeaths = 0;
    this.#batches.learn(run.test, result.realMs);
    if (result.outcome !== "pass") {
      this.#failures[run.test]! += 1;
      this.#dropIfFailedEnough(run.test);
    }
    emit({ type: "run", result, test: run.test, log: save(result) });
  }

  #dropIfFailedEnough(test: number): void {
    const { plan, maxFailures } = this.#options;
    if (maxFailures !== undefined && this.#failures[test]! >= maxFailures) plan.drop(test);
  }

  /** Only the run that was under way is lost; the others of its batch are made again. */
  async #afterLoss(loss: Loss, runs: readonly PlannedRun[], waiting: Set<number>): Promise<void> {
    if (loss.part === "bystander") {
      for (const position of waiting) this.#batches.putBack(runs[position]!);
      return;
    }
    if (loss.part === "suspect") {
      if (loss.why === "memory" || loss.what === "process") this.#exclusive = true;
      for (const position of waiting) this.#suspects.push(runs[position]!);
      return;
    }
    const culprit = loss.position !== undefined && waiting.has(loss.position) ? runs[loss.position]! : undefined;
    for (const position of waiting) {
      if (runs[position] !== culprit) this.#batches.putBack(runs[position]!);
    }
    if (culprit) {
      await this.#finishLost(culprit, loss);
      return;
    }
    this.#idleDeaths++;
    if (this.#idleDeaths >= maxIdleDeaths) throw new Error(`each ${loss.what} dies before it begins a run: ${loss.message}`);
  }

  /**
   * Makes the run once more up to the event that did not end, so that its log shows the way there; then into that event, unless it is known where the code was.
   */
  async #finishLost(run: PlannedRun, loss: Loss): Promise<void> {
    const { tests, timeoutMs, realClock } = this.#options;
    const job = this.#job(run);
    let log = "";
    let stoppedAt: RunFailure | undefined;
    let { stack } = loss;
    if (!realClock && loss.event > 0 && hungInEvent(loss, timeoutMs)) {
      const settings = { stopAtEvent: loss.event, archive: true, checkDeterminism: false };
      await this.#makeAgain({ jobs: [job], settings }, (results) => {
        log = results[0]?.[1].log ?? "";
        stoppedAt = results[0]?.[1].failure;
      });
      stack ??= await this.#followInto(job, loss.event);
    }
    const way = { text: log, stoppedAt };
    this.#finish(run, lostResult(job, serversOf(tests[run.test]!.servers, job), { ...loss, stack }, timeoutMs, way));
  }

  async #followInto(job: Job, event: number): Promise<string | undefined> {
    const settings = { stopAtEvent: event + 1, checkDeterminism: false };
    const end = await this.#makeAgain({ jobs: [job], alone: true, followedEvent: event, settings }, () => {});
    return end.type === "lost" && end.event === event ? end.stack : undefined;
  }

  /** What runs beside it may end its process, too. */
  async #makeAgain(batch: Batch, onResults: OnResults): Promise<BatchEnd> {
    for (let tries = 1; ; tries++) {
      const end = await this.#options.executor.run(batch, onResults);
      if (end.type !== "lost" || end.part === "culprit" || tries === maxTries) return end;
    }
  }
}

function throwIfUnusable(end: Exclude<BatchEnd, Loss>): void {
  if (end.type === "notLoaded") throw new UserError(`${end.what ?? "the implementation"} ${end.why}`, exitCodes.notLoaded);
  if (end.type === "fault") throw new WorkerFault(end.stack);
}

/** A fault of ours in another thread; the stack is that thread's. */
class WorkerFault extends Error {
  constructor(stack: string) {
    super(stack.split("\n")[0] ?? stack);
    this.stack = stack;
  }
}
