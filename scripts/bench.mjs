// `pnpm bench`: what raft-stress costs, each figure beside its goal. Goals are for two cores and Node 20; what falls short says SHORT.
// Nothing here fails: timing on a shared machine is a measurement, not a verdict. `--quick` leaves out the parts that take long.
import { cpus } from "node:os";
import { compareChecks } from "../bench/checks.mjs";
import { engineMicrosPerEvent } from "../bench/engine.mjs";
import { inWorker } from "../bench/in-worker.mjs";
import { tableTestNames } from "../bench/lab-tests.mjs";
import { Goals, median, runCommand, runScript, shareOfWaiting } from "../bench/measure.mjs";
import { memoryStepNs } from "../bench/memory-speed.mjs";
import { add, compareWithBuiltIn, labStyleFile } from "../bench/users-raft.mjs";
import { labTests } from "../packages/harness/dist/index.js";

const quick = process.argv.includes("--quick");
/** What the invariants may cost: the goals for runs are for runs with hash and trace ring, and those with all invariants on top may take so much longer. */
const invariantsFactor = 1.3;
const goals = new Goals();
const labModule = new URL("../bench/lab-tests.mjs", import.meta.url).href;
const sizeModule = new URL("../bench/cluster-size.mjs", import.meta.url).href;
const seconds = (value) => `${value.toFixed(2)} s`;
const times = (value) => `${Math.round(value)}x`;

console.log(`raft-stress bench · Node ${process.versions.node} · ${cpus().length} x ${cpus()[0].model.trim()}`);
machine();
await engine();
startUp();
coldPass();
await perTest();
await usersRaft();
await checkedRuns();
wholeCommand();
await realClock();
if (!quick) {
  await memory();
  scaling();
}
await clusterSizes();
machine();
console.log(goals.missed.length === 0 ? "\nall goals met" : `\nshort of their goals: ${goals.missed.join("; ")}`);

function machine() {
  const { best, median: usual } = memoryStepNs();
  console.log(
    `\nThis machine now: a step through 8 MB of memory takes ${best.toFixed(0)} ns at best, ${usual.toFixed(0)} ns in the median`,
  );
}

async function engine() {
  console.log("\nThe engine alone: queue, dispatch, drain, hash");
  goals.check("CPU per event", await engineMicrosPerEvent(), "less", 0.3, (value) => `${value.toFixed(3)} µs`);
}

function startUp() {
  console.log("\nStart-up");
  const runs = Array.from({ length: 11 }, () => runCommand(["--help"]));
  const ms = (value) => `${value.toFixed(0)} ms`;
  goals.check("raft-stress --help, CPU", 1000 * median(runs.map((run) => run.cpuSeconds)), "less", 100, ms);
  console.log(`        of which Node's own start: ${ms(1000 * median(runs.map((run) => run.bootSeconds)))}`);
}

function coldPass() {
  console.log("\nThe 21 tests of the published table once, cold, worker start included, Node's own start not; hash and trace ring on");
  const cost = { off: [], on: [] };
  for (let turn = 0; turn < 7; turn++) {
    for (const checks of ["off", "on"]) {
      const { cpuSeconds, bootSeconds } = runScript("cold-pass.mjs", [checks]);
      cost[checks].push(cpuSeconds - bootSeconds);
    }
  }
  goals.check("CPU", median(cost.off), "less", 0.35, seconds);
  goals.check("CPU with all invariants, as the command runs them", median(cost.on), "less", 0.35 * invariantsFactor, seconds);
}

