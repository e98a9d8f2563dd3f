import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";

/** @typedef {import("./index.mjs").Task} Task */
/** @typedef {import("./index.mjs").Measured} Measured */

/** A process that tells of no column for so long hangs: a Raft that spins within one event cannot be ended otherwise. */
const silenceLimitMs = 15 * 60_000;

/**
 * Carries out the tasks in their order, `processes` at a time. Rejects with the first that fails, and ends the others.
 * @param {readonly Task[]} tasks
 * @param {number} processes
 * @param {(task: Task, measured: Measured) => void} onMeasured
 */
export async function measureAll(tasks, processes, onMeasured) {
  const queue = [...tasks];
  /** @type {Set<import("node:child_process").ChildProcess>} */
  const running = new Set();
  const takeTurns = async () => {
    for (let task = queue.shift(); task !== undefined; task = queue.shift()) onMeasured(task, await measure(task, running));
  };
  try {
    await Promise.all(Array.from({ length: processes }, takeTurns));
  } finally {
    queue.length = 0;
    for (const child of running) child.kill("SIGKILL");
  }
}

/**
 * @param {Task} task
 * @param {Set<import("node:child_process").ChildProcess>} running
 * @returns {Promise<Measured>}
 */
function measure(task, running) {
  const child = fork(fileURLToPath(new URL("measure.mjs", import.meta.url)));
  running.add(child);
  return new Promise((resolve, reject) => {
    /** @type {Record<string, import("./index.mjs").Detection[]>} */
    const measured = {};
    const startWatch = () => setTimeout(() => child.kill("SIGKILL"), silenceLimitMs);
    let watch = startWatch();
    child.on("message", ({ column, detections }) => {
      measured[column] = detections;
      clearTimeout(watch);
      watch = startWatch();
    });
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      clearTimeout(watch);
      running.delete(child);
      if (code === 0 && task.columns.every((column) => column in measured)) return resolve(measured);
      const how = signal === "SIGKILL" ? `a kill after ${silenceLimitMs / 60_000} silent minutes` : (signal ?? `exit code ${code}`);
      reject(new Error(`measuring ${task.mutant ?? "the Raft without a fault"} in style ${task.style} ended with ${how}`));
    });
    child.send(task);
  });
}
