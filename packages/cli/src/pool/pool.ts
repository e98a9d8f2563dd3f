import { MessageChannel, type MessagePort, receiveMessageOnPort, type Worker } from "node:worker_threads";
import type { Job } from "@raft-stress/harness";
import type { Piscina } from "piscina";
import type { Batch, BatchEnd, Executor, Loss, OnResults, RunUnderWay } from "../executor.ts";
import { MemoryWatch } from "./memory-watch.ts";
import { RunWatch } from "./run-watch.ts";
import type { BatchTask, LoadTask, Task, TaskEnd } from "./task.ts";
import { followThread, shownStack, stackOfThread } from "./thread-stack.ts";
import type { Threads } from "./threads.ts";

export interface PoolOptions extends Threads {
  /** Real milliseconds that one run may take. */
  readonly timeoutMs: number;
  /** Each run is a batch of its own. */
  readonly singleRuns: boolean;
  /** Called with each place to which the event under way was followed (`Batch.followedEvent`). */
  onFollowed?(stack: string | undefined): void;
  /** Called when a thread does not end, because no native call can be broken off. Its batches are lost all the same. Absent: they wait for it. */
  onEndlessThread?(): void;
}

export type LoadEnd = BatchEnd | { readonly type: "loaded" };

interface Active {
  readonly jobs: readonly Job[];
  readonly watch: RunWatch;
  readonly threads: Piscina;
  readonly onResults: OnResults;
  readonly port: MessagePort | undefined;
  /** Why the pool has ended the batch's thread, if it has. */
  ended: "timeout" | "memory" | undefined;
  /** Settles when the ended thread is gone, and its memory with it. */
  gone: Promise<unknown> | undefined;
  /** Real milliseconds that a run of it may take, or what is followed of it a step. */
  readonly timeoutMs: number;
  /** Loses the batch although its thread goes on. */
  giveUp(): void;
  /** Known when its thread is lost. */
  part: Loss["part"] | undefined;
  stack: string | undefined;
}

/** How long a thread may take to tell where it is before it is ended all the same, in real milliseconds. */
const stackWithinMs = 500;

/** How long a run that is followed may take for one step, in real milliseconds. */
const stepTimeoutMs = 2000;

/** How long a thread may take to end, in real milliseconds, before nothing is expected of it any more. */
const endsWithinMs = 1000;

/** Real milliseconds. A thread can take a gigabyte in a second. */
const watchEveryMs = 100;

/** How often the runs themselves are looked at, as a part of their limit, and at least: on the real clock fifty of them wait beside each other. */
const looksPerLimit = 100;
const longestBetweenLooksMs = 500;

