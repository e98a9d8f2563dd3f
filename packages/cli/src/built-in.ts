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
import type { Options } from "./options.ts";
import type { LoadEnd } from "./pool/pool.ts";
import { selectTests, type TestInfo } from "./select.ts";
import { dryRun, type OpenRequest, openSession, type Session } from "./session.ts";
import { showSizes } from "./show-sizes.ts";

/** Runs the built-in tests on worker threads. */
export async function runBuiltIn(opened: OpenRequest): Promise<number> {
  const { options, output, request } = opened;
  const file = raftFile(options.raft, request.directory);
  if (options.dryRun) return dryRun(await prepare(opened), describeTest);

  const executor = file === undefined ? await startPool(opened, undefined) : await startPoolFor(opened, file);
  try {
    const session = await prepare(opened);
    const { carryOut } = await import("./carry-out.ts");
    const { FreshThreadCheck } = await import("./fresh-thread-check.ts");
    const jsonName = jsonFile(options);
    const json = jsonName === undefined ? undefined : openJson(jsonName, output);
    const interruption = watchForInterrupts();
    if (options.raft !== undefined) await checkImplementation(executor, options.raft, goalOf(options).timeoutMs);
    const check = options.checkDeterminism && options.clock === "virtual" ? new FreshThreadCheck(executor) : undefined;
    return await carryOut(session, {
      interruption,
      json,
      openBackend: () => backend(check ?? executor, session, replayFor(session, check)),
    });
  } finally {
    await executor.close();
  }
}

/** Makes runs of an implementation that is loaded first. */
interface LoadingExecutor extends Executor {
  load(): Promise<LoadEnd>;
}

/** A pool in this process. Its threads boot while this thread loads the harness to know the tests' names. */
async function startPool({ options, settings }: OpenRequest, raft: BundledRaft | undefined): Promise<LoadingExecutor> {
  const { startThreadsFor } = await import("./pool/threads.ts");
  const threads = startThreadsFor(options.workers, { raft, settings });
  const { Pool } = await import("./pool/pool.ts");
  return new Pool({ ...threads, ...poolOptions(options) });
}

function startPoolFor(opened: OpenRequest, file: string): Promise<LoadingExecutor> {
  return isDebugged() ? startDebuggedPool(opened, file) : startChildPool(opened, file);
}

/** Whether Node was told to let debuggers in: into this process, where breakpoints in a user's Raft are then to be met. */
function isDebugged(): boolean {
  return [...process.execArgv, process.env.NODE_OPTIONS ?? ""].some((words) => /(^|\s)--inspect/.test(words));
}

async function startDebuggedPool(opened: OpenRequest, file: string): Promise<LoadingExecutor> {
  const raft = await bundle(file, opened);
  if (opened.options.clock === "virtual") process.env.TZ = "UTC";
  return startPool(opened, raft);
}

/** A user's Raft runs in a process of its own, which boots while this one compiles it. */
async function startChildPool(opened: OpenRequest, file: string): Promise<LoadingExecutor> {
  const { options, settings } = opened;
  const { Child } = await import("./pool/child-process.ts");
  const print = (text: string) => void process.stderr.write(text);
  const child = Child.start(options.clock, print);
  try {
    const raft = await bundle(file, opened);
    const { ChildPool } = await import("./pool/child-pool.ts");
    return new ChildPool(child, { setup: { raft, settings }, workers: options.workers, ...poolOptions(options) }, print);
  } catch (error) {
    await child.close();
    throw error;
  }
}

function poolOptions(options: Options) {
  return { timeoutMs: goalOf(options).timeoutMs, singleRuns: options.clock === "real" };
}

/** What the tests' names need is loaded here while esbuild is at work in its own process. */
async function bundle(file: string, { options, output }: OpenRequest): Promise<BundledRaft> {
  const { bundleRaft } = await import("./implementation/bundle.ts");
  const [bundled, { registerSourceMap }] = await Promise.all([
    bundleRaft(file, options.raft!),
    import("@raft-stress/harness/results"),
    import("./catalogue.ts"),
  ]);
  // This process, too, shows places in it: where code was that ended another one.
  registerSourceMap(bundled.scriptName, bundled.map, bundled.ownNames);
  for (const warning of bundled.warnings) output.tell(`raft-stress: ${warning}`);
  return bundled;
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
async function checkImplementation(executor: LoadingExecutor, file: string, timeoutMs: number): Promise<void> {
  const end = await executor.load();
  if (end.type === "loaded") return;
  if (end.type === "notLoaded") throw new UserError(`--raft: '${file}' ${end.why}`, exitCodes.notLoaded);
  if (end.type === "fault") throw new Error(end.stack);
  if (end.type === "done") throw new Error("a load ended as a batch");
  // The module is loaded when its first server boots. What happens then is no different from what will happen in the runs, and they can tell it better.
  if (end.event > 0) return;
  const how =
    end.why === "timeout"
      ? `did not load within ${formatDuration(timeoutMs)}${whereItWas(end.stack)}`
      : `ended its ${end.what} while it was loaded: ${end.message}`;
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
