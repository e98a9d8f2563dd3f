import type { Job } from "@raft-stress/harness";
import type { Batch, BatchEnd, Executor, OnResults, RunUnderWay } from "../executor.ts";
import { shellWord } from "../invocation.ts";
import { isOverloaded, LoadWatch } from "../load.ts";
import { environmentName } from "../options.ts";
import type { RunResult } from "../run-result.ts";
import type { Ending } from "./outcome.ts";
import { markerName, RunProcesses } from "./process-group.ts";
import { artifactsOf, type RunFolder, type Scratch } from "./run-folder.ts";
import { RunLog } from "./run-log.ts";
import { type ProcessLimits, startProcess } from "./run-process.ts";
import type { Launch, Target } from "./target.ts";
import { canMeasure } from "./timing.ts";

export interface ExternalExecutorOptions {
  readonly target: Target;
  readonly scratch: Scratch;
  readonly workers: number;
  readonly graceMs: number;
  readonly signal: NodeJS.Signals;
  readonly logLimitBytes: number;
  /** The limit that the user has set; a target may see to it itself, and is then given a little longer. */
  readonly timeoutMs: number;
  /** Measure the processor time of each run. */
  readonly timing: boolean;
  readonly verbose: number;
  /** Passing runs leave logs too. */
  readonly archive: boolean;
  /** Where logs are kept. */
  readonly keepDirectory: string;
  /** Runs of each test that are planned, as far as it is known now. */
  total(): number;
}

interface Active {
  readonly job: Job;
  readonly worker: number;
  readonly startedMs: number;
  readonly log: RunLog;
  pid: number | undefined;
}

/** Real milliseconds between two looks at the logs' sizes and the machine's load. */
const lookEveryMs = 250;

/** Makes runs of external tests, each a process group of its own. */
export class ExternalExecutor implements Executor {
  readonly capacity: number;
  readonly singleRuns = true;
  readonly #options: ExternalExecutorOptions;
  readonly #environment = inheritedEnvironment();
  readonly #processes = new RunProcesses();
  readonly #load = new LoadWatch();
  readonly #active = new Set<Active>();
  #lookTimer: NodeJS.Timeout | undefined;

  constructor(options: ExternalExecutorOptions) {
    this.#options = options;
    this.capacity = options.workers;
  }

  async run({ jobs }: Batch, onResults: OnResults): Promise<BatchEnd> {
    try {
      for (const [position, job] of jobs.entries()) await this.#make(job, (result) => onResults([[position, result]]));
      return { type: "done" };
    } catch (error) {
      // A full disk, too many open files: nothing of ours is wrong, and the next run would fare no better.
      if (isSystemError(error)) return { type: "notLoaded", what: "a run", why: `could not be prepared: ${error.message}` };
      throw error;
    }
  }

