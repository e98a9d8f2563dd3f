import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { RunSettings, TraceLevel } from "@raft-stress/harness";
import { exitCodes, UserError } from "./exit-codes.ts";
import type { Options } from "./options.ts";

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
  };
}

/** Real milliseconds that one run may take. */
export function runTimeoutMs({ timeout, clock }: Pick<Options, "timeout" | "clock">): number {
  return timeout ?? (clock === "virtual" ? 60_000 : 600_000);
}

/** The URL of the module under test; undefined for the built-in Raft. Throws UserError when there is no such file. */
export function raftUrl(file: string | undefined, directory: string): string | undefined {
  if (file === undefined) return undefined;
  const path = resolve(directory, file);
  if (!existsSync(path)) throw new UserError(`--raft: the file '${file}' does not exist`, exitCodes.notLoaded);
  if (!statSync(path).isFile())
    throw new UserError(`--raft must be the file of a module, and '${file}' is a directory`, exitCodes.notLoaded);
  return pathToFileURL(path).href;
}
