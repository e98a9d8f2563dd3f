import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** @typedef {import("./index.mjs").Fault} Fault */
/** @typedef {import("@raft-stress/raft/api").MakeRaft} MakeRaft */

const builtFiles = fileURLToPath(new URL("../dist/", import.meta.url));

/**
 * Writes a copy of the built-in Raft, with the fault in it if one is given, into an existing empty directory; returns the path of the module to
 * load. The copy has no source maps: the stacks of its errors tell places in the copy, where the fault can be seen.
 * Throws if the text to replace isn't there exactly once, so that a mutant that no longer fits is noticed.
 * @param {string} directory
 * @param {Fault} [fault]
 * @returns {string}
 */
export function writeRaft(directory, fault) {
  for (const file of readdirSync(builtFiles).filter((name) => name.endsWith(".js"))) cpSync(join(builtFiles, file), join(directory, file));
  writeFileSync(join(directory, "package.json"), `${JSON.stringify({ type: "module" })}\n`);
  if (fault !== undefined) insert(join(directory, fault.file), fault);
  return join(directory, "index.js");
}

/**
 * @param {string} path
 * @param {Fault} fault
 */
function insert(path, { file, find, replace }) {
  const text = readFileSync(path, "utf8");
  const places = text.split(find).length - 1;
  if (places !== 1) {
    const what = `a mutant's text occurs ${places} times in packages/raft/dist/${file}, expected once`;
    throw new Error(`${what}: ${JSON.stringify(find)}; fit packages/raft/mutants/faults.mjs to the code, or build packages/raft`);
  }
  // A function, because `$` has a meaning in a replacement text.
  writeFileSync(
    path,
    text.replace(find, () => replace),
  );
}

/**
 * The MakeRaft of a module that `writeRaft` wrote.
 * @param {string} path
 * @returns {Promise<MakeRaft>}
 */
export async function loadRaft(path) {
  return (await import(pathToFileURL(path).href)).makeRaft;
}
