import type { IterationResult, Job, RunSettings } from "@raft-stress/harness";
import type { BundledRaft } from "../src/implementation/bundled-raft.ts";

export interface ThreadOptions {
  /** Undefined: the built-in Raft. */
  readonly raft: BundledRaft | undefined;
  /** What differs from the command's own. */
  readonly settings?: Partial<RunSettings>;
}

/** Makes runs of a Raft as the command does: bundled, and evaluated in a worker thread. */
export class RaftThread {
  constructor(options: ThreadOptions);
  /** The results of the jobs, which this thread runs in order. Rejects when it cannot load the Raft, or is lost. */
  run(jobs: readonly Job[]): Promise<IterationResult[]>;
  close(): Promise<void>;
}

/** A file as one script, which threads can be given. */
export function bundle(file: string): Promise<BundledRaft>;
