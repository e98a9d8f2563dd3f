import { constants, copyFile } from "node:fs/promises";
import { dirname, extname } from "node:path";
import { fileURLToPath } from "node:url";
import { exitCodes, UserError } from "../exit-codes.ts";
import type { Options } from "../options.ts";
import { createOutput } from "../output.ts";

const template = fileURLToPath(new URL("../../templates/my-raft.ts", import.meta.url));

/** Writes a Raft to begin with: the contract, and hints where the work is. Returns the exit status. Never overwrites a file. */
export async function init(words: readonly string[], options: Options): Promise<number> {
  const [file = "my-raft.ts"] = words;
  if (![".ts", ".mts"].includes(extname(file))) throw new UserError(`init writes TypeScript: give a name that ends in .ts, got '${file}'`);
  await copyTemplate(file);
  const output = createOutput({ color: options.color, jsonOnStdout: false });
  output.print(`Wrote ${file}: a Raft with nothing in it yet, and hints where the work is.`);
  output.print(`Its first test:  raft-stress --raft ${file} TestInitialElection2A`);
  return exitCodes.passed;
}

async function copyTemplate(file: string): Promise<void> {
  try {
    await copyFile(template, file, constants.COPYFILE_EXCL);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") throw new UserError(`'${file}' exists already: give the name of a file that is to be made`);
    throw new UserError(`'${file}' cannot be written: ${whyNot[code ?? ""]?.(file) ?? message}`);
  }
}

const whyNot: Readonly<Record<string, (file: string) => string>> = {
  ENOENT: (file) => `nothing can be made in '${dirname(file)}'`,
  ENOTDIR: (file) => `'${dirname(file)}' is no directory`,
  EACCES: () => "permission denied",
  EPERM: () => "permission denied",
  EROFS: () => "the file system is read-only",
  ENOSPC: () => "the disk is full",
};
