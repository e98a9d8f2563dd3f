import type { Act, Failure, Job, Outcome } from "@raft-stress/harness";

/** What is told apart among external runs that did not pass; finer than their outcome. */
export type FailureKind = "failed" | "panic" | "race" | "timeout" | "signal" | "memory" | "no-test" | "not-started";

/** Why a run did not pass. An external command knows no virtual time and no events. */
export interface RunFailure extends Omit<Failure, "atMs" | "event"> {
  readonly atMs?: number;
  readonly event?: number;
  readonly kind?: FailureKind;
}

/** What only a run in a process of its own has. */
interface ExternalFacts {
  /** The exact command line with the environment that was added, as text for a shell. Empty for a run that leaves no log. */
  readonly command: string;
  /** Runnable threads of the machine, or its load average, when the run was started. */
  readonly load: number;
  /** Other runs under way when this one was started. */
  readonly beside: number;
  /** The machine had more to do than it has processors. */
  readonly underLoad: boolean;
  /** Where the run's output is; it goes away unless it is saved. */
  readonly outputFile: string;
  /** What the run left in RAFT_STRESS_ARTIFACTS; undefined: nothing. */
  readonly artifactsDirectory: string | undefined;
}

/**
 * What comes back from one run, whoever made it: the harness's `IterationResult` is one. What a run cannot tell is absent.
 */
export interface RunResult {
  readonly job: Job;
  readonly outcome: Outcome;
  /** The test's own time. */
  readonly seconds: number;
  readonly realMs: number;
  readonly userMs?: number;
  readonly systemMs?: number;
  readonly servers?: number;
  readonly rpcs?: number;
  readonly bytes?: number;
  readonly commands?: number;
  readonly events?: number;
  readonly traceHash?: string;
  /** For each event, a hash of all that had happened by its end; see the harness's `IterationResult`. */
  readonly eventDigests?: Int32Array;
  /** What was done in one event, where that was asked for; see the harness's `IterationResult`. */
  readonly acts?: readonly Act[];
  readonly failure?: RunFailure;
  /** What was checked, and what happened; see the harness's `IterationResult`. */
  readonly looks?: readonly number[];
  readonly coverage?: readonly number[];
  /** In checked mode; see the harness's `IterationResult`. */
  readonly schedule?: string;
  readonly excused?: string;
  /** The log's text without its header. An external run's is in a file instead. */
  readonly log?: string;
  readonly external?: ExternalFacts;
}
