import { readdirSync, readFileSync } from "node:fs";

/** Every process of a run has this in its environment: those that leave the group of their run are found by it (Linux). */
export const markerName = "RAFT_STRESS_RUN";

/** Whether a group has a process that has not ended; one that has and was not waited for still answers to a signal. */
function hasLivingGroup(leader: number): boolean {
  if (!hasGroups) return false;
  try {
    process.kill(-leader, 0);
  } catch {
    return false;
  }
  if (process.platform !== "linux") return true;
  return processIds().some((pid) => {
    const [, state, group] = /\) (\S) \d+ (\d+) /.exec(readProcess(pid, "stat")) ?? [];
    return Number(group) === leader && state !== "Z" && state !== "X";
  });
}

/** Between being asked to end and being ended, when the command is interrupted, in real milliseconds. */
const interruptGraceMs = 400;

/** Whether processes can be gathered in groups and be sent signals. */
export const hasGroups = process.platform !== "win32";

/** Sends a signal to all processes of a group; false: there is none. On Windows only the process itself is ended. */
function signalGroup(leader: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(hasGroups ? -leader : leader, signal);
  } catch {
    return false;
  }
}

/**
 * The processes of the runs under way, each run a group of its own. Nothing of a run outlives it: what is left in its group is killed when its first
 * process has ended; a process that made a session of its own is found on Linux by its environment.
 */
export class RunProcesses {
  /** Names this command among all that run on the machine. */
  readonly #session = Buffer.from(crypto.getRandomValues(new Uint8Array(6))).toString("hex");
  /** Runs under way: group leader by the run's number. */
  readonly #leaders = new Map<number, number>();
  #number = 0;
  #sweepTimer: NodeJS.Timeout | undefined;
  /** Runs that left processes behind when they ended. */
  #untidy = new Set<number>();
  /** Runs under way that were killed by us. */
  #killed = new Set<number>();
  readonly #onExit = () => this.#killAll();

  constructor() {
    // The second Ctrl-C, and a fault of ours, end the process on the spot. The folders of the runs go after the runs.
    process.prependOnceListener("exit", this.#onExit);
  }

  /** A number for a run that is about to start. */
  newRun(): number {
    return this.#number++;
  }

  /** The marker of a run, beside those of a command that this one is part of. */
  marker(run: number): string {
    const outer = process.env[markerName];
    return `${outer === undefined ? "" : `${outer} `}${this.#session}-${run}`;
  }

  started(run: number, leader: number): void {
    this.#leaders.set(run, leader);
  }

  /** The run's first process has ended, and what it left must go. */
  ended(run: number): void {
    const leader = this.#leaders.get(run);
    this.#leaders.delete(run);
    if (leader !== undefined && hasLivingGroup(leader)) {
      signalGroup(leader, "SIGKILL");
      if (!this.#killed.has(run)) this.#untidy.add(run);
    }
    this.#killed.delete(run);
    // Looking at every process of the machine costs as much as a short run does: once for many runs.
    this.#sweepTimer ??= setTimeout(() => {
      this.#sweepTimer = undefined;
      this.#sweepEnded();
    }, sweepEveryMs).unref();
  }

  signal(run: number, signal: NodeJS.Signals): void {
    const leader = this.#leaders.get(run);
    if (leader !== undefined) signalGroup(leader, signal);
  }

  /** Ends all processes of a run, wherever they are. */
  kill(run: number): void {
    this.#killed.add(run);
    this.signal(run, "SIGKILL");
    this.#sweep((found) => found === run);
  }

  /** Asks all runs to end, then ends what is left of them. */
  async close(): Promise<void> {
    for (const leader of this.#leaders.values()) signalGroup(leader, "SIGTERM");
    const giveUpMs = performance.now() + interruptGraceMs;
    while (this.#leaders.size > 0 && performance.now() < giveUpMs) await new Promise((resolve) => setTimeout(resolve, 10));
    this.#killAll();
    clearTimeout(this.#sweepTimer);
    process.off("exit", this.#onExit);
  }

  /** Runs whose processes had to be ended after them. */
  get untidyRuns(): number {
    this.#sweepEnded();
    return this.#untidy.size;
  }

  #killAll(): void {
    for (const leader of this.#leaders.values()) signalGroup(leader, "SIGKILL");
    this.#sweep(() => true);
  }

  #sweepEnded(): void {
    for (const run of this.#sweep((found) => !this.#leaders.has(found))) this.#untidy.add(run);
  }

  /** Kills all processes whose run is wanted; returns their runs. A process may start another while this looks: it looks again until none is found. */
  #sweep(wanted: (run: number) => boolean): ReadonlySet<number> {
    const runs = new Set<number>();
    if (process.platform !== "linux" || this.#number === 0) return runs;
    for (let pass = 0; pass < maxSweeps; pass++) {
      const found = processesOf(this.#session).filter(({ run }) => wanted(run));
      for (const { pid, run } of found) {
        runs.add(run);
        killProcess(pid);
      }
      if (found.length === 0) break;
    }
    return runs;
  }
}

const sweepEveryMs = 2000;
const maxSweeps = 20;

function killProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

/** All processes on this machine that carry the marker of a session. */
function processesOf(session: string): readonly { readonly pid: number; readonly run: number }[] {
  const pattern = new RegExp(`\\0${markerName}=[^\\0]*\\b${session}-(\\d+)\\b`);
  return processIds().flatMap((pid) => {
    const run = Number(pid) === process.pid ? undefined : pattern.exec(`\0${readProcess(pid, "environ")}`)?.[1];
    return run === undefined ? [] : [{ pid: Number(pid), run: Number(run) }];
  });
}

function processIds(): readonly string[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name));
}

/** Empty when the process has ended meanwhile; its environment also when it is someone else's, or was not waited for. */
function readProcess(pid: string, what: "environ" | "stat"): string {
  try {
    return readFileSync(`/proc/${pid}/${what}`, "latin1");
  } catch {
    return "";
  }
}
