import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { mutants as builtInMutants } from "./built-in.mjs";
import { builtInCanary, labStyleCanary } from "./canary.mjs";
import { mutants as labStyleMutants } from "./lab-style.mjs";
import { withoutAssertions } from "./own-assertions.mjs";
import { replaceOnce } from "./replace-once.mjs";

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
  faults: "mutants/built-in",
  mutants: builtInMutants.filter(({ styles }) => styles?.includes("built-in") ?? true),
  canary: builtInCanary,
};

/** Every change goes out at once: many requests are under way, and overtake each other. */
export const atOnce = judgedFromOutside("at-once", "which sends at once what is proposed", { sendIntervalMs: 0 });

/**
 * Entries travel with the heartbeats, few at a time, and several heartbeats behind a busy leader: logs differ for longer. The lab's tests need as many
 * entries per second as these options allow.
 */
export const batched = judgedFromOutside("batched", "which sends with its heartbeats only, 8 entries at most", {
  heartbeatIntervalMs: 50,
  sendIntervalMs: 50,
  maxEntriesPerRequest: 8,
});

/** A class with timers and promises, as its author wrote it. @type {Style} */
export const labStyle = {
  name: "lab-style",
  raft: "the Raft of examples/lab-style",
  source: "examples/lab-style",
  extension: ".ts",
  entry: "raft.ts",
  faults: "mutants/lab-style.mjs",
  mutants: labStyleMutants,
  canary: labStyleCanary,
};

export const styles = [atOnce, batched, builtIn, labStyle];

/**
 * @param {string} wanted
 * @returns {Style}
 */
export function findStyle(wanted) {
  const style = styles.find(({ name }) => name === wanted);
  if (style === undefined) throw new Error(`no style is called '${wanted}'`);
  return style;
}

/**
 * The built-in Raft with options, and without the assertions about itself, by which it would notice many a fault before the harness can: users' Rafts have none.
 * @param {string} name
 * @param {string} how
 * @param {Readonly<Record<string, number>>} options
 * @returns {Style}
 */
function judgedFromOutside(name, how, options) {
  return {
    ...builtIn,
    name,
    raft: `the built-in Raft, ${how}`,
    options,
    mutants: builtInMutants.filter(({ styles }) => styles?.includes(name) ?? true),
  };
}

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
    const faulty = file === fault?.file ? withFault(text, fault, style) : text;
    writeFileSync(join(directory, file), style.options === undefined ? faulty : withoutAssertions(file, faulty));
  }
  const main = style.options === undefined ? style.entry : writeEntry(directory, style.options);
  writeFileSync(join(directory, "package.json"), `${JSON.stringify({ type: "module", main })}\n`);
  return join(directory, main);
}

/**
 * @param {string} directory
 * @param {Readonly<Record<string, number>>} options
 */
function writeEntry(directory, options) {
  const lines = [
    'import { makeRaftWith } from "./index.js";',
    `export const makeRaft = makeRaftWith(${JSON.stringify(options)});`,
    "export default makeRaft;",
  ];
  writeFileSync(join(directory, "with-options.js"), `${lines.join("\n")}\n`);
  return "with-options.js";
}

/**
 * @param {string} text
 * @param {Fault} fault
 * @param {Style} style
 */
function withFault(text, { file, find, replace }, { source, faults }) {
  return replaceOnce(text, find, replace, (times) => {
    const what = `a mutant's text occurs ${times} times in ${source}/${file}, expected once`;
    return `${what}: ${JSON.stringify(find)}; fit ${faults} to the code, and build what is compiled`;
  });
}

/**
 * The MakeRaft of a compiled module that `writeRaft` wrote.
 * @param {string} path
 * @returns {Promise<MakeRaft>}
 */
export async function importRaft(path) {
  return (await import(pathToFileURL(path).href)).makeRaft;
}
