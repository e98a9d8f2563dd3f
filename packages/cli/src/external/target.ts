import type { Job } from "@raft-stress/harness";
import type { ExternalOrigin } from "../log-file.ts";
import type { TestInfo } from "../select.ts";
import type { LabLine } from "./lab-line.ts";
import type { Ending, OutcomeLimits, Verdict } from "./outcome.ts";
import type { RunLog } from "./run-log.ts";

/** A process to start. */
export interface Launch {
  readonly file: string;
  readonly args: readonly string[];
  readonly directory: string;
}

/** How a run went, from its ending and its output. */
interface Judged extends Verdict {
  /** The test's own time; absent: only its process's is known. */
  readonly seconds?: number;
  readonly lab?: LabLine;
}

/** An external test: what `--exec` or `--go` asks for. */
export interface Target {
  /** In a few words, for the header and the record of runs. */
  readonly subject: string;
  readonly origin: ExternalOrigin;
  readonly tests: readonly TestInfo[];
  /** How long a run may take before it is sent a signal by us, in real milliseconds. */
  readonly timeoutMs: number;
  launch(job: Job): Launch;
  judge(job: Job, ending: Ending, log: RunLog, limits: OutcomeLimits): Judged;
  /** The same process, as it can be started again when this command has ended. `keepDirectory`: where the logs are. */
  launchLater(job: Job, keepDirectory: string): Launch;
  /** A file that `launchLater` needs there. */
  readonly keep?: string;
  /** What the user should know, before a round and at the end. */
  remarks(): readonly string[];
}

/** A test of which nothing but the name is known. */
export function namedTest(suite: string, name: string): TestInfo {
  return { suite, name, alias: name, part: "", aliasPart: "", title: "", servers: 0 };
}
