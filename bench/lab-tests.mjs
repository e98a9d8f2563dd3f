// What each lab test costs with the built-in Raft: virtual seconds, events and CPU seconds, cold and warm. For use in a worker.
import { loadEngine } from "../packages/cli/dist/engine.js";
import { cpuSeconds, median } from "./measure.mjs";

const { formatSeed, labTests, makeRaft, parseSeed, runIteration, runSeed } = await loadEngine();

/** The 21 tests of the published table: parts A to C. */
export const tableTestNames = labTests.filter((test) => test.part !== "2D").map((test) => test.name);

const settings = { clock: "virtual", traceLevel: "debug", archive: false, checkDeterminism: false, synchronous: true };
const masterSeed = parseSeed("5eed");

/** Runs the test of that name once; `checks`: the setting of that name. Throws if it does not pass, since a failing run costs something else. */
async function runOnce(test, iteration, checks) {
  const seed = formatSeed(runSeed(masterSeed, test, iteration));
  const result = await runIteration({ test, iteration, seed }, makeRaft, { ...settings, checks });
  if (result.outcome !== "pass") throw new Error(`${test} with seed ${seed}: ${result.failure.reason}`);
  return result;
}

/** Each test of the published table once. */
export async function passTable(checks) {
  for (const name of tableTestNames) await runOnce(name, 0, checks);
}

/**
 * `iterations` rounds over the named tests. `checks`: the setting of that name. One row a test: means of virtualSeconds, events, rpcs, bytes and commands, CPU seconds of the
 * first run (cold) and the mean over the second half of the runs (warm).
 */
export async function measureTests({ names, iterations, checks }) {
  const rows = names.map((name) => ({ name, cpu: [], sums: {} }));
  for (let iteration = 0; iteration < iterations; iteration++) {
    for (const row of rows) {
      let result;
      const seconds = await cpuSeconds(async () => {
        result = await runOnce(row.name, iteration, checks);
      });
      row.cpu.push(seconds);
      for (const key of ["seconds", "events", "rpcs", "bytes", "commands"]) row.sums[key] = (row.sums[key] ?? 0) + result[key];
    }
  }
  return rows.map(({ name, cpu, sums }) => ({
    name,
    servers: labTests.find((test) => test.name === name).servers,
    virtualSeconds: sums.seconds / iterations,
    events: sums.events / iterations,
    rpcs: sums.rpcs / iterations,
    bytes: sums.bytes / iterations,
    commands: sums.commands / iterations,
    coldCpuSeconds: cpu[0],
    // The mean, not the median: garbage collection comes once in several runs and is part of what they cost.
    cpuSeconds: mean(cpu.slice(Math.floor(cpu.length / 2))),
    medianCpuSeconds: median(cpu.slice(Math.floor(cpu.length / 2))),
  }));
}

/** Live heap in MB after `first` and after `last` runs of small tests in one worker. */
export async function heapOverRuns({ first, last }) {
  const { setFlagsFromString } = await import("node:v8");
  const { runInNewContext } = await import("node:vm");
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc");
  const tests = ["TestInitialElection2A", "TestBasicAgree2B", "TestPersist32C", "TestSnapshotInit2D"];
  const heaps = [];
  for (let run = 1; run <= last; run++) {
    await runOnce(tests[run % tests.length], run, "on");
    if (run !== first && run !== last) continue;
    collectGarbage();
    heaps.push(process.memoryUsage().heapUsed / 2 ** 20);
  }
  return { firstMb: heaps[0], lastMb: heaps[1] };
}

function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
