import type { RunSettings, TraceLevel } from "@raft-stress/harness";
import { UserError } from "./exit-codes.ts";
import { isCheckedMode, type Options } from "./options.ts";

const levels: readonly TraceLevel[] = ["none", "debug", "trace"];

/** RAFT_LOG names the detail of the logs; each -v adds one level. */
export function traceLevel(raftLog: string | undefined, verbose: number): TraceLevel {
  const named = raftLog === undefined || raftLog === "" ? "debug" : levels.find((level) => level === raftLog);
  if (named === undefined) throw new UserError(`RAFT_LOG must be none, debug or trace, got '${raftLog}'`);
  return levels[Math.min(levels.length - 1, levels.indexOf(named) + verbose)]!;
}

export function runSettings(options: Options, raftLog: string | undefined): RunSettings {
  return {
    clock: options.clock,
    traceLevel: traceLevel(raftLog, options.verbose),
    archive: options.archive,
    checkDeterminism: options.checkDeterminism,
    measureCpu: options.timing,
    ...(isCheckedMode(options) && { checks: "race" }),
  };
}

/** Real milliseconds that one run may take. */
export function runTimeoutMs({ timeout, clock }: Pick<Options, "timeout" | "clock">): number {
  return timeout ?? (clock === "virtual" ? 60_000 : 600_000);
}
