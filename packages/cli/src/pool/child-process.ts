import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { ClockKind, Job } from "@raft-stress/harness";
import type { OnResults, RunUnderWay } from "../executor.ts";
import type { ChildSetup, FromChild, ToChild } from "./child-messages.ts";
import { type Death, DeathCry } from "./death-cry.ts";
import type { LoadEnd } from "./pool.ts";

/** A batch that the process has. */
export interface Active {
  readonly id: number;
  readonly jobs: readonly Job[];
  readonly onResults: OnResults;
  /** When the process was given it, in milliseconds of `performance.now()`. */
  readonly sentMs: number;
  /** Positions of the jobs whose results have come. */
  readonly finished: Set<number>;
}

/** The process is gone, and a batch with it. */
export interface ChildEnd {
  readonly type: "gone";
  /** It has ended itself, and the batch is none of its reasons. */
  readonly deliberate: boolean;
  readonly death: Death;
  /** Batches that were under way in it. */
  readonly company: number;
  /** The last place to which the batch's run was followed. */
  readonly followed: string | undefined;
}

const childFile = fileURLToPath(new URL("./child.js", import.meta.url));

/** How long the process may take to end when it is asked to, in real milliseconds. */
const endsWithinMs = 1000;

/** How long what it has printed may take to come when it has ended, in real milliseconds. */
const closesWithinMs = 300;

/** How often it is looked whether the process has said anything, in real milliseconds, and how many looks in vain are too many. */
const looksEveryMs = 2000;
const longestSilence = 8;

/** A process that runs a user's Raft, seen from the command. */
export class Child {
  /** Whether it takes no more batches. */
  spent = false;
  readonly #process: ChildProcess;
  readonly #cry: DeathCry;
  readonly #active = new Map<number, Active & { settle(end: LoadEnd | ChildEnd): void }>();
  readonly #gone: Promise<void>;
  readonly #watch: NodeJS.Timeout;
  /** Looks since the process was last heard of. Looks are counted, not time: a machine that sleeps makes none. */
  #silentLooks = 0;
  #deliberate = false;
  #underWay: readonly RunUnderWay[] = [];
  /** The batch whose run is followed, and the last place of its code. */
  #followed: { readonly id: number; stack: string | undefined } | undefined;

  /** Starts one, which boots while the command loads the rest. `print` takes what it prints. */
  static start(clock: ClockKind, print: (text: string) => void): Child {
    // All machines are to show a server the same time of day.
    const env = clock === "virtual" ? { ...process.env, TZ: "UTC" } : process.env;
    // What code writes to the process's own streams, past the trace, must not get between the command's lines.
    return new Child(fork(childFile, [], { env, serialization: "advanced", stdio: ["ignore", "pipe", "pipe", "ipc"] }), print);
  }

