import { formatDuration } from "./durations.ts";
import type { Executor, RunUnderWay } from "./executor.ts";

/** At most this many runs are named at a time; the longest first. */
const maxNamed = 5;

export interface SlowWatch {
  stop(): void;
}

/** Says which runs are still under way when they have taken `slowMs`, and again each time that long has passed. */
export function watchSlowRuns(executor: Pick<Executor, "underWay">, slowMs: number, tell: (line: string) => void): SlowWatch {
  const told = new Map<string, number>();
  const timer = setInterval(() => tellSlow(executor.underWay(), slowMs, told, tell), Math.max(20, Math.min(500, slowMs / 4)));
  return { stop: () => clearInterval(timer) };
}

/** `told`: how many times `slowMs` a run had taken when it was last named. */
export function tellSlow(runs: readonly RunUnderWay[], slowMs: number, told: Map<string, number>, tell: (line: string) => void): void {
  const key = ({ job }: RunUnderWay) => `${job.test} ${job.iteration}`;
  const present = new Set(runs.map(key));
  for (const known of told.keys()) if (!present.has(known)) told.delete(known);
  const due = runs.filter((run) => Math.floor(run.runMs / slowMs) > (told.get(key(run)) ?? 0)).toSorted((a, b) => b.runMs - a.runMs);
  for (const run of due) told.set(key(run), Math.floor(run.runMs / slowMs));
  for (const run of due.slice(0, maxNamed)) tell(slowLine(run));
  if (due.length > maxNamed) tell(`still running: ${due.length - maxNamed} more runs, for at least ${formatDuration(slowMs)}`);
}

/** Shorter runs are no loss, in real milliseconds. */
const lossMs = 1000;

/** What an interrupt has cut short: whoever interrupts a run that hangs wants to know which it was. */
export function cutShort(runs: readonly RunUnderWay[]): readonly string[] {
  const lost = runs.filter(({ runMs }) => runMs >= lossMs).toSorted((a, b) => b.runMs - a.runMs);
  const lines = lost
    .slice(0, maxNamed)
    .map(({ job, runMs }) => `cut short after ${(runMs / 1000).toFixed(1)} s: ${job.test}, iteration ${job.iteration}, seed ${job.seed}`);
  return lost.length > maxNamed ? [...lines, `cut short: ${lost.length - maxNamed} more runs`] : lines;
}

function slowLine({ job, runMs, where }: RunUnderWay): string {
  const look = where === undefined ? "" : `, ${where}`;
  return `still running after ${(runMs / 1000).toFixed(1)} s: ${job.test}, iteration ${job.iteration}, seed ${job.seed}${look}`;
}
