// How everything here is measured: processor time over wall time where it can be, medians over means, and each figure beside its goal.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
// The global one of a thread may belong to the simulation.
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const command = fileURLToPath(new URL("../packages/cli/bin/raft-stress.mjs", import.meta.url));

/** CPU seconds, all threads of this process, that `work` takes. */
export async function cpuSeconds(work) {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/**
 * Runs the real command to its end; returns wall and CPU seconds and peak memory in MB, of all its Node processes together, its start-up included. With `window`, two
 * moments of real time such as `5-10` (seconds), also `windowShare`: the part of a processor that was in use between them.
 */
export function runCommand(args, { cwd, window } = {}) {
  return runNode([command, ...args], cwd, window);
}

/** Runs a script of this folder in a fresh process. */
export function runScript(name, args = []) {
  return runNode([join(here, name), ...args]);
}

function runNode(args, cwd, window) {
  const { argv, options, usage } = measured(args, cwd, window);
  const started = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, { ...options, encoding: "utf8", maxBuffer: 1 << 28 });
  const wallSeconds = (performance.now() - started) / 1000;
  if (status !== 0) throw new Error(`${args.join(" ")} ended with status ${status}: ${stderr || stdout}`);
  return { wallSeconds, stdout, ...usage() };
}

/** What commands that mostly wait take of a processor, side by side: the `windowShare` of each. */
export function shareOfWaiting(commands, window) {
  return Promise.all(
    commands.map(async (args) => {
      const { argv, options, usage } = measured([command, ...args], undefined, window);
      const child = spawn(process.execPath, argv, { ...options, stdio: "ignore" });
      const [status] = await once(child, "exit");
      if (status !== 0) throw new Error(`${args.join(" ")} ended with status ${status}`);
      return usage().windowShare;
    }),
  );
}

/** How Node is started so that it tells what it has used, and what it has told when it has ended. */
function measured(args, cwd, window) {
  const scratch = mkdtempSync(join(tmpdir(), "raft-stress-bench-"));
  const usageDirectory = mkdtempSync(join(tmpdir(), "raft-stress-usage-"));
  const preload = pathToFileURL(join(here, "report-usage.mjs")).href;
  // Certificates of the machine are none of the command's cost: Node 20 reads them at every start.
  const env = {
    ...process.env,
    NODE_EXTRA_CA_CERTS: undefined,
    RAFT_STRESS_USAGE_DIRECTORY: usageDirectory,
    RAFT_STRESS_USAGE_WINDOW: window,
    NO_COLOR: "1",
  };
  const usage = () => {
    const usages = readdirSync(usageDirectory).map((name) => JSON.parse(readFileSync(join(usageDirectory, name), "utf8")));
    for (const directory of [scratch, usageDirectory]) rmSync(directory, { recursive: true, force: true });
    const total = (key) => usages.reduce((sum, each) => sum + (each[key] ?? 0), 0);
    return Object.fromEntries(["cpuSeconds", "bootSeconds", "peakMb", "windowShare"].map((key) => [key, total(key)]));
  };
  return { argv: ["--import", preload, ...args], options: { cwd: cwd ?? scratch, env }, usage };
}

/** Prints a figure beside its goal, and keeps count of what falls short. */
export class Goals {
  missed = [];

  /** `better`: "less" or "more". */
  check(what, value, better, goal, format = (number) => String(number)) {
    const met = better === "less" ? value <= goal : value >= goal;
    const relation = better === "less" ? "at most" : "at least";
    console.log(`  ${met ? "ok   " : "SHORT"} ${what}: ${format(value)} (goal: ${relation} ${format(goal)})`);
    if (!met) this.missed.push(what);
  }
}
