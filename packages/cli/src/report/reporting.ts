import type { Backend } from "../backend.ts";
import type { EndReason, Reporter, RunEvent, RunsStarted } from "../events.ts";
import type { Goal } from "../goal.ts";
import type { JsonTarget } from "../json-target.ts";
import { isExternal } from "../options.ts";
import { createPaints } from "../paint.ts";
import type { Plan } from "../plan.ts";
import type { RunsRecord } from "../runs-record.ts";
import type { Session } from "../session.ts";
import { count, type Tally } from "../tally.ts";
import { ownVersion } from "../version.ts";
import { header } from "./header.ts";
import { jsonLines } from "./json-lines.ts";
import { failureLines, startProgress } from "./progress.ts";

export interface ReportingOptions {
  readonly session: Session;
  readonly goal: Goal;
  /** Kept up to date by the events. */
  readonly tally: Tally;
  readonly plan: Plan;
  readonly json: JsonTarget | undefined;
  readonly backend: Backend;
  readonly record: RunsRecord;
}

/** Everything that is shown and stored of the runs, the logs aside. */
export interface Reporting {
  emit(event: RunEvent): void;
  /** Says something on stderr, above the panel if there is one. */
  tell(line: string): void;
  stopProgress(): void;
  /** Prints the table and all that comes below it. */
  finish(reason: EndReason): Promise<void>;
}

/** With --loop, a table after each round, unless the last one was printed a moment ago. */
const roundTableEveryMs = 5_000;

/** Prints the header, starts the progress display. */
export function startReporting({ session, goal, tally, plan, json, backend, record }: ReportingOptions): Reporting {
  const { options, output } = session;
  const paint = createPaints(output.colour.print);
  const started = startedEvent(session, goal);
  if (!options.quiet) output.print(header(started, options));
  const startedMs = performance.now();
  const view = {
    tally,
    expected: (test: number) => (plan.isDropped(test) ? tally.tests[test]!.total : plan.throughRound),
    elapsedMs: () => performance.now() - startedMs,
  };
  const progress = startProgress(view, options, output);
  // Needed at the end: loaded while the first runs are under way.
  const late = Promise.all([import("./table.ts"), import("./closing.ts")]);
  const tableOptions = {
    timing: options.timing,
    timingDecimals: options.clock === "virtual" ? 4 : isExternal(options) ? 3 : 2,
    stats: options.stats,
    lab: isExternal(options),
    maxFailures: goal.maxFailures,
  };
  const table = async () => (await late)[0].renderTable(tally, tableOptions, paint);
  let comment: string | undefined;
  const reporters: readonly Reporter[] = [
    (event) => count(tally, event),
    (event) => {
      if (event.type === "run") comment = session.request.comment?.(event) ?? comment;
    },
    record.report,
    ...(json ? [jsonLines(tally, json.write)] : []),
    ...(options.quiet ? [] : [failureLines(progress, paint.red)]),
    ...(options.loop ? [roundTables(async () => progress.print(await table()))] : []),
  ];
  const emit = (event: RunEvent) => {
    for (const report of reporters) report(event);
  };
  emit(started);
  return {
    emit,
    tell: progress.tell,
    stopProgress: progress.stop,
    async finish(reason) {
      const wallSeconds = view.elapsedMs() / 1000;
      emit({ type: "end", reason, wallSeconds });
      json?.close();
      const [, { closing }] = await late;
      output.print(await table());
      const { replayCommand } = backend;
      const ending = { clock: options.clock, reason, wallSeconds, goal, comment, stats: options.stats, replayCommand };
      output.print(closing(tally, ending, paint).join("\n"));
    },
  };
}

function startedEvent({ options, settings, tests, seed, subject }: Session, { iterations }: Goal): RunsStarted {
  return {
    type: "start",
    seed,
    tests,
    iterations,
    loop: options.loop,
    workers: options.workers,
    clock: settings.clock,
    race: options.race,
    raft: subject,
    version: ownVersion(),
    node: process.versions.node,
  };
}

function roundTables(print: () => Promise<void>): Reporter {
  let printedMs = performance.now();
  return (event) => {
    if (event.type !== "round" || performance.now() - printedMs < roundTableEveryMs) return;
    printedMs = performance.now();
    void print();
  };
}
