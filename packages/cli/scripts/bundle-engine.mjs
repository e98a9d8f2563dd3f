// Bundles what worker threads run into one file, and keeps V8's compiled code of it beside: see src/engine.ts. Part of the build, after tsc.
import { readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { codeCache, runBundle } from "../dist/engine.js";

const here = fileURLToPath(new URL(".", import.meta.url));
const dist = new URL("../dist/", import.meta.url);

// First of all: V8 tells the code of one source from that of another by little more than its length.
for (const name of readdirSync(dist)) if (name.endsWith(".cache")) rmSync(new URL(name, dist));
await build({
  stdin: {
    contents:
      'export { beyondTests, formatSeed, labTests, parseSeed, runIteration, runSeed } from "@raft-stress/harness"; export { makeRaft } from "@raft-stress/raft"; export { loadImplementation } from "../dist/implementation/load.js";',
    resolveDir: here,
  },
  outfile: fileURLToPath(new URL("engine.cjs", dist)),
  bundle: true,
  format: "cjs",
  platform: "node",
  target: "node20",
  sourcemap: true,
  // As modules are: what an implementation takes for Node's functions comes from here, and must look and behave like them.
  banner: { js: '"use strict";' },
  logLevel: "warning",
});

// The compiled code of a function is known when it has been called: every test once calls all that matters.
const { engine, script } = runBundle(undefined);
for (const { name } of engine.labTests) {
  const seed = engine.formatSeed(engine.runSeed(engine.parseSeed("5eed"), name, 0));
  const settings = { clock: "virtual", traceLevel: "none", archive: false, checkDeterminism: false, synchronous: true };
  const { outcome, failure } = await engine.runIteration({ test: name, iteration: 0, seed }, engine.makeRaft, settings);
  if (outcome !== "pass") throw new Error(`the built-in Raft fails ${name}: ${failure.reason}`);
}
const unfinished = `${codeCache()}.${process.pid}`;
writeFileSync(unfinished, script.createCachedData());
renameSync(unfinished, codeCache());
