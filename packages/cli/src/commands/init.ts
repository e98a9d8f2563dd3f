import { copyFile, stat } from "node:fs/promises";
import { extname } from "node:path";
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
  if (await exists(file)) throw new UserError(`'${file}' exists already: give the name of a file that is to be made`);
  try {
    await copyFile(template, file);
  } catch (error) {
    throw new UserError(`cannot write '${file}': ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
