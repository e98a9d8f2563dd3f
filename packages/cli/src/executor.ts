import type { Job, RunSettings } from "@raft-stress/harness";
import type { RunResult } from "./run-result.ts";

/** Runs that are handed over together. */
export interface Batch {
  readonly jobs: readonly Job[];
  /** Per test, the failures after which no more of its runs are made. */
  readonly failuresLeft?: Readonly<Record<string, number>>;
  readonly settings?: Partial<RunSettings>;
  /** On a thread of its own: if that thread is lost, it is known which run did it. */
  readonly alone?: boolean;
  /** On a thread that has made no run before and makes none after. */
  readonly fresh?: boolean;
  /** Number of an event that is followed through the code, place by place: if the run does not survive it, the loss tells where it was. The run must be alone. */
  readonly followedEvent?: number;
  /** A file that is to hold the number of the event under way, and its time: what is left of a run that ends its process (`LastEvent`). */
  readonly lastEventFile?: string;
}

/** How a batch lost its thread. */
export interface Loss {
  readonly type: "lost";
  /** What was lost: a thread, or a process with all its threads. */
  readonly what: "thread" | "process";
  readonly why: "timeout" | "memory" | "died";
  /** Position of the run that was under way; undefined when none was. */
  readonly position: number | undefined;
  /**
   * Several batches may have shared the thread. `culprit`: this one ended it; `bystander`: another one did; `suspect`: which of them did is not known.
   */
  readonly part: "culprit" | "bystander" | "suspect";
  /** How the thread's end was told; of a process that ran out of memory, what V8 said. */
  readonly message: string;
  /** The event that had begun last, the virtual time, and for how long that event had been seen to last. */
  readonly event: number;
  readonly virtualMs: number;
  readonly inEventMs: number;
  /** The server whose event it was, if that is known. */
  readonly server: number | undefined;
  /** Where the thread was, as the lines of an Error's stack; not known of one that died, or was within a native call, unless it was followed there. */
  readonly stack: string | undefined;
}

export type BatchEnd =
  | { readonly type: "done" }
  | Loss
  /** The implementation, or the command, cannot be used at all. */
  | { readonly type: "notLoaded"; readonly why: string; readonly what?: string }
  /** A fault of ours, elsewhere; the stack is from there. */
  | { readonly type: "fault"; readonly stack: string };

/** Told each result once, with the position of its job in the batch. */
export type OnResults = (results: readonly (readonly [position: number, result: RunResult])[]) => void;

/** A run that has begun and not ended. */
export interface RunUnderWay {
  readonly job: Job;
  /** Real milliseconds since it began. */
  readonly runMs: number;
  /** Where it can be looked at: a process id and its log so far. */
  readonly where?: string;
}

/** Makes runs: worker threads do it for the built-in tests, processes for external commands. */
export interface Executor {
  /** Batches that can be under way at the same time. */
  readonly capacity: number;
  /** A batch holds one run: nothing is won by handing over several. */
  readonly singleRuns: boolean;
  /**
   * Makes the runs of a batch in order and tells each result once. Never rejects. When the thread was lost, or a test had failed often enough,
   * some jobs have no result.
   */
  run(batch: Batch, onResults: OnResults): Promise<BatchEnd>;
  /** Tells the results that are there and have not been told yet. */
  collect(): void;
  underWay(): readonly RunUnderWay[];
  /** Ends everything that is under way; nothing of it is left when this resolves. */
  close(): Promise<void>;
}