/** Hands batches to worker threads and watches them: a thread whose run takes too long is ended, and replaced. */
export class Pool implements Executor {
  readonly capacity: number;
  readonly singleRuns: boolean;
  #options: PoolOptions;
  #aloneThread: Piscina | undefined;
  #active = new Set<Active>();
  #watchdog: NodeJS.Timeout | undefined;
  #memory: MemoryWatch;
  /** Threads that are being ended have been asked where they are. */
  readonly #asked = new WeakMap<Worker, Promise<string | undefined>>();
  /** Batches under way when the memory was found to be exceeded that have not ended yet. */
  #memoryRuns = 0;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.capacity = options.capacity;
    this.singleRuns = options.singleRuns;
    this.#memory = new MemoryWatch(options.threads.options.maxThreads + 1);
  }

  /** Loads the implementation in one thread, so that what is wrong with it is known before anything runs. */
  load(lastEventFile?: string): Promise<LoadEnd> {
    return this.#submit(
      this.#options.threads,
      [],
      undefined,
      () => {},
      (cells): LoadTask => ({ kind: "load", cells, ...(lastEventFile !== undefined && { lastEventFile }) }),
    );
  }

  async run(batch: Batch, onResults: OnResults): Promise<BatchEnd> {
    const { jobs, failuresLeft, settings, lastEventFile, followedEvent } = batch;
    // A single result comes back with the task itself.
    const channel = jobs.length > 1 ? new MessageChannel() : undefined;
    const task = (cells: Int32Array): BatchTask => ({
      kind: "batch",
      cells,
      jobs,
      ...(failuresLeft && { failuresLeft }),
      ...(settings && { settings }),
      ...(lastEventFile !== undefined && { lastEventFile }),
      ...(followedEvent !== undefined && { followedEvent }),
      ...(channel && { port: channel.port2 }),
    });
    const threads = batch.fresh ? this.#options.startAloneThread() : batch.alone ? this.#alone() : this.#options.threads;
    const end = await this.#submit(threads, jobs, channel, onResults, task, followedEvent !== undefined);
    if (batch.fresh) await threads.destroy();
    return end.type === "loaded" ? { type: "fault", stack: "a batch ended as a load" } : end;
  }

  #alone(): Piscina {
    this.#aloneThread ??= this.#options.startAloneThread();
    return this.#aloneThread;
  }

  async #submit(
    threads: Piscina,
    jobs: readonly Job[],
    channel: MessageChannel | undefined,
    onResults: OnResults,
    task: (cells: Int32Array) => Task,
    isFollowed = false,
  ): Promise<LoadEnd> {
    let giveUp = (): void => {};
    const given = new Promise<never>((_, reject) => {
      giveUp = () => reject(new Error("the thread did not end"));
    });
    const active: Active = {
      jobs,
      timeoutMs: isFollowed ? Math.min(stepTimeoutMs, this.#options.timeoutMs) : this.#options.timeoutMs,
      giveUp,
      watch: new RunWatch(),
      threads,
      onResults,
      port: channel?.port1,
      ended: undefined,
      gone: undefined,
      part: undefined,
      stack: undefined,
    };
    channel?.port1.on("message", onResults);
    this.#active.add(active);
    this.#startWatchdog();
    try {
      if (isFollowed) await this.#follow(active);
      const made: Promise<TaskEnd> = threads.run(task(active.watch.cells), channel && { transferList: [channel.port2] });
      const end = await Promise.race([made, given]);
      drain(active);
      if (end.type !== "results") return end;
      onResults(end.results);
      return { type: "done" };
    } catch (error) {
      drain(active);
      const loss = this.#loss(active, error);
      await active.gone;
      return loss;
    } finally {
      channel?.port1.close();
      this.#active.delete(active);
      if (this.#memoryRuns > 0 && --this.#memoryRuns === 0) this.#memory.settle();
      if (this.#active.size === 0) this.#stopWatchdog();
    }
  }

  async #follow(active: Active): Promise<void> {
    const [worker] = active.threads.threads;
    if (worker === undefined) return;
    await followThread(worker, (stack) => {
      active.stack = stack;
      active.watch.runMs = 0;
      this.#options.onFollowed?.(stack);
    });
  }

  #loss(active: Active, error: unknown): Loss {
    const { watch } = active;
    this.#judge(active);
    return {
      type: "lost",
      what: "thread",
      why: active.ended ?? "died",
      position: watch.position < 0 ? undefined : watch.position,
      part: active.part!,
      message: error instanceof Error ? error.message : String(error),
      event: watch.event,
      virtualMs: watch.virtualMs,
      inEventMs: watch.inEventMs,
      server: undefined,
      stack: shownStack(active.stack),
    };
  }

  /** Of the batches whose thread is lost with this one: who ended it? On the real clock they took turns, and mostly it is known whose turn it was. */
  #judge(active: Active): void {
    if (active.part !== undefined) return;
    const { thread } = active.watch;
    const together = [...this.#active].filter((other) => other === active || (thread !== 0 && other.watch.thread === thread));
    const culprit = together.length === 1 ? active : onlyOne(together.filter(({ watch }) => watch.hasTurn));
    for (const one of together) one.part ??= culprit === undefined ? "suspect" : one === culprit ? "culprit" : "bystander";
  }

  #startWatchdog(): void {
    if (this.#watchdog) return;
    const intervalMs = Math.min(watchEveryMs, Math.max(5, this.#options.timeoutMs / 10));
    const lookEveryMs = Math.min(this.#options.timeoutMs / looksPerLimit, longestBetweenLooksMs);
    let lastMs = performance.now();
    let sinceLookMs = 0;
    this.#watchdog = setInterval(() => {
      const nowMs = performance.now();
      // A pause of the whole process (a suspended machine, SIGSTOP) is no time that a run has spent.
      sinceLookMs += Math.min(nowMs - lastMs, 4 * intervalMs);
      lastMs = nowMs;
      if (sinceLookMs >= lookEveryMs) {
        for (const active of this.#active) this.#check(active, sinceLookMs);
        sinceLookMs = 0;
      }
      this.#checkMemory();
    }, intervalMs);
  }

  #stopWatchdog(): void {
    clearInterval(this.#watchdog);
    this.#watchdog = undefined;
  }

  #check(active: Active, passedMs: number): void {
    active.watch.advance(passedMs);
    if (active.ended === undefined && active.watch.runMs >= active.timeoutMs) this.#end(active, "timeout");
  }

  #end(active: Active, why: "timeout" | "memory"): void {
    const worker = active.threads.threads.find(({ threadId }) => threadId === active.watch.thread);
    // No worker: the batch has not reached a thread yet.
    if (!worker) return;
    active.ended = why;
    active.gone = this.#askAndTerminate(worker, active);
  }

  async #askAndTerminate(worker: Worker, active: Active): Promise<unknown> {
    const followed = active.stack === undefined ? undefined : Promise.resolve(active.stack);
    const asked = followed ?? this.#asked.get(worker) ?? stackOfThread(worker, stackWithinMs);
    // Runs that share a thread end with it: one question is enough.
    this.#asked.set(worker, asked);
    active.stack = await asked;
    const ended = worker.terminate();
    const { onEndlessThread } = this.#options;
    if (onEndlessThread === undefined || (await settlesWithin(ended, endsWithinMs))) return await ended;
    active.giveUp();
    return onEndlessThread();
  }

  /** Which of several runs takes the memory cannot be seen from outside: all end, and each is made again alone. */
  #checkMemory(): void {
    if (this.#memoryRuns || !this.#memory.exceeded) return;
    const running = [...this.#active].filter(({ ended }) => ended === undefined);
    this.#memoryRuns = this.#active.size;
    for (const active of running) {
      if (running.length > 1) active.part = "suspect";
      this.#end(active, "memory");
    }
  }

  collect(): void {
    for (const active of this.#active) drain(active);
  }

  underWay(): readonly RunUnderWay[] {
    return [...this.#active].flatMap(({ jobs, watch }) => {
      const job = jobs[watch.position];
      return job ? [{ job, runMs: watch.runMs }] : [];
    });
  }

  async close(): Promise<void> {
    this.#stopWatchdog();
    await Promise.all([this.#options.threads.destroy(), this.#aloneThread?.destroy()]);
  }
}

function settlesWithin(promise: Promise<unknown>, withinMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), withinMs);
    const settled = (): void => {
      clearTimeout(timer);
      resolve(true);
    };
    promise.then(settled, settled);
  });
}

function onlyOne<T>(list: readonly T[]): T | undefined {
  return list.length === 1 ? list[0] : undefined;
}

/** Takes what a thread has sent and what has not been told yet. */
function drain({ port, onResults }: Active): void {
  if (!port) return;
  for (let received = receiveMessageOnPort(port); received; received = receiveMessageOnPort(port)) onResults(received.message);
}
