import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { mutants as builtInMutants } from "./built-in.mjs";
import { mutants as labStyleMutants } from "./lab-style.mjs";

/** @typedef {import("./index.mjs").Style} Style */
/** @typedef {import("./index.mjs").Fault} Fault */
/** @typedef {import("@raft-stress/raft/api").MakeRaft} MakeRaft */

/** A state machine of pure functions, compiled. @type {Style} */
export const builtIn = {
  name: "built-in",
  raft: "the built-in Raft",
  source: "packages/raft/dist",
  extension: ".js",
  entry: "index.js",
  faults: "mutants/built-in.mjs",
  mutants: builtInMutants,
};

/** A class with timers and promises, as its author wrote it. @type {Style} */
export const labStyle = {
  name: "lab-style",
  raft: "the Raft of examples/lab-style",
  source: "examples/lab-style",
  extension: ".ts",
  entry: "raft.ts",
  faults: "mutants/lab-style.mjs",
  mutants: labStyleMutants,
};

/**
 * Writes a copy of a style's Raft, with the fault in it if one is given, into a new or empty directory; returns the path of the module to load. The copy has no source
 * maps: the stacks of its errors tell places in the copy, where the fault can be seen.
 * Throws if the text to replace isn't there exactly once, so that a mutant that no longer fits is noticed.
 * @param {Style} style
 * @param {string} directory
 * @param {Fault} [fault]
 * @returns {string}
 */
export function writeRaft(style, directory, fault) {
  mkdirSync(directory, { recursive: true });
  const source = fileURLToPath(new URL(`../${style.source}/`, import.meta.url));
  for (const file of readdirSync(source).filter((name) => name.endsWith(style.extension))) {
    const text = readFileSync(join(source, file), "utf8").replace(/\n\/\/# sourceMappingURL=.*/, "\n");
    writeFileSync(join(directory, file), file === fault?.file ? withFault(text, fault, style) : text);
  }
  writeFileSync(join(directory, "package.json"), `${JSON.stringify({ type: "module", main: style.entry })}\n`);
  return join(directory, style.entry);
}

/**
 * @param {string} text
 * @param {Fault} fault
 * @param {Style} style
 */
function withFault(text, { file, find, replace }, { source, faults }) {
  const [before, after, ...more] = text.split(find);
  if (after !== undefined && more.length === 0) return before + replace + after;
  const what = `a mutant's text occurs ${after === undefined ? 0 : more.length + 1} times in ${source}/${file}, expected once`;
  throw new Error(`${what}: ${JSON.stringify(find)}; fit ${faults} to the code, and build what is compiled`);
}

/**
 * The MakeRaft of a compiled module that `writeRaft` wrote.
 * @param {string} path
 * @returns {Promise<MakeRaft>}
 */
export async function importRaft(path) {
  return (await import(pathToFileURL(path).href)).makeRaft;
}
