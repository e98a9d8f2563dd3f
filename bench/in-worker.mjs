// Runs a measurement in a worker thread set up as the command sets up its own.
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { engineResourceLimits, tuneEngine } from "../packages/cli/dist/engine-flags.js";

/** Runs `measurement(argument)` of `module` (a file of this folder) in a fresh worker; resolves to what it returns. */
export function inWorker(module, measurement, argument) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), {
      workerData: { module, measurement, argument },
      resourceLimits: engineResourceLimits,
    });
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

if (!isMainThread && workerData?.measurement !== undefined) {
  const module = await import(workerData.module);
  tuneEngine();
  parentPort.postMessage(await module[workerData.measurement](workerData.argument));
}
