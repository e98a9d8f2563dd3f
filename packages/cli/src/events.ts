import type { ClockKind } from "@raft-stress/harness";
import type { RunResult } from "./run-result.ts";
import type { TestInfo } from "./select.ts";

/** What happens while the command runs: the seam between the runner and everything that shows or stores. */
export type RunEvent = RunsStarted | RunFinished | RoundFinished | RunsEnded;

export interface RunsStarted {
  readonly type: "start";
  /** The command's seed, 16 hexadecimal digits. */
  readonly seed: string;
  readonly tests: readonly TestInfo[];
  /** Runs of each test, in the first round if there are more. */
  readonly iterations: number;
  readonly loop: boolean;
  readonly workers: number;
  readonly clock: ClockKind;
  /** Whether --race was given. */
  readonly race: boolean;
  /** What is under test, as the user named it. */
  readonly raft: string;
  /** Versions of raft-stress and of Node. */
  readonly version: string;
  readonly node: string;
}

export interface RunFinished {
  readonly type: "run";
  readonly result: RunResult;
  /** Position of the test among the chosen ones. */
  readonly test: number;
  /** Where its log was saved. */
  readonly log: string | undefined;
}

interface RoundFinished {
  readonly type: "round";
  /** Runs of each test in the round that begins now. */
  readonly nextSize: number;
}

/** Why no more runs were started. `done`: there was nothing more to do. */
export type EndReason = "done" | "deadline" | "interrupted";

export interface RunsEnded {
  readonly type: "end";
  readonly reason: EndReason;
  readonly wallSeconds: number;
}

/** Draws or stores; told everything in order. */
export type Reporter = (event: RunEvent) => void;
