// The body of a worker thread: makes the runs of a batch one after the other.
import { threadId, workerData } from "node:worker_threads";
import type { RunSettings } from "@raft-stress/harness";
import { progressCells } from "@raft-stress/harness/progress";
import { loadEngine } from "../engine.ts";
import type { Implementation } from "../implementation/load.ts";
import { tuneEngine } from "./engine-flags.ts";
import { LastEventWriter } from "./last-event.ts";
import { takeCells } from "./run-watch.ts";
import type { BatchTask, LoadTask, PositionedResult, Task, TaskEnd, WorkerSetup } from "./task.ts";

const setup = workerData as WorkerSetup;

/** Results wait this long for each other, in real milliseconds: sending costs more than a short run. */
const sendEveryMs = 5;

// Taken now: during a run the clock of this thread may belong to the simulation.
const realNowMs = performance.now.bind(performance);

// stdout holds the command's own output only; what an implementation prints must not get between its JSON lines.
process.stdout.write = process.stderr.write.bind(process.stderr);

interface Loaded {
  readonly runIteration: typeof import("@raft-stress/harness").runIteration;
  readonly raft: Implementation;
}

async function load(): Promise<Loaded> {
  const { runIteration, makeRaft, loadImplementation } = await loadEngine();
  tuneEngine(setup.settings.clock);
  if (setup.raft !== undefined) return { runIteration, raft: await loadImplementation(setup.raft, setup.settings.clock) };
  return { runIteration, raft: { makeRaft, check: async () => {}, runAlone: (run) => run() } };
}

let loading: Promise<Loaded> | undefined;

/** Once per thread: a failed load fails every batch alike. */
function loaded(): Promise<Loaded> {
  loading ??= load();
  return loading;
}

// The built-in Raft is loaded while the first batch is still on its way. A user's module is not: if it ends the thread, a task must be
// under way to be told.
if (setup.raft === undefined) loaded().catch(() => {});

export default async function work(task: Task): Promise<TaskEnd> {
  const progress = takeCells(task.cells, threadId);
  try {
    const ready = await loaded();
    if (task.kind === "batch") return { type: "results", results: await runBatch(task, progress, ready) };
    await check(task, progress, ready);
    return { type: "loaded" };
  } catch (error) {
    if (isNotLoaded(error)) return { type: "notLoaded", why: error.message };
    return { type: "fault", stack: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

async function check({ lastEventFile }: LoadTask, progress: Int32Array, { raft }: Loaded): Promise<void> {
  const lastEvent = lastEventFile === undefined ? undefined : new LastEventWriter(lastEventFile);
  await raft.check(progress, lastEvent && ((...event) => lastEvent.write(...event)));
  lastEvent?.close();
}

/** By its name: the class is the bundle's own. */
function isNotLoaded(error: unknown): error is Error {
  return error instanceof Error && error.name === "NotLoaded";
}

/** Returns the results that were not sent while the batch ran. */
async function runBatch(batch: BatchTask, progress: Int32Array, { runIteration, raft }: Loaded): Promise<readonly PositionedResult[]> {
  const { lastEventFile, followedEvent } = batch;
  const lastEvent = lastEventFile === undefined ? undefined : new LastEventWriter(lastEventFile);
  const settings: RunSettings = {
    ...setup.settings,
    ...batch.settings,
    synchronous: setup.raft === undefined,
    progress,
    ...((lastEvent ?? followedEvent) !== undefined && {
      beforeEvent(event, timeUs, owner) {
        lastEvent?.write(event, timeUs, owner);
        stopFollowed(event === followedEvent);
      },
    }),
  };
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
  lastEvent?.close();
  return unsent;
}

/** For whoever follows the thread as a debugger (`followThread`); without one it does nothing. */
function stopFollowed(isThere: boolean): void {
  // biome-ignore lint/suspicious/noDebugger: this is what it is for.
  if (isThere) debugger;
}

function beginRun(progress: Int32Array, position: number): void {
  progress.fill(0);
  Atomics.store(progress, progressCells.job, position + 1);
}
