// What the invariants cost, and checked mode: runs of the built-in Raft with each setting of `checks`. Each setting has a worker; they take turns, a round over
// the tests each, so that whatever else the machine does slows all down alike.
import { MeasuringWorker } from "./in-worker.mjs";
import { median } from "./measure.mjs";

const roundModule = new URL("./raft-round.mjs", import.meta.url).href;

/** CPU seconds of a warm round over the named tests with each of the settings, in their order: medians over the second half of the rounds. */
export async function compareChecks({ settings, names, rounds }) {
  const contenders = [];
  for (const checks of settings) {
    const worker = new MeasuringWorker(roundModule);
    await worker.run("load", undefined);
    contenders.push({ checks, worker, seconds: [] });
  }
  for (let round = 0; round < rounds; round++) {
    for (const { checks, worker, seconds } of contenders) {
      const costs = await worker.run("measureRound", { names, iteration: round, checks });
      if (round >= Math.floor(rounds / 2)) seconds.push(costs.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0));
    }
  }
  for (const { worker } of contenders) await worker.end();
  return contenders.map(({ seconds }) => median(seconds));
}
