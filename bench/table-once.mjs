// A first pass over the tests of the published table, loaded as the command's worker threads load them. For use in a worker.
import { loadEngine } from "../packages/cli/dist/engine.js";

const { formatSeed, labTests, makeRaft, parseSeed, runIteration, runSeed } = await loadEngine();

/** `checks`: the setting of that name. */
export async function passTable(checks) {
  const settings = { clock: "virtual", traceLevel: "debug", archive: false, checkDeterminism: false, synchronous: true, checks };
  for (const { name, part } of labTests) {
    if (part === "2D") continue;
    const seed = formatSeed(runSeed(parseSeed("5eed"), name, 0));
    const { outcome, failure } = await runIteration({ test: name, iteration: 0, seed }, makeRaft, settings);
    if (outcome !== "pass") throw new Error(`${name} with seed ${seed}: ${failure.reason}`);
  }
}
