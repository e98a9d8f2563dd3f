import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What one run may write to. */
export interface RunFolder {
  readonly path: string;
  /** stdout and stderr, as they came. */
  readonly output: string;
  /** TMPDIR of the run. */
  readonly temporary: string;
  readonly artifacts: string;
}

/** The command's own folder among the machine's temporary files; each run has one in it. Nothing of it is left when the command ends. */
export class Scratch {
  readonly path: string;
  #number = 0;
  readonly #removeOnExit = () => this.remove();

  constructor() {
    this.path = mkdtempSync(join(tmpdir(), "raft-stress-"));
    process.once("exit", this.#removeOnExit);
  }

  newRun(): RunFolder {
    const path = join(this.path, String(this.#number++));
    const folder = { path, output: join(path, "output"), temporary: join(path, "tmp"), artifacts: join(path, "artifacts") };
    mkdirSync(path);
    mkdirSync(folder.temporary);
    mkdirSync(folder.artifacts);
    return folder;
  }

  remove(): void {
    process.off("exit", this.#removeOnExit);
    removeFolder(this.path);
  }
}

/** A run may have left files that cannot be removed; that is no reason to end. */
export function removeFolder(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true, maxRetries: 2 });
  } catch {
    // It stays among the temporary files of the machine.
  }
}

/** What a run has left in its folder for artifacts; undefined: nothing. */
export function artifactsOf({ artifacts }: RunFolder): string | undefined {
  return existsSync(artifacts) && readdirSync(artifacts).length > 0 ? artifacts : undefined;
}
