import { accessSync, constants, statSync } from "node:fs";
import { basename, resolve } from "node:path";
import type { Job } from "@raft-stress/harness";
import { exitCodes, UserError } from "../exit-codes.ts";
import { fillIn, fillInForShell, type Placeholders, splitWords } from "./command-line.ts";
import { parseLabLine } from "./lab-line.ts";
import { judgeCommand, passTailBytes } from "./outcome.ts";
import { type Launch, namedTest, type Target } from "./target.ts";
import { findOnPath } from "./timing.ts";

export interface ExecOptions {
  readonly command: string;
  /** Let a shell read it. */
  readonly shell: boolean;
  /** Labels of the rows. */
  readonly names: readonly string[];
  readonly directory: string;
  readonly timeoutMs: number;
}

/** The target of `--exec`. Throws UserError when the command cannot be one. */
export function execTarget({ command, shell, names, directory, timeoutMs }: ExecOptions): Target {
  if (shell && process.platform === "win32") throw new UserError("--shell is read by /bin/sh, which Windows does not have");
  const words = shell ? [] : splitWords(command);
  // Windows has its own way of finding programs.
  if (!shell && process.platform !== "win32" && !/\{(?:test|seed|iter)\}/.test(words[0]!)) checkProgram(words[0]!, directory);
  const rows = names.length > 0 ? [...new Set(names)] : [rowName(command, words[0])];
  const launch = ({ test, seed, iteration }: Job): Launch => {
    const values: Placeholders = { test, seed, iter: String(iteration) };
    const [file, ...args] = shell ? ["/bin/sh", "-c", fillInForShell(command, values)] : words.map((word) => fillIn(word, values));
    return { file: file!, args, directory };
  };
  const emptyRuns = new Set<string>();
  return {
    subject: `--exec ${command}`,
    origin: { exec: command, shell },
    tests: rows.map((name) => namedTest("exec", name)),
    timeoutMs,
    launch,
    launchLater: launch,
    judge(job, ending, log, limits) {
      const judged = judgeCommand(ending, () => log.whole(), limits, job.test);
      if (judged.outcome !== "pass") return judged;
      const tail = log.tail(passTailBytes);
      if (tail.includes("testing: warning: no tests to run")) emptyRuns.add(job.test);
      const lab = parseLabLine(tail);
      return { ...judged, ...(lab && { lab, seconds: lab.seconds }) };
    },
    remarks: () =>
      [...emptyRuns].map(
        (test) => `${test}: the command found no test to run, and its exit status 0 counts as passed; --go makes this an error`,
      ),
  };
}

/** Without labels there is one row, named after the program. */
function rowName(command: string, program: string | undefined): string {
  const name = basename(program ?? /\S+/.exec(command)?.[0] ?? "command");
  return name.replace(/[^\w.-]/g, "_") || "command";
}

/** Nothing is run of a command that cannot be started. */
function checkProgram(program: string, directory: string): void {
  const path = program.includes("/") ? resolve(directory, program) : findOnPath(program);
  if (path === undefined) throw unusable(`there is no program '${program}' on the PATH`);
  try {
    if (statSync(path).isDirectory()) throw unusable(`'${program}' is a directory`);
    accessSync(path, constants.X_OK);
  } catch (error) {
    if (error instanceof UserError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    throw unusable(code === "EACCES" ? `'${program}' is not executable` : `the program '${program}' does not exist`);
  }
}

function unusable(why: string): UserError {
  return new UserError(`--exec: ${why}`, exitCodes.notLoaded);
}
