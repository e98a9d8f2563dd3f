import { closeSync, openSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import type { Ending } from "./outcome.ts";
import { hasGroups, type RunProcesses } from "./process-group.ts";
import type { RunFolder } from "./run-folder.ts";
import type { RunLog } from "./run-log.ts";
import type { Launch } from "./target.ts";
import { measuring, type ProcessorTime, readMeasured } from "./timing.ts";

export interface ProcessLimits {
  /** Real milliseconds until the signal, and from there until the whole group is killed. */
  readonly timeoutMs: number;
  readonly graceMs: number;
  readonly signal: NodeJS.Signals;
}

export interface ProcessRequest {
  readonly launch: Launch;
  readonly environment: Readonly<Record<string, string>>;
  readonly folder: RunFolder;
  readonly log: RunLog;
  readonly limits: ProcessLimits;
  /** Measure processor time too: that takes a shell around the command. */
  readonly measure: boolean;
}

export interface ProcessRun {
  /** Undefined: it could not be started. */
  readonly pid: number | undefined;
  readonly ended: Promise<{ readonly ending: Ending; readonly time: ProcessorTime | undefined }>;
}

/** Starts the process of a run, in a group of its own, and sees to it that it ends in time. */
export function startProcess(request: ProcessRequest, processes: RunProcesses, run: number): ProcessRun {
  const { launch, folder, log, environment, measure } = request;
  const timesFile = join(folder.path, "times");
  const times = measure ? openSync(timesFile, "w") : undefined;
  const { file, args } = measure ? measuring(launch.file, launch.args) : launch;
  const startedMs = performance.now();
  const child = execa(file, args, {
    cwd: launch.directory,
    env: environment,
    extendEnv: false,
    // stdout and stderr are one open file: what is written keeps its order.
    stdio: ["ignore", descriptor(log.descriptor), descriptor(log.descriptor), ...(times === undefined ? [] : [descriptor(times)])],
    detached: hasGroups,
    cleanup: false,
    buffer: false,
    reject: false,
  });
  if (times !== undefined) closeSync(times);
  if (child.pid !== undefined) processes.started(run, child.pid);
  const guard = new TimeGuard(request, processes, run);
  const ended = child.then((result) => {
    const realMs = performance.now() - startedMs;
    guard.stop();
    processes.ended(run);
    const measured = measure ? readMeasured(timesFile) : undefined;
    const signal = result.signal ?? signalOfStatus(measured?.status);
    const ending: Ending = {
      exitCode: signal === undefined ? result.exitCode : undefined,
      signal,
      timedOut: guard.timedOut,
      killed: guard.killed,
      notStarted: child.pid === undefined ? (result.originalMessage ?? "unknown reason") : undefined,
      machineOutOfMemory: signal === "SIGKILL" && !guard.killed && memoryKills.haveGrown(),
      realMs,
    };
    return { ending, time: measured?.time };
  });
  return { pid: child.pid, ended };
}

/** Any descriptor is passed on as it is; execa's types name only the first few. */
function descriptor(number: number): 3 {
  return number as 3;
}

/** A shell adds 128 to the number of the signal that ended its child. */
function signalOfStatus(status: number | undefined): string | undefined {
  if (status === undefined || status <= 128) return undefined;
  return Object.entries(constants.signals).find(([, number]) => number === status - 128)?.[0];
}

/** Ends a run that takes too long: a signal that makes it print its stacks, some time for that, then the end of all its processes. */
class TimeGuard {
  timedOut = false;
  killed = false;
  #timer: NodeJS.Timeout;

  constructor({ limits, log }: ProcessRequest, processes: RunProcesses, run: number) {
    const { timeoutMs, graceMs, signal } = limits;
    this.#timer = setTimeout(() => {
      this.timedOut = true;
      log.note(`still running after ${timeoutMs / 1000} s: sent ${signal}`);
      processes.signal(run, signal);
      this.#timer = setTimeout(() => {
        this.killed = true;
        log.note(`still running ${graceMs / 1000} s after ${signal}: killed with all its processes`);
        processes.kill(run);
      }, graceMs);
    }, timeoutMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

/** How often the kernel has killed a process for want of memory (Linux). */
class MemoryKills {
  #seen = this.#read();

  haveGrown(): boolean {
    const before = this.#seen;
    this.#seen = this.#read();
    return this.#seen > before;
  }

  #read(): number {
    try {
      return Number(/^oom_kill (\d+)$/m.exec(readFileSync("/proc/vmstat", "latin1"))?.[1] ?? 0);
    } catch {
      return 0;
    }
  }
}

const memoryKills = new MemoryKills();
