import { type IterationResult, parseSeed } from "@raft-stress/harness";
import { directoryNameFor, logStore } from "./artifacts.ts";
import { formatDuration } from "./durations.ts";
import type { EndReason } from "./events.ts";
import { exitCodes, UserError } from "./exit-codes.ts";
import { type Goal, goalOf, isShown } from "./goal.ts";
import { watchForInterrupts } from "./interrupt.ts";
import { replayCommandFor, shellWord } from "./invocation.ts";
import type { JsonTarget } from "./json-target.ts";
import { formatLog } from "./log-file.ts";
import { Plan } from "./plan.ts";
import { Pool } from "./pool.ts";
import { type Reporting, startReporting } from "./report/reporting.ts";
import { Runner } from "./runner.ts";
import type { Session, Threads } from "./session.ts";
import { emptyTally, type Tally } from "./tally.ts";
import { ownVersion } from "./version.ts";

/** Makes the runs of a session and reports them. Returns the exit status. */
export async function carryOut(session: Session, threads: Threads, json: JsonTarget | undefined): Promise<number> {
  const { options, tests } = session;
  const interruption = watchForInterrupts();
  const goal = goalOf(options);
  const pool = new Pool({ ...threads, timeoutMs: goal.timeoutMs });
  if (options.raft !== undefined) await checkImplementation(pool, options.raft, goal.timeoutMs);

  const tally = emptyTally(tests);
  const plan = new Plan({ tests: tests.length, iterations: goal.iterations, sequential: options.sequential, growth: options.growth });
  const reporting = startReporting({ session, goal, tally, plan, json });
  const runner = createRunner(session, goal, { pool, plan, tally, reporting });
  interruption.onSignal(() => runner.interrupt());
  let reason: EndReason;
  try {
    reason = await runner.run();
  } finally {
    reporting.stopProgress();
  }
  await Promise.all([reporting.finish(reason), pool.close()]);
  interruption.ignore();
  return interruption.exitCode ?? exitCode(tally, goal);
}

/** Nothing is run with an implementation that does not load. */
async function checkImplementation(pool: Pool, file: string, timeoutMs: number): Promise<void> {
  const end = await pool.load();
  if (end.type === "loaded") return;
  if (end.type === "notLoaded") throw new UserError(`--raft: '${file}' ${end.why}`, exitCodes.notLoaded);
  if (end.type === "fault") throw new Error(end.stack);
  if (end.type === "done") throw new Error("a load ended as a batch");
  // The module is loaded when its first server boots. What happens then is no different from what will happen in the runs, and they can tell it better.
  if (end.event > 0) return;
  const how =
    end.why === "timeout" ? `did not load within ${formatDuration(timeoutMs)}` : `ended its thread while it was loaded: ${end.message}`;
  throw new UserError(`--raft: '${file}' ${how}`, exitCodes.notLoaded);
}

interface Parts {
  readonly pool: Pool;
  readonly plan: Plan;
  readonly tally: Tally;
  readonly reporting: Reporting;
}

function createRunner(
  { options, output, tests, seed, settings, request }: Session,
  goal: Goal,
  { pool, plan, tally, reporting }: Parts,
): Runner {
  const logs = logStore(options.output ?? directoryNameFor(new Date()), (sentence) => output.tell(`raft-stress: ${sentence}`));
  const replayCommand = replayCommandFor(options);
  const origin = {
    version: ownVersion(),
    raft: options.raft ?? "built-in",
    clock: settings.clock,
    traceLevel: settings.traceLevel,
    directory: request.directory,
    flags: process.argv.slice(2).map(shellWord),
  };
  return new Runner({
    pool,
    plan,
    tests,
    seed: parseSeed(seed)!,
    loop: options.loop,
    realClock: options.clock === "real",
    maxFailures: goal.maxFailures,
    forMs: options.for,
    timeoutMs: goal.timeoutMs,
    save(result: IterationResult) {
      const { test, seed: runSeed } = result.job;
      const finishedBefore = tally.passed + tally.failed;
      return logs.save(`${test}_${finishedBefore}`, formatLog(result, origin, replayCommand(test, runSeed)));
    },
    emit: reporting.emit,
  });
}

function exitCode(tally: Tally, { evidence }: Goal): number {
  if (tally.failed > 0) return exitCodes.failed;
  return evidence && !isShown(tally, evidence) ? exitCodes.noEvidence : exitCodes.passed;
}
