// What a cluster's size costs: an election and 100 agreements among 3 to 15 servers. For use in a worker.
import { Cluster } from "../packages/harness/dist/cluster/cluster.js";
import { Lab } from "../packages/harness/dist/lab/lab.js";
import { defaultLimits } from "../packages/harness/dist/sim/limits.js";
import { runVirtual } from "../packages/harness/dist/sim/run-loop.js";
import { Simulation } from "../packages/harness/dist/sim/simulation.js";
import { cpuSeconds, median } from "./measure.mjs";

const agreements = 100;
const rounds = 15;

export async function measureClusterSizes(sizes) {
  const { makeRaft } = await import("../packages/raft/dist/index.js");
  const rows = [];
  for (const servers of sizes) {
    const costs = [];
    let last;
    for (let round = 0; round < rounds; round++) {
      costs.push(
        await cpuSeconds(async () => {
          last = await run(makeRaft, servers, round);
        }),
      );
    }
    rows.push({ servers, ...last, cpuSeconds: median(costs.slice(5)) });
  }
  return rows;
}

async function run(makeRaft, servers, round) {
  const simulation = new Simulation({
    seed: { high: servers, low: round },
    traceLevel: "none",
    limits: defaultLimits,
    stopAtEvent: undefined,
    journal: undefined,
    progress: undefined,
    realElapsedUs: undefined,
  });
  const cluster = new Cluster(simulation, makeRaft, { servers, snapshots: false });
  const test = { name: "agreements", part: "2B", title: "agreements", servers, reliable: true, snapshots: false };
  const lab = new Lab(simulation, cluster, test);
  const script = async () => {
    await lab.setUp();
    lab.begin();
    for (let i = 0; i < agreements; i++) await lab.one(i, servers, { retry: true });
    simulation.stop();
  };
  script().catch((thrown) => simulation.fail(thrown));
  await runVirtual(simulation);
  if (simulation.error) throw simulation.error;
  const { seconds, rpcs } = lab.counts();
  return { virtualSeconds: seconds, rpcs, events: simulation.events };
}