async function perTest() {
  const iterations = quick ? 30 : 200;
  const names = labTests.map((test) => test.name);
  const what = `${iterations} rounds, warm: the mean over the second half of the runs; hash and trace ring on`;
  const isInTable = ({ name }) => tableTestNames.includes(name);
  console.log(`\nThe 21 tests of the published table without invariants, ${what}`);
  const bare = sum((await inWorker(labModule, "measureTests", { names, iterations, checks: "off" })).filter(isInTable));
  goals.check("virtual seconds per CPU second", bare.virtualSeconds / bare.cpuSeconds, "more", 6000, times);
  console.log(`\nEach test with all invariants, as the command runs it, ${what}`);
  const rows = await inWorker(labModule, "measureTests", { names, iterations, checks: "on" });
  const columns = [
    "test",
    "servers",
    "virtual s",
    "RPCs",
    "bytes",
    "cmds",
    "events",
    "cold ms",
    "warm ms",
    "virtual s / CPU s",
    "events / CPU s",
  ];
  printRow(columns);
  for (const row of rows) printRow(cells(row.name, row));
  const total = sum(rows.filter(isInTable));
  printRow(cells("the 21 of the table", total));
  printRow(cells("all 28", sum(rows)));
  goals.check(
    "virtual seconds per CPU second with all invariants, 21 tests",
    total.virtualSeconds / total.cpuSeconds,
    "more",
    6000 / invariantsFactor,
    times,
  );
}

function cells(name, row) {
  const perCpu = (value) => Math.round(value / row.cpuSeconds).toLocaleString("en");
  return [
    name,
    row.servers ?? "",
    row.virtualSeconds.toFixed(1),
    Math.round(row.rpcs),
    Math.round(row.bytes),
    row.commands.toFixed(1),
    Math.round(row.events),
    (1000 * row.coldCpuSeconds).toFixed(1),
    (1000 * row.cpuSeconds).toFixed(2),
    perCpu(row.virtualSeconds),
    perCpu(row.events),
  ];
}

function printRow(row) {
  const widths = [32, 8, 10, 7, 9, 7, 8, 8, 8, 18, 15];
  console.log(`  ${row.map((cell, i) => (i === 0 ? String(cell).padEnd(widths[i]) : String(cell).padStart(widths[i]))).join("")}`);
}

function sum(rows) {
  const total = {};
  for (const key of ["virtualSeconds", "events", "rpcs", "bytes", "commands", "coldCpuSeconds", "cpuSeconds"]) {
    total[key] = rows.reduce((so_far, row) => so_far + row[key], 0);
  }
  return total;
}

async function usersRaft() {
  const rounds = quick ? 20 : 60;
  console.log(
    `\nA Raft as users write it (examples/lab-style, by --raft) beside the built-in one, taking turns, ${rounds} rounds, warm: the second half`,
  );
  const rows = await compareWithBuiltIn({ file: labStyleFile, names: labTests.map((test) => test.name), rounds });
  const print = (cells) => console.log(`  ${cells.map((cell, i) => (i === 0 ? cell.padEnd(32) : cell.padStart(22))).join("")}`);
  const speed = ({ virtualSeconds, cpuSeconds }) => virtualSeconds / cpuSeconds;
  const printRow = (name, builtIn, users) =>
    print([
      name,
      ...[builtIn, users].map((sums) => Math.round(speed(sums)).toLocaleString("en")),
      (speed(users) / speed(builtIn)).toFixed(2),
    ]);
  print(["virtual s / CPU s", "built-in", "lab-style", "lab-style / built-in"]);
  for (const { name, builtIn, users } of rows) printRow(name, builtIn, users);
  const total = (key, parts) => parts.map((row) => row[key]).reduce(add, { virtualSeconds: 0, cpuSeconds: 0 });
  const table = rows.filter((row) => tableTestNames.includes(row.name));
  printRow("the 21 of the table", total("builtIn", table), total("users", table));
  printRow("all 28", total("builtIn", rows), total("users", rows));
  const ratio = speed(total("users", table)) / speed(total("builtIn", table));
  goals.check("lab-style, as a part of the built-in Raft's virtual seconds per CPU second, 21 tests", ratio, "more", 1 / 3, (value) =>
    value.toFixed(2),
  );
}

async function checkedRuns() {
  const turns = quick ? 4 : 20;
  const roundsPerTurn = 8;
  console.log(
    `\nInvariants and checked mode, ${turns} turns of ${roundsPerTurn} rounds over the 28 tests each, warm: medians over the second half`,
  );
  const names = labTests.map((test) => test.name);
  const [off, on, race] = await compareChecks({ settings: ["off", "on", "race"], names, turns, roundsPerTurn });
  const ms = (value) => `${(1000 * value).toFixed(1)} ms`;
  const ratio = (value) => `${value.toFixed(2)}x`;
  console.log(`        CPU for a round: without invariants ${ms(off)}, with them (as ever) ${ms(on)}, checked mode ${ms(race)}`);
  goals.check("CPU of an ordinary run to one without invariants", on / off, "less", invariantsFactor, ratio);
  goals.check("CPU of a run in checked mode to an ordinary one", race / on, "less", 2, ratio);
}

