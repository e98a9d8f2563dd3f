import { readdirSync, readFileSync, writeFileSync } from "node:fs";
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
  for (const file of readdirSync(builtFiles).filter((name) => name.endsWith(".js"))) {
    const text = readFileSync(join(builtFiles, file), "utf8").replace(/\n\/\/# sourceMappingURL=.*/, "\n");
    writeFileSync(join(directory, file), file === fault?.file ? withFault(text, fault) : text);
  }
  writeFileSync(join(directory, "package.json"), `${JSON.stringify({ type: "module" })}\n`);
  return join(directory, "index.js");
}

/**
 * @param {string} text
 * @param {Fault} fault
 */
function withFault(text, { file, find, replace }) {
  const [before, after, ...more] = text.split(find);
  if (after !== undefined && more.length === 0) return before + replace + after;
  const what = `a mutant's text occurs ${after === undefined ? 0 : more.length + 1} times in packages/raft/dist/${file}, expected once`;
  throw new Error(`${what}: ${JSON.stringify(find)}; fit packages/raft/mutants/faults.mjs to the code, or build packages/raft`);
}

/**
 * The MakeRaft of a module that `writeRaft` wrote.
 * @param {string} path
 * @returns {Promise<MakeRaft>}
 */
export async function loadRaft(path) {
  return (await import(pathToFileURL(path).href)).makeRaft;
}
