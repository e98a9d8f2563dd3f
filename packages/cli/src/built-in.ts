import type { Piscina } from "piscina";
import type { Backend } from "./backend.ts";
import { formatDuration } from "./durations.ts";
import type { Executor } from "./executor.ts";
import { exitCodes, UserError } from "./exit-codes.ts";
import type { FreshThreadCheck } from "./fresh-thread-check.ts";
import { goalOf } from "./goal.ts";
import type { BundledRaft } from "./implementation/bundled-raft.ts";
import { raftFile } from "./implementation/raft-file.ts";
import { watchForInterrupts } from "./interrupt.ts";
import { replayBesideOthers, replayCommandFor } from "./invocation.ts";
import { jsonFile, openJson } from "./json-target.ts";
import { whereItWas } from "./lost-run.ts";
import type { Pool } from "./pool.ts";
import { selectTests, type TestInfo } from "./select.ts";
import { dryRun, type OpenRequest, openSession, type Session } from "./session.ts";
import { showSizes } from "./show-sizes.ts";

/** Worker threads that boot. */
interface Threads {
  readonly threads: Piscina;
  /** Batches that they can have under way at the same time. */
  readonly capacity: number;
  startAloneThread(): Piscina;
}

/** Runs the built-in tests on worker threads. */
export async function runBuiltIn(opened: OpenRequest): Promise<number> {
  const { options, output, request } = opened;
  const file = raftFile(options.raft, request.directory);
  if (options.dryRun) return dryRun(await prepare(opened), describeTest);

  // They boot while this thread loads the harness to know the tests' names.
  const raft = file === undefined ? undefined : await bundle(file, options.raft!);
  for (const warning of raft?.warnings ?? []) output.tell(`raft-stress: ${warning}`);
  const threads = await startThreads(opened, raft);
  try {
    const session = await prepare(opened);
    const { carryOut } = await import("./carry-out.ts");
    const [{ Pool }, { FreshThreadCheck }] = await Promise.all([import("./pool.ts"), import("./fresh-thread-check.ts")]);
    const jsonName = jsonFile(options);
    const json = jsonName === undefined ? undefined : openJson(jsonName, output);
    const interruption = watchForInterrupts();
    const goal = goalOf(options);
    const pool = new Pool({ ...threads, timeoutMs: goal.timeoutMs, singleRuns: options.clock === "real" });
    if (options.raft !== undefined) await checkImplementation(pool, options.raft, goal.timeoutMs);
    const check = options.checkDeterminism && options.clock === "virtual" ? new FreshThreadCheck(pool) : undefined;
    return await carryOut(session, { interruption, json, openBackend: () => backend(check ?? pool, session, replayFor(session, check)) });
  } finally {
    await threads.threads.destroy();
  }
}

/** What the threads will load is loaded here while esbuild is at work in its own process. */
async function bundle(file: string, given: string): Promise<BundledRaft> {
  const { bundleRaft } = await import("./implementation/bundle.ts");
  const [bundled, { registerSourceMap }] = await Promise.all([
    bundleRaft(file, given),
    import("@raft-stress/harness/results"),
    import("./threads.ts"),
    import("./catalogue.ts"),
  ]);
  // This thread, too, shows places in it: where a thread was that hung.
  registerSourceMap(bundled.scriptName, bundled.map, bundled.ownNames);
  return bundled;
}

async function startThreads({ options, settings }: OpenRequest, raft: BundledRaft | undefined): Promise<Threads> {
  const { workers, clock } = options;
  const { startThreads, threadCounts } = await import("./threads.ts");
  // A thread cannot set it for itself. All machines are to show a server the same time of day.
  if (raft !== undefined && clock === "virtual") process.env.TZ = "UTC";
  const setup = { raft, settings };
  const counts = threadCounts(workers, clock);
  return {
    threads: startThreads(counts, setup),
    capacity: clock === "real" ? workers : counts.threads,
    startAloneThread: () => startThreads({ threads: 1, runsPerThread: 1 }, setup),
  };
}

async function prepare(opened: OpenRequest): Promise<Session> {
  const { request, output, options } = opened;
  const { catalogue } = await import("./catalogue.ts");
  const { goHint } = await import("./go-hint.ts");
  const hint = options.raft === undefined ? goHint(request.patterns, catalogue, process.cwd()) : undefined;
  const { tests, warnings } = selectWithHint(request.patterns, catalogue, hint);
  for (const warning of warnings) output.tell(`raft-stress: ${warning}`);
  return openSession(opened, tests, options.raft ?? "built-in");
}

function selectWithHint(patterns: readonly string[], catalogue: readonly TestInfo[], hint: string | undefined) {
  try {
    const selection = selectTests(patterns, catalogue);
    return { ...selection, warnings: [...selection.warnings, ...(hint === undefined ? [] : [hint])] };
  } catch (error) {
    if (error instanceof UserError && hint !== undefined) throw new UserError(`${error.message}; ${hint}`, error.exitCode);
    throw error;
  }
}

function describeTest({ name, part, servers, title }: TestInfo): string {
  return `${name} (${part}, ${showSizes(servers)} servers): ${title}`;
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
    end.why === "timeout"
      ? `did not load within ${formatDuration(timeoutMs)}${whereItWas(end.stack)}`
      : `ended its thread while it was loaded: ${end.message}`;
  throw new UserError(`--raft: '${file}' ${how}`, exitCodes.notLoaded);
}

function replayFor({ options, seed }: Session, check: FreshThreadCheck | undefined): Backend["replayCommand"] {
  const alone = replayCommandFor(options);
  const besideOthers = replayBesideOthers(options, seed);
  return (test, runSeed) => {
    const iteration = check?.differingIteration(test, runSeed);
    return iteration === undefined ? alone(test, runSeed) : besideOthers(test, iteration);
  };
}

function backend(executor: Executor, { subject }: Session, replayCommand: Backend["replayCommand"]): Backend {
  return {
    executor,
    subject,
    origin: { raft: subject },
    replayCommand,
    logContent: (result, header) => (result.log === undefined ? undefined : { text: `${header()}${endLine(result.log)}` }),
    fileName: (test) => test,
    remarks: () => [],
  };
}

function endLine(text: string): string {
  return text.endsWith("\n") ? text : `${text}\n`;
}
