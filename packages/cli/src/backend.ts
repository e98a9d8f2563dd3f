import type { LogContent } from "./artifacts.ts";
import type { Executor } from "./executor.ts";
import type { LogOrigin } from "./log-file.ts";
import type { RunResult } from "./run-result.ts";

/** What makes the runs of a session, and what is peculiar to that kind of run. All else is shared. */
export interface Backend {
  readonly executor: Executor;
  /** What is under test, in a few words. */
  readonly subject: string;
  /** What a log says of it. */
  readonly origin: Pick<LogOrigin, "raft" | "external">;
  /** The command line that makes one run again, as the user can type it here. */
  replayCommand(test: string, seed: string): string;
  /** What is saved beside the header; undefined: this run leaves no log. */
  logContent(result: RunResult, header: () => string): LogContent | undefined;
  /** Told when a run has left a log in a directory. */
  saved?(result: RunResult, directory: string): void;
  /** A test's name as part of a file's name. */
  fileName(test: string): string;
  /** Lines to tell before the next round, and at the end. */
  remarks(): readonly string[];
}
