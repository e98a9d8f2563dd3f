// What runs of a user's Raft cost beside those of the built-in one. Each has a worker, as the command would give it one; they take turns, a round over the
// tests each, so that whatever else the machine does slows both down alike.
import { fileURLToPath } from "node:url";
import { bundle } from "../packages/cli/testing/raft-thread.mjs";
import { MeasuringWorker } from "./in-worker.mjs";

const roundModule = new URL("./raft-round.mjs", import.meta.url).href;

/** The Raft that a student of the lab would write. */
export const labStyleFile = fileURLToPath(new URL("../examples/lab-style/raft.ts", import.meta.url));

/**
 * `rounds` rounds over the named tests with both Rafts. One row a test: virtual seconds per CPU second of each, warm (the second half of the rounds), and
 * the sums they are made of.
 */
export async function compareWithBuiltIn({ file, names, rounds }) {
  // As the command does before it starts its threads.
  process.env.TZ = "UTC";
  const contenders = [];
  for (const raft of [undefined, await bundle(file)]) {
    const worker = new MeasuringWorker(roundModule);
    await worker.run("load", raft);
    contenders.push({ worker, sums: new Map(names.map((name) => [name, { virtualSeconds: 0, cpuSeconds: 0 }])) });
  }
  for (let round = 0; round < rounds; round++) {
    for (const { worker, sums } of contenders) {
      const costs = await worker.run("measureRound", { names, iteration: round });
      if (round < Math.floor(rounds / 2)) continue;
      for (const cost of costs) add(sums.get(cost.name), cost);
    }
  }
  for (const { worker } of contenders) await worker.end();
  const [builtIn, users] = contenders.map(({ sums }) => sums);
  return names.map((name) => ({ name, builtIn: builtIn.get(name), users: users.get(name) }));
}

/** Adds sums of virtual and CPU seconds. */
export function add(total, { virtualSeconds, cpuSeconds }) {
  total.virtualSeconds += virtualSeconds;
  total.cpuSeconds += cpuSeconds;
  return total;
}
