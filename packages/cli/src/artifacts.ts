import { accessSync, constants, existsSync, mkdirSync, rmdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { UserError } from "./exit-codes.ts";

/** Taken when the program starts: later the process may be given the time zone of the servers under test. */
const localOffsetMs = new Date().getTimezoneOffset() * 60_000;

/** `20261121_041500`, in local time. */
export function directoryNameFor(date: Date): string {
  const digits = new Date(date.getTime() - localOffsetMs).toISOString().replaceAll(/[-:]|\..*/g, "");
  return digits.replace("T", "_");
}

/** Throws UserError when logs could not be written there. Leaves nothing behind. */
export function checkWritable(directory: string): void {
  const made: string[] = [];
  try {
    if (existsSync(directory) && !statSync(directory).isDirectory()) {
      throw new UserError(`--output must be a directory, and '${directory}' is a file`);
    }
    makeDirectory(resolve(directory), (path) => made.unshift(path));
    accessSync(directory, constants.W_OK | constants.X_OK);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`--output: logs cannot be written to '${directory}': ${whyNot(error)}`);
  } finally {
    for (const path of made) rmdirSync(path);
  }
}

/** Makes a directory and those above it. Node's own recursive mkdir never ends where nothing can be made, as in /proc. */
function makeDirectory(path: string, onMade: (path: string) => void = () => {}): void {
  if (existsSync(path)) {
    if (statSync(path).isDirectory()) return;
    throw Object.assign(new Error(`${path} is a file`), { code: "ENOTDIR" });
  }
  makeDirectory(dirname(path), onMade);
  mkdirSync(path);
  onMade(path);
}

function whyNot(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "EACCES" || code === "EPERM") return "permission denied";
  if (code === "ENOTDIR" || code === "EEXIST") return "a part of the path is a file";
  if (code === "EROFS") return "the file system is read-only";
  if (code === "ENOENT") return "nothing can be made there";
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
        if (!made) makeDirectory(resolve(directory));
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
