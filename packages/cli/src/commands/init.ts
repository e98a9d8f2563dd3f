import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { dirname, extname } from "node:path";
import { fileURLToPath } from "node:url";
import { exitCodes, UserError } from "../exit-codes.ts";
import { testCommandFor } from "../invocation.ts";
import type { Options } from "../options.ts";
import { createOutput } from "../output.ts";

const template = new URL("../../templates/my-raft.ts", import.meta.url);
/** The contract's types as they were built; what is resolved is the module beside them. */
const contract = fileURLToPath(import.meta.resolve("@raft-stress/raft/api")).replace(/\.js$/, ".d.ts");

/** Writes a Raft to begin with: the contract, and hints where the work is. Returns the exit status. Never overwrites a file. */
export async function init(words: readonly string[], options: Options): Promise<number> {
  const [file = "my-raft.ts"] = words;
  if (![".ts", ".mts"].includes(extname(file))) throw new UserError(`init writes TypeScript: give a name that ends in .ts, got '${file}'`);
  await writeNew(file, await firstRaft());
  const output = createOutput({ color: options.color, jsonOnStdout: false });
  output.print(`Wrote ${file}: a Raft with nothing in it yet, and hints where the work is.`);
  output.print(`Its first test:  ${testCommandFor(file, "TestInitialElection2A")}`);
  return exitCodes.passed;
}

/** The template, with the types themselves in the place of their import: wherever the file is, no package is needed to check it. */
async function firstRaft(): Promise<string> {
  const [code, types] = await Promise.all([readFile(template, "utf8"), readFile(contract, "utf8")]);
  return `${code.replace(/^import type .*\n\n/, "")}\n// ---- The contract ----\n\n${likeTheTemplate(types)}`;
}

/** Two spaces and blank lines, as the compiler does not write them. */
function likeTheTemplate(types: string): string {
  const indented = types.replaceAll(/^(?: {4})+/gm, (spaces) => spaces.slice(spaces.length / 2));
  return `${indented.replaceAll(/^( \*\/\n(?=\/\*\*)|};?\n|export type [^{]*;\n)/gm, "$1\n").trimEnd()}\n`;
}

async function writeNew(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { flag: "wx" });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") throw new UserError(`'${file}' exists already: give the name of a file that is to be made`);
    throw new UserError(`'${file}' cannot be written: ${whyNot[code ?? ""]?.(file) ?? message}`);
  }
}

const whyNot: Readonly<Record<string, (file: string) => string>> = {
  ENOENT: (file) =>
    existsSync(dirname(file)) ? `nothing can be made in '${dirname(file)}'` : `the directory '${dirname(file)}' does not exist`,
  ENOTDIR: (file) => `'${dirname(file)}' is no directory`,
  EACCES: () => "permission denied",
  EPERM: () => "permission denied",
  EROFS: () => "the file system is read-only",
  ENOSPC: () => "the disk is full",
};
