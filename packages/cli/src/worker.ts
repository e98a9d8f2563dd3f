// The body of a worker thread: makes the runs of a batch one after the other.
import { threadId, workerData } from "node:worker_threads";
import type { RunSettings } from "@raft-stress/harness";
import { progressCells } from "@raft-stress/harness/progress";
import { loadEngine } from "./engine.ts";
import { tuneEngine } from "./engine-flags.ts";
import type { Implementation } from "./implementation/load.ts";
import type { BatchTask, PositionedResult, Task, TaskEnd, WorkerSetup } from "./task.ts";
import { takeCells } from "./watch.ts";

const setup = workerData as WorkerSetup;

/** Results wait this long for each other, in real milliseconds: sending costs more than a short run. */
const sendEveryMs = 5;

// Taken now: during a run the clock of this thread may belong to the simulation.
const realNowMs = performance.now.bind(performance);

// stdout holds the command's own output only; what an implementation prints must not get between its JSON lines.
process.stdout.write = process.stderr.write.bind(process.stderr);

// A user's Raft is loaded by code that shares its modules with the harness: there the engine is taken module by module.
const engine = setup.raft === undefined ? await loadEngine() : undefined;
const { runIteration } = engine ?? (await import("@raft-stress/harness"));

tuneEngine();

let loading: Promise<Implementation> | undefined;

/** Once per thread: a failed load fails every batch alike. */
function implementation(): Promise<Implementation> {
  loading ??= load();
  return loading;
}

async function load(): Promise<Implementation> {
  if (engine !== undefined) return { makeRaft: engine.makeRaft, check: async () => {}, runAlone: (run) => run() };
  const { loadImplementation } = await import("./implementation/load.ts");
  return loadImplementation(setup.raft!, setup.settings.clock);
}

export default async function work(task: Task): Promise<TaskEnd> {
  const progress = takeCells(task.cells, threadId);
  try {
    const raft = await implementation();
    if (task.kind === "batch") return { type: "results", results: await runBatch(task, progress, raft) };
    await raft.check(progress);
    return { type: "loaded" };
  } catch (error) {
    if (isNotLoaded(error)) return { type: "notLoaded", why: error.message };
    return { type: "fault", stack: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

/** By its name: the class comes with the code that loads a user's Raft, which most threads do without. */
function isNotLoaded(error: unknown): error is Error {
  return error instanceof Error && error.name === "NotLoaded";
}

/** Returns the results that were not sent while the batch ran. */
async function runBatch(batch: BatchTask, progress: Int32Array, raft: Implementation): Promise<readonly PositionedResult[]> {
  const settings: RunSettings = { ...setup.settings, ...batch.settings, progress };
  const failuresLeft: Record<string, number> = { ...batch.failuresLeft };
  let unsent: PositionedResult[] = [];
  let sentAtMs = realNowMs();
  for (const [position, job] of batch.jobs.entries()) {
    if ((failuresLeft[job.test] ?? 1) <= 0) continue;
    const result = await raft.runAlone(() => {
      beginRun(progress, position);
      return runIteration(job, raft.makeRaft, settings);
    });
    if (result.outcome !== "pass" && failuresLeft[job.test] !== undefined) failuresLeft[job.test]! -= 1;
    unsent.push([position, result]);
    if (batch.port && realNowMs() - sentAtMs >= sendEveryMs) {
      batch.port.postMessage(unsent);
      unsent = [];
      sentAtMs = realNowMs();
    }
  }
  Atomics.store(progress, progressCells.job, 0);
  return unsent;
}

function beginRun(progress: Int32Array, position: number): void {
  progress.fill(0);
  Atomics.store(progress, progressCells.job, position + 1);
}