  async #make(job: Job, onResult: (result: RunResult) => void): Promise<void> {
    const { target, scratch, logLimitBytes, graceMs, signal, timing } = this.#options;
    const folder = scratch.take();
    const log = new RunLog(folder.output, logLimitBytes);
    const active: Active = { job, worker: this.#freeWorker(), startedMs: performance.now(), log, pid: undefined };
    const load = this.#load.now();
    const beside = this.#active.size;
    this.#active.add(active);
    this.#lookTimer ??= setInterval(() => this.#look(), lookEveryMs);
    const run = this.#processes.newRun();
    const told = this.#toldEnvironment(job, active.worker);
    const limits: ProcessLimits = { timeoutMs: target.timeoutMs, graceMs, signal };
    try {
      const environment = { ...this.#environment, ...told, ...ownFolders(folder), [markerName]: this.#processes.marker(run) };
      const request = { launch: target.launch(job), environment, folder, log, limits, measure: timing && canMeasure };
      const started = startProcess(request, this.#processes, run);
      active.pid = started.pid;
      const { ending, time } = await started.ended;
      log.keepBelowLimit();
      const result = this.#result(job, ending, log, folder, told);
      onResult({
        ...result,
        ...(time && time),
        external: { ...result.external!, load, beside, underLoad: isOverloaded(load) },
      });
    } finally {
      this.#active.delete(active);
      if (this.#active.size === 0) this.#stopLooking();
      log.close();
      scratch.giveBack(folder);
    }
  }

  #result(job: Job, ending: Ending, log: RunLog, folder: RunFolder, told: Readonly<Record<string, string>>): RunResult {
    const { target, timeoutMs, graceMs, signal, keepDirectory, archive } = this.#options;
    const { outcome, failure, seconds, lab } = target.judge(job, ending, log, { timeoutMs, graceMs, signal });
    return {
      job,
      outcome,
      seconds: seconds ?? ending.realMs / 1000,
      realMs: ending.realMs,
      ...(lab && withoutSeconds(lab)),
      ...(failure && { failure }),
      external: {
        // Told of runs that leave a log; most do not.
        command: outcome === "pass" && !archive ? "" : commandText(target.launchLater(job, keepDirectory), told),
        load: 0,
        beside: 0,
        underLoad: false,
        outputFile: folder.output,
        artifactsDirectory: artifactsOf(folder),
      },
    };
  }

  /** The least number that no run under way has. */
  #freeWorker(): number {
    const taken = new Set([...this.#active].map(({ worker }) => worker));
    let worker = 0;
    while (taken.has(worker)) worker++;
    return worker;
  }

  #toldEnvironment({ test, iteration, seed }: Job, worker: number): Readonly<Record<string, string>> {
    const { verbose, total } = this.#options;
    return {
      RAFT_STRESS: "1",
      RAFT_STRESS_TEST: test,
      RAFT_STRESS_ITERATION: String(iteration),
      RAFT_STRESS_TOTAL: String(total()),
      RAFT_STRESS_SEED: seed,
      RAFT_STRESS_WORKER: String(worker),
      ...(verbose > 0 && { VERBOSE: String(verbose) }),
    };
  }

  #look(): void {
    this.#load.now();
    for (const { log } of this.#active) log.keepBelowLimit();
  }

  #stopLooking(): void {
    clearInterval(this.#lookTimer);
    this.#lookTimer = undefined;
  }

  /** A run's result is told when its process ends. */
  collect(): void {}

  underWay(): readonly RunUnderWay[] {
    const nowMs = performance.now();
    return [...this.#active].map(({ job, startedMs, log, pid }) => ({
      job,
      runMs: nowMs - startedMs,
      where: `pid ${pid}, log so far: ${log.path}`,
    }));
  }

  /** Runs that left processes behind, which were ended. */
  get untidyRuns(): number {
    return this.#processes.untidyRuns;
  }

  async close(): Promise<void> {
    this.#stopLooking();
    await this.#processes.close();
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === "string";
}

function withoutSeconds<T extends { readonly seconds: number }>({ seconds: _, ...rest }: T): Omit<T, "seconds"> {
  return rest;
}

/** A raft-stress among the commands must not take our --exec for its own. */
function inheritedEnvironment(): Readonly<Record<string, string>> {
  const { [environmentName("exec")]: _exec, [environmentName("go")]: _go, ...rest } = process.env;
  return Object.fromEntries(Object.entries(rest).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function ownFolders({ temporary, artifacts }: RunFolder): Readonly<Record<string, string>> {
  const windows = process.platform === "win32" ? { TEMP: temporary, TMP: temporary } : {};
  return { TMPDIR: temporary, RAFT_STRESS_ARTIFACTS: artifacts, ...windows };
}

/** What a user can paste to start the same process. Its folders are left out: they went away with it. */
function commandText({ file, args, directory }: Launch, told: Readonly<Record<string, string>>): string {
  const variables = Object.entries(told).map(([name, value]) => `${name}=${shellWord(value)}`);
  const command = [...variables, shellWord(file), ...args.map(shellWord)].join(" ");
  return directory === process.cwd() ? command : `(cd ${shellWord(directory)} && ${command})`;
}
