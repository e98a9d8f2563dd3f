import type { Batch, RunUnderWay } from "../executor.ts";
import type { RunResult } from "../run-result.ts";
import type { LoadEnd } from "./pool.ts";
import type { WorkerSetup } from "./task.ts";

/** What crosses the border between the command and the process that runs a user's Raft: plain data. */

export interface ChildSetup {
  readonly setup: WorkerSetup;
  /** Runs under way at the same time. */
  readonly workers: number;
  readonly timeoutMs: number;
  readonly singleRuns: boolean;
}

/** `id`: the sender's name for the batch, in all that is said of it. */
export type ToChild =
  | ({ readonly type: "setup" } & ChildSetup)
  | { readonly type: "load"; readonly id: number; readonly lastEventFile: string }
  | { readonly type: "run"; readonly id: number; readonly batch: Batch }
  /** The process is to end. */
  | { readonly type: "close" };

type Results = readonly (readonly [position: number, result: RunResult])[];

export type FromChild =
  | { readonly type: "results"; readonly id: number; readonly results: Results }
  /** `results`: those that have not been told. */
  | { readonly type: "end"; readonly id: number; readonly end: LoadEnd; readonly results: Results }
  /** The run that is followed has come here. */
  | { readonly type: "followed"; readonly stack: string | undefined }
  /** Now and then. */
  | { readonly type: "underWay"; readonly runs: readonly RunUnderWay[] }
  /** Again and again: a process that says nothing is stopped, or has lost its channel. */
  | { readonly type: "alive" }
  /** One of its threads can't be ended: the process is about to end itself. */
  | { readonly type: "spent" }
  /** A fault of ours. */
  | { readonly type: "fault"; readonly stack: string };
