import type { RunSettings } from "@raft-stress/harness";
import type { Piscina } from "piscina";
import { checkWritable } from "./artifacts.ts";
import type { RunFinished } from "./events.ts";
import { exitCodes } from "./exit-codes.ts";
import { goalOf } from "./goal.ts";
import type { BundledRaft } from "./implementation/bundled-raft.ts";
import { raftFile } from "./implementation/raft-file.ts";
import { jsonFile, openJson } from "./json-target.ts";
import type { Options } from "./options.ts";
import { createOutput, type Output } from "./output.ts";
import { selectTests, type TestInfo } from "./select.ts";
import { runSettings } from "./settings.ts";

export interface SessionRequest {
  readonly patterns: readonly string[];
  readonly options: Options;
  /** What --raft is relative to. */
  readonly directory: string;
  /** What a replay says of its run, below the failure blocks. */
  comment?(run: RunFinished): string;
}

/** A request whose every part was found to be usable. */
export interface Session {
  readonly request: SessionRequest;
  readonly options: Options;
  readonly output: Output;
  readonly settings: RunSettings;
  readonly tests: readonly TestInfo[];
  /** The command's seed, 16 hexadecimal digits. */
  readonly seed: string;
}

/** Worker threads that boot. */
export interface Threads {
  readonly threads: Piscina;
  /** Batches that they can have under way at the same time. */
  readonly capacity: number;
  startAloneThread(): Piscina;
}

/** Runs tests and reports: the whole of `raft-stress TEST...`. Returns the exit status. Throws UserError for what the user can put right. */
export async function runSession(request: SessionRequest): Promise<number> {
  const { options } = request;
  const json = jsonFile(options);
  const output = createOutput({ color: options.color, jsonOnStdout: json === "-" });
  const settings = runSettings(options, process.env.RAFT_LOG);
  const file = raftFile(options.raft, request.directory);
  if (options.output !== undefined) checkWritable(options.output);
  // The threads take over this thread's environment when they start.
  if (options.verbose > 0) process.env.VERBOSE = String(options.verbose);
  if (options.dryRun) return dryRun(await prepare(request, output, settings));

  // They boot while this thread loads the harness to know the tests' names.
  const raft = file === undefined ? undefined : await bundle(file, options.raft!);
  const threads = await startThreads(options, raft, settings);
  try {
    const session = await prepare(request, output, settings);
    const { carryOut } = await import("./carry-out.ts");
    return await carryOut(session, threads, json === undefined ? undefined : openJson(json, output));
  } finally {
    await threads.threads.destroy();
  }
}

/** What the threads will load is loaded here while esbuild is at work in its own process. */
async function bundle(file: string, given: string): Promise<BundledRaft> {
  const { bundleRaft } = await import("./implementation/bundle.ts");
  const [bundled] = await Promise.all([bundleRaft(file, given), import("./threads.ts"), import("./catalogue.ts")]);
  return bundled;
}

async function startThreads({ workers, clock }: Options, raft: BundledRaft | undefined, settings: RunSettings): Promise<Threads> {
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

async function prepare(request: SessionRequest, output: Output, settings: RunSettings): Promise<Session> {
  const { catalogue, normalSeed } = await import("./catalogue.ts");
  const { tests, warnings } = selectTests(request.patterns, catalogue);
  for (const warning of warnings) output.tell(`raft-stress: ${warning}`);
  const given = request.options.seed ?? Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString("hex");
  return { request, options: request.options, output, settings, tests, seed: normalSeed(given) };
}

function dryRun({ options, output, tests, seed, settings }: Session): number {
  const { iterations } = goalOf(options);
  const all = options.loop ? "round after round" : `${tests.length * iterations} in all`;
  output.print(
    `would make ${iterations} runs of each of these tests, ${all}, ${options.workers} at a time, seed ${seed}, ${settings.clock} clock:`,
  );
  for (const test of tests) output.print(`${test.name} (${test.part}, ${test.servers} servers): ${test.title}`);
  return exitCodes.passed;
}
