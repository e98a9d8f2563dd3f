import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exitCodes, UserError } from "../exit-codes.ts";

/** What one run may write to. */
export interface RunFolder {
  /** For our own use. */
  readonly path: string;
  /** stdout and stderr, as they came. */
  readonly output: string;
  /** TMPDIR of the run. */
  readonly temporary: string;
  readonly artifacts: string;
}

/**
 * The command's own folder among the machine's temporary files. Each run under way has a folder in it; one that a run has left empty is used again,
 * for making and removing folders costs more than all else that is done for a short run. Nothing of it is left when the command ends.
 */
export class Scratch {
  readonly path: string;
  #number = 0;
  #free: RunFolder[] = [];
  readonly #removeOnExit = () => this.remove();

  /** Throws UserError when nothing can be made there. */
  constructor() {
    this.path = newFolder();
    process.once("exit", this.#removeOnExit);
  }

  take(): RunFolder {
    const free = this.#free.pop();
    // The output is a new file each time: a process that has outlived its run may still write to the old one.
    if (free) return { ...free, output: this.#newOutput() };
    const path = join(this.path, String(this.#number++));
    const folder = { path, output: this.#newOutput(), temporary: join(path, "tmp"), artifacts: join(path, "artifacts") };
    mkdirSync(path);
    mkdirSync(folder.temporary);
    mkdirSync(folder.artifacts);
    return folder;
  }

  /** The run is over, and what is to be kept of it was saved. */
  giveBack(folder: RunFolder): void {
    removeAll(folder.output);
    if (isEmpty(folder.temporary) && isEmpty(folder.artifacts)) this.#free.push(folder);
    else removeAll(folder.path);
  }

  remove(): void {
    process.off("exit", this.#removeOnExit);
    removeAll(this.path);
  }

  #newOutput(): string {
    return join(this.path, `output-${this.#number++}`);
  }
}

function newFolder(): string {
  try {
    return mkdtempSync(join(tmpdir(), "raft-stress-"));
  } catch (error) {
    throw new UserError(`no folder can be made for temporary files (TMPDIR): ${(error as Error).message}`, exitCodes.notLoaded);
  }
}

/** A run may have left files that cannot be removed; that is no reason to end. */
function removeAll(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true, maxRetries: 2 });
  } catch {
    // It stays among the temporary files of the machine.
  }
}

/** A folder that the run has removed is not empty but gone. */
function isEmpty(path: string): boolean {
  try {
    return readdirSync(path).length === 0;
  } catch {
    return false;
  }
}

/** What a run has left in its folder for artifacts; undefined: nothing. */
export function artifactsOf({ artifacts }: RunFolder): string | undefined {
  try {
    return readdirSync(artifacts).length > 0 ? artifacts : undefined;
  } catch {
    return undefined;
  }
}
