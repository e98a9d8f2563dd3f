import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";

/** @typedef {import("./index.mjs").Task} Task */
/** @typedef {import("./index.mjs").Measured} Measured */

/** A process that tells of no column for so long hangs: a Raft that spins within one event cannot be ended otherwise. */
const silenceLimitMs = 15 * 60_000;

/**
 * Carries out the tasks in their order, `processes` at a time.
 * @param {readonly Task[]} tasks
 * @param {number} processes
 * @param {(task: Task, measured: Measured) => void} onMeasured
 */
export async function measureAll(tasks, processes, onMeasured) {
  const queue = [...tasks];
  const takeTurns = async () => {
    for (let task = queue.shift(); task !== undefined; task = queue.shift()) onMeasured(task, await measure(task));
  };
  try {
    await Promise.all(Array.from({ length: processes }, takeTurns));
  } finally {
    queue.length = 0;
  }
}

/**
 * @param {Task} task
 * @returns {Promise<Measured>}
 */
function measure(task) {
  const child = fork(fileURLToPath(new URL("measure.mjs", import.meta.url)));
  return new Promise((resolve, reject) => {
    /** @type {Record<string, import("./index.mjs").Detection[]>} */
    const measured = {};
    const what = `${task.mutant ?? "the Raft without a fault"} in style ${task.style}`;
    const restart = () => setTimeout(() => child.kill("SIGKILL"), silenceLimitMs);
    let watchdog = restart();
    child.on("message", ({ column, detections }) => {
      measured[column] = detections;
      clearTimeout(watchdog);
      watchdog = restart();
    });
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      clearTimeout(watchdog);
      if (code === 0 && task.columns.every((column) => column in measured)) resolve(measured);
      else
        reject(
          new Error(
            `measuring ${what} ended with ${signal === "SIGKILL" ? `a kill after ${silenceLimitMs / 1000} s of silence` : (signal ?? `exit code ${code}`)}`,
          ),
        );
    });
    child.send(task);
  });
}
