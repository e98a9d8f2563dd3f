import { parseSeed } from "@raft-stress/harness/results";
import { directoryNameFor, type LogStore, logStore } from "./artifacts.ts";
import type { Backend } from "./backend.ts";
import type { EndReason, RunEvent } from "./events.ts";
import { exitCodes } from "./exit-codes.ts";
import { type Goal, goalOf, isShown } from "./goal.ts";
import type { Interruption } from "./interrupt.ts";
import { shellWord } from "./invocation.ts";
import type { JsonTarget } from "./json-target.ts";
import { LoadWatch } from "./load.ts";
import { formatLogHeader, type LogOrigin } from "./log-file.ts";
import { Plan } from "./plan.ts";
import { startReporting } from "./report/reporting.ts";
import type { RunResult } from "./run-result.ts";
import { Runner } from "./runner.ts";
import { RunsRecord } from "./runs-record.ts";
import type { Session } from "./session.ts";
import { cutShort, watchSlowRuns } from "./slow.ts";
import type { Tally } from "./tally.ts";
import { ownVersion } from "./version.ts";

export interface CarryOutParts {
  readonly interruption: Interruption;
  readonly json: JsonTarget | undefined;
  /** Called once, when all but the executor is there. */
  openBackend(plan: Plan, logDirectory: string): Backend;
}

/** Makes the runs of a session and reports them. Returns the exit status. */
export async function carryOut(session: Session, { interruption, json, openBackend }: CarryOutParts): Promise<number> {
  const { options, tests, before, output } = session;
  const goal = goalOf(options);
  const { tally } = before;
  const plan = new Plan({
    tests: tests.length,
    iterations: goal.iterations,
    sequential: options.sequential,
    growth: options.growth,
    before: before.before,
  });
  const logs = openLogs(session);
  const record = runsRecord(session, logs);
  const backend = openBackend(plan, logs.directory);
  const reporting = startReporting({ session, goal, tally, plan, json, backend, record });
  const told = new Set<string>();
  const tellRemarks = (tell: (line: string) => void) => {
    for (const remark of backend.remarks()) {
      if (!told.has(remark)) tell(`raft-stress: ${remark}`);
      told.add(remark);
    }
  };
  const emit = (event: RunEvent) => {
    reporting.emit(event);
    if (event.type === "round") tellRemarks(reporting.tell);
  };
  const runner = createRunner(session, goal, { backend, plan, tally, emit, logs });
  interruption.onSignal(() => {
    for (const line of cutShort(backend.executor.underWay())) reporting.tell(line);
    runner.interrupt();
  });
  const slow = options.slow === undefined ? undefined : watchSlowRuns(backend.executor, options.slow, reporting.tell);
  let reason: EndReason;
  try {
    reason = await runner.run();
  } catch (error) {
    await backend.executor.close();
    throw error;
  } finally {
    slow?.stop();
    reporting.stopProgress();
  }
  tellRemarks(output.tell);
  const closed = backend.executor.close();
  await reporting.finish(reason);
  await closed;
  interruption.ignore();
  return interruption.exitCode ?? exitCode(tally, goal);
}

function openLogs({ options, output }: Session): LogStore {
  const directory = options.output ?? options.resume ?? directoryNameFor(new Date());
  // A command that was killed may have saved logs that its record does not count.
  const goesOn = options.resume !== undefined;
  const logs = logStore(directory, (sentence) => output.tell(`raft-stress: ${sentence}`), goesOn);
  if (goesOn) logs.make();
  return logs;
}

/**
 * Runs without a log are counted in a file beside the logs, from the first log on. When every run leaves a log, the logs tell all. With --resume the
 * directory is there from the beginning, and so is the file.
 */
function runsRecord({ options, before, seed, recordedAs }: Session, logs: LogStore): RunsRecord {
  return new RunsRecord({
    directory: logs.directory,
    subject: recordedAs,
    seed,
    tally: before.tally,
    before,
    wanted: () => logs.made && (options.resume !== undefined || !options.archive),
  });
}

interface Parts {
  readonly backend: Backend;
  readonly plan: Plan;
  readonly tally: Tally;
  emit(event: RunEvent): void;
  readonly logs: LogStore;
}

function createRunner(session: Session, goal: Goal, { backend, plan, tally, emit, logs }: Parts): Runner {
  const { options, tests, seed, settings, request } = session;
  const origin: LogOrigin = {
    ...backend.origin,
    version: ownVersion(),
    clock: settings.clock,
    checkedMode: settings.checks === "race",
    traceLevel: settings.traceLevel,
    directory: request.directory,
    flags: process.argv.slice(2).map(shellWord),
  };
  return new Runner({
    executor: backend.executor,
    plan,
    tests,
    seed: parseSeed(seed)!,
    loop: options.loop,
    realClock: options.clock === "real",
    maxFailures: goal.maxFailures,
    failedBefore: tally.tests.map(({ failed }) => failed),
    forMs: options.for,
    timeoutMs: goal.timeoutMs,
    ...(options.loadLimit !== undefined && { admits: belowLoad(options.loadLimit) }),
    save(result: RunResult) {
      const { test, seed: runSeed } = result.job;
      const content = backend.logContent(result, () => formatLogHeader(result, origin, backend.replayCommand(test, runSeed)));
      const finishedBefore = tally.passed + tally.failed;
      if (!content) return undefined;
      const path = logs.save(`${backend.fileName(test)}_${finishedBefore}`, content);
      if (path !== undefined) backend.saved?.(result, logs.directory);
      return path;
    },
    emit,
  });
}

function belowLoad(limit: number): () => boolean {
  const watch = new LoadWatch();
  return () => watch.now() < limit;
}

function exitCode(tally: Tally, { evidence }: Goal): number {
  if (tally.failed > 0) return exitCodes.failed;
  return evidence && !isShown(tally, evidence) ? exitCodes.noEvidence : exitCodes.passed;
}
