// Runs measurements in a worker thread set up as the command sets up its own.
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { engineResourceLimits, tuneEngine } from "../packages/cli/dist/pool/engine-flags.js";

/** A worker thread that runs measurements of `module` (a file of this folder), one after the other. */
export class MeasuringWorker {
  #worker;
  #settle;

  constructor(module) {
    this.#worker = new Worker(new URL(import.meta.url), { workerData: { module }, resourceLimits: engineResourceLimits });
    this.#worker.on("message", ({ value, thrown }) =>
      thrown === undefined ? this.#settle.resolve(value) : this.#settle.reject(new Error(thrown)),
    );
    this.#worker.on("error", (error) => this.#settle.reject(error));
  }

  /** Resolves to what `measurement(argument)` returns. One at a time. */
  run(measurement, argument) {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#worker.postMessage({ measurement, argument });
    });
  }

  async end() {
    await this.#worker.terminate();
  }
}

/** The same for one measurement, in a fresh worker. */
export async function inWorker(module, measurement, argument) {
  const worker = new MeasuringWorker(module);
  try {
    return await worker.run(measurement, argument);
  } finally {
    await worker.end();
  }
}

if (!isMainThread && workerData?.module !== undefined) {
  const module = await import(workerData.module);
  tuneEngine("virtual");
  parentPort.on("message", async ({ measurement, argument }) => {
    try {
      parentPort.postMessage({ value: await module[measurement](argument) });
    } catch (error) {
      parentPort.postMessage({ thrown: String(error.stack) });
    }
  });
}
