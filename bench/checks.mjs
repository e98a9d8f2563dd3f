// What the invariants cost, and checked mode: runs of the built-in Raft with each setting of `checks`. Each setting has a worker; they take turns, so that whatever else the machine
// does slows all down alike. A turn is several rounds over the tests: after the first ones the processor's caches hold what this worker needs, and not what another did.
import { MeasuringWorker } from "./in-worker.mjs";
import { median } from "./measure.mjs";

const roundModule = new URL("./raft-round.mjs", import.meta.url).href;

/** Rounds at the beginning of each turn that do not count. */
const settlingRounds = 2;

/** CPU seconds of a warm round over the named tests with each of the settings, in their order: medians over the second half of the turns. */
export async function compareChecks({ settings, names, turns, roundsPerTurn }) {
  const contenders = [];
  for (const checks of settings) {
    const worker = new MeasuringWorker(roundModule);
    await worker.run("load", undefined);
    contenders.push({ checks, worker, seconds: [] });
  }
  for (let turn = 0; turn < turns; turn++) {
    for (const { checks, worker, seconds } of contenders) {
      for (let round = 0; round < roundsPerTurn; round++) {
        const costs = await worker.run("measureRound", { names, iteration: turn * roundsPerTurn + round, checks });
        if (turn >= turns / 2 && round >= settlingRounds) seconds.push(costs.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0));
      }
    }
  }
  for (const { worker } of contenders) await worker.end();
  return contenders.map(({ seconds }) => median(seconds));
}
