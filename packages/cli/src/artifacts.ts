import {
  accessSync,
  closeSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
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

/** What a log is made of. */
export interface LogContent {
  readonly text: string;
  /** A file whose bytes come after the text. */
  readonly bodyFile?: string;
  /** Moved to `NAME.artifacts` beside the log. */
  readonly artifactsDirectory?: string;
}

export interface LogStore {
  readonly directory: string;
  /** Whether the directory has been made. */
  readonly made: boolean;
  /** Makes the directory now. Throws UserError. */
  make(): void;
  /**
   * Writes `DIRECTORY/NAME.log` and returns its path. The directory is made with the first log. When a log cannot be written, the first time a warning is given; the runs go on.
   */
  save(name: string, content: LogContent): string | undefined;
}

/** `keepsOld`: a log that is there already stays, and the new one has `-2` after its name. */
export function logStore(directory: string, warn: (sentence: string) => void, keepsOld = false): LogStore {
  let made = false;
  let warned = false;
  const make = () => {
    if (!made) makeDirectory(resolve(directory));
    made = true;
  };
  return {
    directory,
    get made() {
      return made;
    },
    make() {
      try {
        make();
      } catch (error) {
        throw new UserError(`logs cannot be written to '${directory}': ${whyNot(error)}`);
      }
    },
    save(name, content) {
      try {
        make();
        return writeLog(join(directory, name), content, keepsOld);
      } catch (error) {
        if (!warned) warn(`logs cannot be written to '${directory}': ${whyNot(error)}; the runs go on without them`);
        warned = true;
        return undefined;
      }
    },
  };
}

function writeLog(stem: string, { text, bodyFile, artifactsDirectory }: LogContent, keepsOld: boolean): string {
  const { path, base, descriptor } = openLog(stem, keepsOld);
  try {
    writeWhole(descriptor, Buffer.from(text));
    if (bodyFile !== undefined) appendFile(descriptor, bodyFile);
  } finally {
    closeSync(descriptor);
  }
  if (artifactsDirectory !== undefined) moveDirectory(artifactsDirectory, `${base}.artifacts`);
  return path;
}

interface OpenLog {
  readonly path: string;
  /** The path without `.log`. */
  readonly base: string;
  readonly descriptor: number;
}

function openLog(stem: string, keepsOld: boolean): OpenLog {
  if (!keepsOld) return { path: `${stem}.log`, base: stem, descriptor: openSync(`${stem}.log`, "w") };
  for (let copy = 1; ; copy++) {
    const base = copy === 1 ? stem : `${stem}-${copy}`;
    try {
      return { path: `${base}.log`, base, descriptor: openSync(`${base}.log`, "wx") };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}

function writeWhole(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
}

function appendFile(descriptor: number, file: string): void {
  const from = openSync(file, "r");
  const chunk = Buffer.allocUnsafe(256 * 1024);
  let last = 0x0a;
  try {
    for (let length = readSync(from, chunk); length > 0; length = readSync(from, chunk)) {
      writeWhole(descriptor, chunk.subarray(0, length));
      last = chunk[length - 1]!;
    }
  } finally {
    closeSync(from);
  }
  if (last !== 0x0a) writeSync(descriptor, "\n");
}

function moveDirectory(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  try {
    renameSync(from, to);
  } catch {
    // Another file system, mostly: the scratch directory is the machine's.
    cpSync(from, to, { recursive: true });
    rmSync(from, { recursive: true, force: true });
  }
}
