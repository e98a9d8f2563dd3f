// The engine alone: queue, dispatch, drain and hash, without any Raft. 60 timers of 5 servers that set themselves again, as a cluster has them.

import { callbackEvent } from "../packages/harness/dist/sim/callback.js";
import { defaultLimits } from "../packages/harness/dist/sim/limits.js";
import { runVirtual } from "../packages/harness/dist/sim/run-loop.js";
import { eventKinds } from "../packages/harness/dist/sim/sim-event.js";
import { Simulation } from "../packages/harness/dist/sim/simulation.js";
import { cpuSeconds, median } from "./measure.mjs";

const pending = 60;
const events = 1_000_000;
const rounds = 5;

function newSimulation() {
  return new Simulation({
    seed: { high: 1, low: 2 },
    traceLevel: "none",
    limits: { ...defaultLimits, maxVirtualMs: 1e9 },
    stopAtEvent: undefined,
    journal: undefined,
    progress: undefined,
    realElapsedUs: undefined,
  });
}

/** CPU microseconds per event, median over rounds; the first round warms up. */
export async function engineMicrosPerEvent() {
  const costs = [];
  for (let round = 0; round <= rounds; round++) {
    const simulation = newSimulation();
    const lives = Array.from({ length: 5 }, (_, server) => ({ server, alive: true }));
    let left = events;
    for (let i = 0; i < pending; i++) {
      const event = callbackEvent(eventKinds.serverTimer, lives[i % 5], "a timer", () => {
        if (--left <= 0) simulation.stop();
        else simulation.schedule(event, 1000 + ((left * 7919) % 50_000));
      });
      simulation.schedule(event, i * 100);
    }
    const seconds = await cpuSeconds(() => runVirtual(simulation));
    if (round > 0) costs.push((seconds * 1e6) / simulation.events);
  }
  return median(costs);
}
