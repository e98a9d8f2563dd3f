// The process that runs a user's Raft: worker threads, and who watches them. It can be lost as a whole, as when one allocation goes beyond V8's limits, and the
// command goes on with another one.
import { registerSourceMap } from "@raft-stress/harness/results";
import type { Batch, OnResults } from "../executor.ts";
import type { FromChild, ToChild } from "./child-messages.ts";
import { Pool } from "./pool.ts";
import { startThreadsFor } from "./threads.ts";

/** How often the command is told what is under way, in real milliseconds. */
const tellEveryMs = 500;

/** How long the process may take to end in good order, in real milliseconds. */
const endsWithinMs = 300;

/** What was told last has this long to be sent, in real milliseconds. */
const lastWordsMs = 50;

/** How often the command hears from this process at the least, in real milliseconds. */
const aliveEveryMs = 2000;

let pool: Pool | undefined;

// Ctrl-C reaches all processes of a terminal: what it ends is up to the command.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
process.on("message", (message: ToChild) => hear(message));
// The command is gone.
process.on("disconnect", () => void end());
process.on("uncaughtException", ({ stack, message }) => tell({ type: "fault", stack: stack ?? message }));

setInterval(() => tell({ type: "alive" }), aliveEveryMs);

function hear(message: ToChild): void {
  if (message.type === "setup") setUp(message);
  else if (message.type === "close") void end();
  else void answer(message);
}

function setUp({ setup, workers, timeoutMs, singleRuns }: Extract<ToChild, { readonly type: "setup" }>): void {
  const { raft } = setup;
  // This thread shows places in it: where a thread was that hung.
  if (raft !== undefined) registerSourceMap(raft.scriptName, raft.map, raft.ownNames);
  pool = new Pool({ ...startThreadsFor(workers, setup), timeoutMs, singleRuns, onFollowed, onEndlessThread });
  // Of a batch of one run the command knows as much by itself.
  if (!singleRuns) setInterval(tellUnderWay, tellEveryMs);
}

function tellUnderWay(): void {
  const runs = pool?.underWay() ?? [];
  if (runs.length > 0) tell({ type: "underWay", runs });
}

async function answer(message: Extract<ToChild, { readonly id: number }>): Promise<void> {
  const { id } = message;
  if (message.type === "load") tell({ type: "end", id, end: await pool!.load(message.lastEventFile), results: [] });
  else if (message.batch.jobs.length === 1) await runOne(id, message.batch);
  else tell({ type: "end", id, end: await pool!.run(message.batch, (results) => tell({ type: "results", id, results })), results: [] });
}

/** What there is to say of one run goes in one message: on the real clock there is a batch for each. */
async function runOne(id: number, batch: Batch): Promise<void> {
  let results: Parameters<OnResults>[0] = [];
  const end = await pool!.run(batch, (told) => {
    results = told;
  });
  tell({ type: "end", id, end, results });
}

function tell(message: FromChild): void {
  // A command that is gone hears nothing.
  if (process.connected) process.send!(message);
}

function onFollowed(stack: string | undefined): void {
  tell({ type: "followed", stack });
}

function onEndlessThread(): void {
  tell({ type: "spent" });
  setTimeout(die, lastWordsMs);
}

let ending = false;

/** Also when the command is gone while it is already asked for. */
async function end(): Promise<void> {
  if (ending) return;
  ending = true;
  setTimeout(die, endsWithinMs);
  await pool?.close();
  process.exit();
}

/** Node itself would wait for its threads. */
function die(): void {
  process.kill(process.pid, "SIGKILL");
}
