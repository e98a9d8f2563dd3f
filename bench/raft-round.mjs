// Rounds over tests with one Raft, loaded as the command's worker threads load theirs. For use in a worker.
import { cpuSeconds } from "./measure.mjs";

const ordinary = { clock: "virtual", traceLevel: "debug", archive: false, checkDeterminism: false };

let harness;
let raft;
let isBuiltIn;

/** `bundle` undefined is the built-in Raft. */
export async function load(bundle) {
  const { loadEngine } = await import("../packages/cli/dist/engine.js");
  harness = await loadEngine();
  isBuiltIn = bundle === undefined;
  raft = isBuiltIn ? { makeRaft: harness.makeRaft, runAlone: (run) => run() } : await harness.loadImplementation(bundle, "virtual");
}

/** Each of the tests once: what it cost. `checks`: the setting of that name. Throws if one does not pass, since a failing run costs something else. */
export async function measureRound({ names, iteration, checks }) {
  const settings = { ...ordinary, synchronous: isBuiltIn, ...(checks === undefined ? {} : { checks }) };
  const costs = [];
  for (const name of names) {
    const seed = harness.formatSeed(harness.runSeed(harness.parseSeed("5eed"), name, iteration));
    let result;
    const cost = await cpuSeconds(async () => {
      result = await raft.runAlone(() => harness.runIteration({ test: name, iteration, seed }, raft.makeRaft, settings));
    });
    if (result.outcome !== "pass") throw new Error(`${name} with seed ${seed}: ${result.failure.reason}`);
    costs.push({ name, virtualSeconds: result.seconds, cpuSeconds: cost });
  }
  return costs;
}
