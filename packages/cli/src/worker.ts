// The body of a worker thread: makes the runs of a batch one after the other.
import { threadId, workerData } from "node:worker_threads";
import { progressCells, type RunSettings, runIteration } from "@raft-stress/harness";
import { tuneEngine } from "./engine-flags.ts";
import { type Implementation, loadImplementation } from "./implementation/load.ts";
import { NotLoaded } from "./implementation/load-error.ts";
import type { BatchTask, PositionedResult, Task, TaskEnd, WorkerSetup } from "./task.ts";
import { takeCells } from "./watch.ts";

const setup = workerData as WorkerSetup;

/** Results wait this long for each other, in real milliseconds: sending costs more than a short run. */
const sendEveryMs = 5;

// Taken now: during a run the clock of this thread may belong to the simulation.
const realNowMs = performance.now.bind(performance);

// stdout holds the command's own output only; what an implementation prints must not get between its JSON lines.
process.stdout.write = process.stderr.write.bind(process.stderr);

tuneEngine();

let loading: Promise<Implementation> | undefined;

/** Once per thread: a failed load fails every batch alike. */
function implementation(): Promise<Implementation> {
  loading ??= loadImplementation(setup.raft, setup.settings.clock);
  return loading;
}

// The built-in Raft is loaded while the first batch is still on its way. A user's module is not: if it ends the thread, a task must be
// under way to be told.
if (setup.raft === undefined) implementation().catch(() => {});

export default async function work(task: Task): Promise<TaskEnd> {
  const progress = takeCells(task.cells, threadId);
  try {
    const raft = await implementation();
    if (task.kind === "batch") return { type: "results", results: await runBatch(task, progress, raft) };
    await raft.check(progress);
    return { type: "loaded" };
  } catch (error) {
    if (error instanceof NotLoaded) return { type: "notLoaded", why: error.message };
    return { type: "fault", stack: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
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
