import type { MessagePort } from "node:worker_threads";
import type { IterationResult, Job, RunSettings } from "@raft-stress/harness";
import type { BundledRaft } from "../implementation/bundled-raft.ts";

/** What crosses the border between the command's thread and its worker threads: plain data. */

/** Given to every worker thread when it starts. */
export interface WorkerSetup {
  /** The Raft under test; undefined: the built-in one. */
  readonly raft: BundledRaft | undefined;
  readonly settings: RunSettings;
}

export interface BatchTask {
  readonly kind: "batch";
  /** Shared memory: the cells that the present run writes (`progressCells`), then the id of the thread that has the batch. */
  readonly cells: Int32Array;
  readonly jobs: readonly Job[];
  /** Per test, the failures after which no more of its runs are made. */
  readonly failuresLeft?: Readonly<Record<string, number>>;
  /** Settings of this batch alone. */
  readonly settings?: Partial<RunSettings>;
  readonly lastEventFile?: string;
  readonly followedEvent?: number;
  /** Takes `PositionedResult[]` while the batch runs. What is not sent that way is what the task returns. */
  readonly port?: MessagePort;
}

/** Loads the implementation and says how that went. */
export interface LoadTask {
  readonly kind: "load";
  readonly cells: Int32Array;
  readonly lastEventFile?: string;
}

export type Task = BatchTask | LoadTask;

/** A result, and the position of its job in the batch. */
export type PositionedResult = readonly [position: number, result: IterationResult];

export type TaskEnd =
  | { readonly type: "results"; readonly results: readonly PositionedResult[] }
  | { readonly type: "loaded" }
  | { readonly type: "notLoaded"; readonly why: string }
  | { readonly type: "fault"; readonly stack: string };
