import type { Failure, IterationResult, Job } from "@raft-stress/harness";
import { formatDuration } from "./durations.ts";
import type { Loss } from "./executor.ts";
import type { RunFailure } from "./run-result.ts";

/** Whether the run was inside one event, or went from event to event, when its thread was ended. */
export function hungInEvent(loss: Loss, timeoutMs: number): boolean {
  return loss.why !== "timeout" || loss.inEventMs >= timeoutMs / 2;
}

/** What making the run again, up to the event under way, has told. */
interface WayThere {
  readonly text: string;
  /** Names that event; undefined when the run was not made again, or was another one. */
  readonly stoppedAt: Pick<RunFailure, "seen" | "server"> | undefined;
}

/** The result of a run whose thread was lost: what its cells still tell. */
export function lostResult(job: Job, servers: number, loss: Loss, timeoutMs: number, way: WayThere): IterationResult {
  const { stoppedAt } = way;
  const server = stoppedAt?.server ?? loss.server;
  const whose = stoppedAt?.seen ?? (server === undefined ? undefined : `S${server}`);
  const event = whose === undefined ? `event ${loss.event}` : `event ${loss.event} (${whose})`;
  const told = loss.why === "timeout" ? timeoutFailure(loss, timeoutMs, event) : deathFailure(loss, event);
  const { stack } = loss;
  const failure: Failure = {
    ...told,
    ...(server === undefined ? {} : { server }),
    ...(stack === undefined ? {} : { reason: `${told.reason}${whereItWas(stack)}`, stack }),
  };
  return {
    job,
    outcome: loss.why === "timeout" ? "timeout" : "crash",
    seconds: loss.virtualMs / 1000,
    realMs: loss.why === "timeout" ? timeoutMs : 0,
    servers,
    rpcs: 0,
    bytes: 0,
    commands: 0,
    events: loss.event,
    traceHash: "",
    failure,
    log: `${way.text}${failure.reason}\n${stack === undefined ? "" : `${stack}\n`}`,
  };
}

/** The end of a sentence: where the code of a thread was, by its stack. */
export function whereItWas(stack: string | undefined): string {
  return stack === undefined ? "" : `; its code was${stack.split("\n")[0]!.replace(/^\s*at/, " at")}`;
}

function timeoutFailure(loss: Loss, timeoutMs: number, event: string): Failure {
  const limit = formatDuration(timeoutMs);
  const at = `${(loss.virtualMs / 1000).toFixed(3)} s of the test's time`;
  const reason = hungInEvent(loss, timeoutMs)
    ? `${event}, at ${at}, never ended: the run was stopped after ${limit} of real time (--timeout)`
    : `still running after ${limit} of real time (--timeout): event ${loss.event}, at ${at}`;
  const cause = hungInEvent(loss, timeoutMs) ? "an event never ended: endless loop?" : `no end within ${limit} of real time`;
  return { cause, reason, atMs: loss.virtualMs, event: loss.event };
}

function deathFailure(loss: Loss, event: string): Failure {
  const how = loss.why === "memory" ? outOfMemory : howItDied(loss);
  const inWords = loss.why === "memory" && loss.what === "process" ? ` (V8: ${loss.message})` : "";
  const reason = `${how}${inWords}; ${event}, at ${(loss.virtualMs / 1000).toFixed(3)} s of the test's time, was under way`;
  return { cause: how, reason, atMs: loss.virtualMs, event: loss.event };
}

const outOfMemory = "the run's thread ran out of memory";

/** `message` is Node's, or V8's. */
function howItDied({ what, message }: Loss): string {
  const exitCode = /^worker exited with code: (\d+)$/.exec(message)?.[1];
  if (exitCode !== undefined) return `the implementation called process.exit (code ${exitCode})`;
  if (/heap out of memory/.test(message)) return outOfMemory;
  return `the run's ${what} died: ${message}`;
}
