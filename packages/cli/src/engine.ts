import { existsSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { Script } from "node:vm";

/** What a worker thread runs: the harness, the built-in Raft, and what loads another one. */
export type Engine = Pick<
  typeof import("@raft-stress/harness"),
  "beyondTests" | "formatSeed" | "labTests" | "parseSeed" | "runIteration" | "runSeed"
> &
  Pick<typeof import("@raft-stress/raft"), "makeRaft"> &
  Pick<typeof import("./implementation/load.ts"), "loadImplementation">;

const bundle = fileURLToPath(new URL("./engine.cjs", import.meta.url));

/**
 * Where V8's compiled code of the bundle is kept. It is for the very program that wrote it: V8 itself refuses what other versions or flags gave, but
 * not that of a Node with another patch of the same V8, and would crash on it.
 */
export function codeCache(): string {
  const program = statSync(process.execPath, { throwIfNoEntry: false });
  const writer = [process.version, process.arch, program?.size, program?.mtimeMs].join("-");
  return fileURLToPath(new URL(`./engine-${writer}.cache`, import.meta.url));
}

/**
 * Loads the engine: from the one file that the build bundles it into if it is there and up to date, else module by module. A thread that makes few runs
 * spends a quarter of its time on loading and compiling what the bundle has ready.
 */
export async function loadEngine(): Promise<Engine> {
  if (bundleIsCurrent()) {
    const cache = codeCache();
    return runBundle(existsSync(cache) ? readFileSync(cache) : undefined).engine;
  }
  // The Raft by URL, because a dependency written down here would be one of the whole command, not of its workers.
  const [harness, { makeRaft }] = await Promise.all([import("@raft-stress/harness"), import(import.meta.resolve("@raft-stress/raft"))]);
  const loadImplementation: Engine["loadImplementation"] = async (...given) =>
    (await import("./implementation/load.ts")).loadImplementation(...given);
  return { ...harness, makeRaft, loadImplementation };
}

/** Whether nothing was compiled since the bundle was made. A published package holds no compiler's stamps: there it always is. */
function bundleIsCurrent(): boolean {
  const madeMs = statSync(bundle, { throwIfNoEntry: false })?.mtimeMs;
  if (madeMs === undefined) return false;
  const stamps = ["raft", "harness", "cli"].map((name) => new URL(`../../${name}/dist/.tsbuildinfo`, import.meta.url));
  return stamps.every((stamp) => (statSync(stamp, { throwIfNoEntry: false })?.mtimeMs ?? 0) <= madeMs);
}

/** The bundle is CommonJS, because for modules Node 20 can't be given compiled code. */
export function runBundle(cachedData: Buffer | undefined): { readonly engine: Engine; readonly script: Script } {
  const source = `(function (module, require) {${readFileSync(bundle, "utf8")}\n})`;
  const script = new Script(source, { filename: bundle, ...(cachedData && { cachedData }) });
  const module = { exports: {} };
  script.runInThisContext()(module, createRequire(bundle));
  return { engine: module.exports as Engine, script };
}