function wholeCommand() {
  console.log("\nThe published command: 21 tests x 50, -p 4 (published with the Go labs: 51 minutes)");
  const runs = Array.from({ length: quick ? 3 : 5 }, () => runCommand([...tableTestNames, "-n", "50", "-p", "4", "--seed", "5eed"]));
  const wall = median(runs.map((run) => run.wallSeconds));
  goals.check("wall time", wall, "less", 2.5, seconds);
  goals.check("times as fast as published", (51 * 60) / wall, "more", 1200, times);
  console.log(`        CPU ${seconds(median(runs.map((run) => run.cpuSeconds)))}`);
}

/** Runs on the real clock mostly wait: what 50 of them side by side take of a processor, once V8 has compiled most of their code. */
async function realClock() {
  const tests = [
    ["TestReElection2A", "700", "45-60"],
    ["TestFigure82C", "100", "45-60"],
    ["TestBackup2B", "200", "20-28"],
  ];
  console.log("\nThe real clock: 50 runs waiting side by side, in one process for each Raft");
  for (const [test, runs, window] of quick ? tests.slice(0, 1) : tests) {
    const args = [test, "-n", runs, "-p", "50", "--clock", "real"];
    const [builtIn, labStyle] = await shareOfWaiting([args, [...args, "--raft", labStyleFile]], window);
    const percent = (value) => `${(100 * value).toFixed(1)}% of a processor`;
    goals.check(`${test}, the built-in Raft, seconds ${window}`, builtIn, "less", 0.05, percent);
    goals.check(`${test}, lab-style, seconds ${window}`, labStyle, "less", 0.05, percent);
  }
}

async function memory() {
  console.log("\nMemory");
  const { firstMb, lastMb } = await inWorker(labModule, "heapOverRuns", { first: 2000, last: 12_000 });
  // Until then V8 still compiles much.
  console.log(`        live heap after 2,000 runs ${firstMb.toFixed(1)} MB, after 12,000 runs ${lastMb.toFixed(1)} MB`);
  goals.check("growth of the live heap over 10,000 runs", lastMb - firstMb, "less", 1, (value) => `${value.toFixed(2)} MB`);
  const { peakMb } = runCommand([...tableTestNames, "-n", "100", "-p", "4", "--seed", "5eed"]);
  goals.check("peak of the whole process, 21 tests x 100, -p 4", peakMb, "less", 300, (value) => `${value.toFixed(0)} MB`);
}

function scaling() {
  console.log("\nWorkers: 21 tests x 500, three times in turns");
  const wall = (workers) => runCommand([...tableTestNames, "-n", "500", "-p", String(workers), "--seed", "5eed"]).wallSeconds;
  const ratios = Array.from({ length: 3 }, () => {
    const one = wall(1);
    const two = wall(2);
    console.log(`        one worker ${seconds(one)}, two ${seconds(two)}`);
    return one / two;
  });
  goals.check("two workers against one, the median", median(ratios), "more", 1.6, (value) => `${value.toFixed(2)}x`);
}

async function clusterSizes() {
  console.log("\nCluster size: an election and 100 agreements");
  for (const row of await inWorker(sizeModule, "measureClusterSizes", [3, 5, 7, 9, 15])) {
    const perEvent = ((row.cpuSeconds / row.events) * 1e6).toFixed(2);
    const what = `${String(row.servers).padStart(4)} servers: ${row.virtualSeconds.toFixed(1)} virtual s, ${row.rpcs} RPCs, ${row.events} events`;
    console.log(`      ${what}, ${(1000 * row.cpuSeconds).toFixed(2)} ms of CPU, ${perEvent} µs an event`);
  }
}
