import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Processor time of a run: of its first process and of all that were waited for, in milliseconds. */
export interface ProcessorTime {
  readonly userMs: number;
  readonly systemMs: number;
}

/**
 * Runs a command and writes to descriptor 3 its exit status and what `times` says of it. Node does not tell what a child has used; a shell does, of the child
 * and of all descendants that were waited for. The shell survives what is sent to the group, so that it can tell; its own words go nowhere.
 */
const script = `trap : HUP INT QUIT TERM USR1 USR2 ABRT
exec 4>&2 2>/dev/null
"$@" 2>&4 3>&- 4>&-
s=$?
{ echo $s; times; } >&3
exit $s`;

/** Whether there is a shell to measure with. */
export const canMeasure = process.platform !== "win32";

/** bash counts in milliseconds, other shells in hundredths of a second. */
const bash = findOnPath("bash");
/** `-p`: what BASH_ENV names is not for us to read. */
const shell = bash === undefined ? ["/bin/sh"] : [bash, "-p"];

/** The command line that runs another one and measures it. */
export function measuring(file: string, args: readonly string[]): { readonly file: string; readonly args: readonly string[] } {
  const [program, ...flags] = shell;
  return { file: program!, args: [...flags, "-c", script, "raft-stress", file, ...args] };
}

export interface Measured {
  /** As a shell tells it: 128 and the number of a signal for a process that was killed. */
  readonly status: number;
  readonly time: ProcessorTime;
}

/** Reads what `measuring` wrote; undefined: it was killed before it could. */
export function readMeasured(file: string): Measured | undefined {
  const [status, , children] = readFileSync(file, "utf8").split("\n");
  const match = /^(\d+)m([\d.,]+)s (\d+)m([\d.,]+)s$/.exec(children ?? "");
  if (!match) return undefined;
  const ms = (minutes: string, seconds: string) => Number(minutes) * 60_000 + Number(seconds.replace(",", ".")) * 1000;
  return { status: Number(status), time: { userMs: ms(match[1]!, match[2]!), systemMs: ms(match[3]!, match[4]!) } };
}

/** Undefined: no folder of PATH has such a file. */
export function findOnPath(name: string): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}
