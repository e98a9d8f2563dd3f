import { accessSync, constants, existsSync, mkdirSync, rmdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { UserError } from "./exit-codes.ts";

/** `20261121_041500`, in local time. */
export function directoryNameFor(date: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}${two(date.getMonth() + 1)}${two(date.getDate())}`;
  return `${day}_${two(date.getHours())}${two(date.getMinutes())}${two(date.getSeconds())}`;
}

/** Throws UserError when logs could not be written there. Leaves nothing behind. */
export function checkWritable(directory: string): void {
  try {
    if (!existsSync(directory)) {
      removeCreated(directory, mkdirSync(directory, { recursive: true }));
    } else if (statSync(directory).isDirectory()) {
      accessSync(directory, constants.W_OK | constants.X_OK);
    } else {
      throw new UserError(`--output must be a directory, and '${directory}' is a file`);
    }
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`--output: logs cannot be written to '${directory}': ${whyNot(error)}`);
  }
}

/** `first` is the outermost directory that was made on the way to `directory`. */
function removeCreated(directory: string, first: string | undefined): void {
  if (first === undefined) return;
  const outermost = resolve(first);
  for (let path = resolve(directory); path.length >= outermost.length; path = dirname(path)) rmdirSync(path);
}

function whyNot(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "EACCES" || code === "EPERM") return "permission denied";
  if (code === "ENOTDIR" || code === "EEXIST") return "a part of the path is a file";
  if (code === "EROFS") return "the file system is read-only";
  if (code === "ENOSPC") return "the disk is full";
  return error instanceof Error ? error.message : String(error);
}

export interface LogStore {
  readonly directory: string;
  /**
   * Writes `DIRECTORY/NAME.log` in one piece and returns its path. The directory is made with the first log. When a log cannot be written, the
   * first time a warning is given; the runs go on.
   */
  save(name: string, text: string): string | undefined;
}

export function logStore(directory: string, warn: (sentence: string) => void): LogStore {
  let made = false;
  let warned = false;
  return {
    directory,
    save(name, text) {
      const path = join(directory, `${name}.log`);
      try {
        if (!made) mkdirSync(directory, { recursive: true });
        made = true;
        writeFileSync(path, text);
        return path;
      } catch (error) {
        if (!warned) warn(`logs cannot be written to '${directory}': ${whyNot(error)}; the runs go on without them`);
        warned = true;
        return undefined;
      }
    },
  };
}