  private constructor(process: ChildProcess, print: (text: string) => void) {
    this.#process = process;
    this.#cry = new DeathCry(print);
    for (const stream of [process.stdout!, process.stderr!]) {
      stream.setEncoding("utf8");
      stream.on("data", (text: string) => this.#cry.hear(text));
    }
    process.on("message", (message: unknown) => this.#listen(message));
    this.#watch = setInterval(() => this.#countSilence(), looksEveryMs).unref();
    // Once all that it has printed is there.
    this.#gone = new Promise((resolve) => {
      const gone = (code: number | null, signal: NodeJS.Signals | null): void => {
        this.#end(code, signal);
        resolve();
      };
      process.on("close", gone);
      // Whoever the process has started may hold its streams for longer.
      process.on("exit", (code, signal) => setTimeout(() => this.#letGo(() => gone(code, signal)), closesWithinMs).unref());
      process.on("error", (error) => {
        this.#settleAll({ ofMemory: false, message: `it could not be started: ${error.message}` });
        resolve();
      });
    });
  }

  setUp(setup: ChildSetup): void {
    this.#tell({ type: "setup", ...setup });
  }

  send(message: ToChild, active: Active): Promise<LoadEnd | ChildEnd> {
    return new Promise((settle) => {
      this.#active.set(active.id, { ...active, settle });
      if (message.type === "run" && message.batch.followedEvent !== undefined) this.#followed = { id: active.id, stack: undefined };
      this.#tell(message);
    });
  }

  #tell(message: ToChild): void {
    // A process that is gone is told of by its end.
    this.#process.send(message, () => {});
  }

  underWay(): readonly RunUnderWay[] {
    const nowMs = performance.now();
    const active = [...this.#active.values()];
    const single = active.flatMap(({ jobs, sentMs }) => (jobs.length === 1 ? [{ job: jobs[0]!, runMs: nowMs - sentMs }] : []));
    const unfinished = new Set(
      active.flatMap(({ jobs, finished }) => (jobs.length > 1 ? jobs.filter((_, i) => !finished.has(i)) : [])).map(key),
    );
    return [...single, ...this.#underWay.filter(({ job }) => unfinished.has(key(job)))];
  }

  async close(): Promise<void> {
    this.spent = true;
    // Not disconnect(), after which Node never tells that the process has closed.
    this.#tell({ type: "close" });
    const deadline = setTimeout(() => this.#process.kill("SIGKILL"), endsWithinMs);
    await this.#gone;
    clearTimeout(deadline);
  }

  /** On the real clock code may write to any stream, the channel included. */
  #listen(message: unknown): void {
    this.#silentLooks = 0;
    if (isFromChild(message)) this.#hear(message);
    else this.#process.kill("SIGKILL");
  }

  #countSilence(): void {
    if (++this.#silentLooks >= longestSilence) this.#process.kill("SIGKILL");
  }

  #hear(message: FromChild): void {
    if (message.type === "alive") return;
    if (message.type === "underWay") this.#underWay = message.runs;
    else if (message.type === "followed") this.#followed = this.#followed && { ...this.#followed, stack: message.stack };
    else if (message.type === "fault") this.#fail(message.stack);
    else if (message.type === "spent") {
      this.spent = true;
      this.#deliberate = true;
    } else this.#hearOf(message);
  }

  #hearOf(message: Extract<FromChild, { readonly id: number }>): void {
    const active = this.#active.get(message.id);
    if (active === undefined) return;
    const { results } = message;
    for (const [position] of results) active.finished.add(position);
    if (results.length > 0) active.onResults(results);
    if (message.type === "results") return;
    this.#active.delete(message.id);
    active.settle(message.end);
  }

  #fail(stack: string): void {
    for (const { settle } of this.#active.values()) settle({ type: "fault", stack });
    this.#active.clear();
  }

  #letGo(end: () => void): void {
    for (const stream of [this.#process.stdout!, this.#process.stderr!]) stream.destroy();
    end();
  }

  #end(code: number | null, signal: NodeJS.Signals | null): void {
    const death = this.#cry.death();
    if (death === undefined || code === 0) this.#cry.release();
    const how = signal === null ? `exited with code ${code}` : `was ended by ${signal}`;
    this.#settleAll(death ?? { ofMemory: false, message: how });
  }

  #settleAll(death: Death): void {
    this.spent = true;
    clearInterval(this.#watch);
    const company = this.#active.size;
    const end = { type: "gone", deliberate: this.#deliberate, death, company } as const;
    for (const { id, settle } of this.#active.values()) {
      settle({ ...end, followed: id === this.#followed?.id ? this.#followed.stack : undefined });
    }
    this.#active.clear();
  }
}

function isFromChild(message: unknown): message is FromChild {
  if (typeof message !== "object" || message === null || !("type" in message)) return false;
  return !("id" in message) || ("results" in message && Array.isArray(message.results));
}

function key({ test, iteration }: Job): string {
  return `${test} ${iteration}`;
}
