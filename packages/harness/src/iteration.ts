import { performance } from "node:perf_hooks";
import process from "node:process";
import type { MakeRaft } from "@raft-stress/raft/api";
import type { BuiltinChange } from "./ambient/builtins-guard.ts";
import { settleBuiltins, TamperingWatch, tampering } from "./ambient/tampering.ts";
import { beyondTests } from "./beyond/index.ts";
import { Checks } from "./check/checks.ts";
import { Cluster } from "./cluster/cluster.ts";
import { evidenceLines } from "./evidence-lines.ts";
import { HarnessFault, ImplementationError, PropertyViolation, type RunError, StuckError, TestFailure } from "./failure.ts";
import { simulationSeed } from "./job-seed.ts";
import { clusterSize } from "./lab/cluster-sizes.ts";
import { labTests } from "./lab/index.ts";
import { Lab, type LabCounts } from "./lab/lab.ts";
import type { LabTest } from "./lab/lab-test.ts";
import { unansweredCalls } from "./net/unanswered.ts";
import { progressCells } from "./progress.ts";
import { Adversary } from "./race/adversary.ts";
import { isToBlame } from "./race/judgement.ts";
import { describeSchedule, drawSchedule, type Schedule } from "./race/schedule.ts";
import type { Failure, IterationResult, Job, Outcome, RunSettings, TraceLevel } from "./result.ts";
import { EventTeller } from "./sim/event-teller.ts";
import { Comparison, EventActs, Journal, Recorder, tellDifference, tellOthers, Witness } from "./sim/journal.ts";
import { defaultLimits } from "./sim/limits.ts";
import { runReal, runVirtual, startStopwatchUs } from "./sim/run-loop.ts";
import type { RunWatch } from "./sim/run-watch.ts";
import type { Seed } from "./sim/seed.ts";
import { Simulation } from "./sim/simulation.ts";
import { firstPlace, withScriptPositions, withSourcePositions } from "./source-positions.ts";

/** One pass through a run: what it came to, and the world it leaves behind. */
interface Pass {
  readonly outcome: Outcome;
  readonly failure: Failure | undefined;
  /** A failure that the run's schedule excuses. */
  readonly excused: Failure | undefined;
  readonly counts: LabCounts;
  readonly simulation: Simulation;
  readonly checks: Checks | undefined;
  /** What the implementation did to the built-in objects of its thread. */
  readonly tampered: BuiltinChange | undefined;
  /** The last events as text, if they may be wanted: on the virtual clock the next run of the thread overwrites them. */
  readonly lastEvents: readonly string[];
}

/**
 * Runs one iteration of one test on a fresh cluster. Whatever the implementation does is a result, never a throw; a throw is a fault of the harness.
 * On the virtual clock a failed run is run again: that proves that it repeats, and writes its log.
 */
export async function runIteration(job: Job, makeRaft: MakeRaft, settings: RunSettings): Promise<IterationResult> {
  const test = findTest(job.test);
  const seed = simulationSeed(job);
  const startMs = performance.now();
  const startCpu = settings.measureCpu ? process.cpuUsage() : undefined;
  const servers = clusterSize(test.servers, seed);
  const schedule = settings.checks === "race" ? drawSchedule(seed, servers) : undefined;
  const pass: RunPass = (traceLevel, options) => runPass({ test, seed, schedule, makeRaft }, { ...settings, traceLevel }, options);

  const acts = settings.tellActsOf === undefined ? undefined : new EventActs(settings.tellActsOf);
  const { first, repeated } = await runAsAsked(settings, acts === undefined ? pass : (level) => pass(level, { watch: acts }));
  const realMs = performance.now() - startMs;
  const cpu = startCpu === undefined ? undefined : process.cpuUsage(startCpu);
  const { outcome, failure, log } = await conclude(first, repeated, settings, pass);
  const { simulation, counts, checks, excused } = first;
  return {
    job,
    outcome,
    seconds: counts.seconds,
    realMs,
    ...(cpu === undefined ? {} : { userMs: cpu.user / 1000, systemMs: cpu.system / 1000 }),
    servers,
    rpcs: counts.rpcs,
    bytes: counts.bytes,
    commands: counts.commands,
    events: simulation.events,
    traceHash: simulation.hash.toString(),
    ...(checks === undefined ? {} : { looks: checks.looks(), coverage: checks.coverage.values() }),
    ...(repeated === undefined ? {} : { eventDigests: repeated.eventDigests }),
    ...(acts === undefined ? {} : { acts: acts.acts }),
    ...(failure === undefined ? {} : { failure }),
    ...(schedule === undefined ? {} : { schedule: describeSchedule(schedule) }),
    ...(excused === undefined ? {} : { excused: excused.reason }),
    ...(log === undefined ? {} : { log }),
  };
}

interface PassOptions {
  readonly watch?: RunWatch | undefined;
  /** Events at whose end the disk of their server is looked at for the report. */
  readonly diskAt?: readonly number[];
  /** Whether a failed run is made again. */
  readonly replays?: boolean;
}

type RunPass = (traceLevel: TraceLevel, options?: PassOptions) => Promise<Pass>;

/** What making a run twice, as asked, has shown. */
interface Repeated {
  readonly difference: string[] | undefined;
  readonly eventDigests: Int32Array;
}

/** Text is recorded in the first pass only when the run can't be repeated, or its log is wanted in any case. */
async function runAsAsked(settings: RunSettings, pass: RunPass): Promise<{ first: Pass; repeated: Repeated | undefined }> {
  const recordAtOnce = settings.clock === "real" || settings.archive || settings.stopAtEvent !== undefined;
  const level = recordAtOnce ? settings.traceLevel : "none";
  const watch = settings.beforeEvent === undefined ? undefined : new EventTeller(settings.beforeEvent);
  if (!settings.checkDeterminism || settings.clock === "real") return { first: await pass(level, { watch }), repeated: undefined };
  if (watch !== undefined) await pass("none", { watch });
  const journal = new Journal();
  const first = await pass(settings.traceLevel, { watch: journal });
  return { first, repeated: { difference: await differenceOf(journal, pass), eventDigests: journal.digests() } };
}

/** Makes the run again and tells where it left the first one's way; undefined when it did not. */
async function differenceOf(first: Journal, pass: RunPass): Promise<string[] | undefined> {
  const comparison = new Comparison(first);
  await pass("none", { watch: comparison });
  const { parting } = comparison;
  if (parting === undefined) return undefined;
  const witness = new Witness(first, parting.position);
  await pass("none", { watch: witness });
  const others = parting.act !== undefined && witness.act === undefined ? await differenceOfOthers(parting.position, pass) : undefined;
  return others ?? tellDifference(first, parting, witness.act);
}

/** The first run does not come again. Two more may part in the same way. */
async function differenceOfOthers(around: number, pass: RunPass): Promise<string[] | undefined> {
  const recorder = new Recorder(around);
  await pass("none", { watch: recorder });
  const comparison = new Comparison(recorder);
  await pass("none", { watch: comparison });
  return tellOthers(recorder, comparison.parting);
}

interface Conclusion {
  readonly outcome: Outcome;
  readonly failure: Failure | undefined;
  readonly log: string | undefined;
}

async function conclude(first: Pass, repeated: Repeated | undefined, settings: RunSettings, pass: RunPass): Promise<Conclusion> {
  const { outcome, failure, simulation } = first;
  if (repeated?.difference !== undefined) return nondeterministic(first, repeated.difference);
  if (failure === undefined) return { outcome, failure, log: settings.archive ? logText(first) : undefined };
  if (settings.clock === "real" || settings.stopAtEvent !== undefined) return { outcome, failure, log: logText(first) };

  if (first.tampered !== undefined) return locateTampering(first.tampered, first, settings, pass);
  const replay = await pass(settings.traceLevel, { replays: true, diskAt: failure.evidence?.map(({ event }) => event) ?? [] });
  const mine = simulation.hash.toString();
  const theirs = replay.simulation.hash.toString();
  if (mine === theirs)
    return { outcome, failure: replay.failure ?? failure, log: `${logText(replay)}replayed once: the same run, trace hash ${mine}\n` };
  const events = `${simulation.events} events, then ${replay.simulation.events}`;
  return nondeterministic(first, [
    `the run failed, and was another run when it was replayed from its seed (trace hash ${mine}, then ${theirs}; ${events})`,
    `the failure was: ${failure.reason}`,
    "--check-determinism shows the first event that differs",
  ]);
}

/** A change of a built-in object is seen at the end of a run; made again with a trap in its way, the run ends where it happens. */
async function locateTampering(change: BuiltinChange, first: Pass, settings: RunSettings, pass: RunPass): Promise<Conclusion> {
  const watch = new TamperingWatch(change);
  const located = await pass(settings.traceLevel, { watch });
  // A trap in what the tester itself needs may break the run before anything is changed: then that is all that is known.
  if (located.failure?.reason.includes(change.deed) !== true)
    return { outcome: first.outcome, failure: first.failure, log: logText(first) };
  return { outcome: first.outcome, failure: located.failure, log: `${logText(located)}replayed once, up to the event that did it\n` };
}

function nondeterministic(first: Pass, explanation: readonly string[]): Conclusion {
  const cause = "the same seed gave another run";
  const { simulation } = first;
  const isFrame = (line: string) => /^ +at .*:\d+:\d+\)?$/.test(line);
  const frames = explanation.filter(isFrame);
  const failure: Failure = {
    cause,
    reason: `${cause}: ${explanation
      .filter((line) => !isFrame(line))
      .map((line) => line.trim())
      .join("; ")}`,
    ...(frames.length === 0 ? {} : { stack: frames.join("\n") }),
    atMs: simulation.nowMs,
    event: simulation.events,
  };
  const log = [...simulation.trace.labLines, ...explanation, "", "the last events of the first run:", ...first.lastEvents, ""].join("\n");
  return { outcome: "nondeterministic", failure, log };
}

interface Subject {
  readonly test: LabTest;
  readonly seed: Seed;
  readonly schedule: Schedule | undefined;
  readonly makeRaft: MakeRaft;
}

async function runPass({ test, seed, schedule, makeRaft }: Subject, settings: RunSettings, options: PassOptions = {}): Promise<Pass> {
  const { progress } = settings;
  const { watch, diskAt = [] } = options;
  if (progress !== undefined) Atomics.add(progress, progressCells.pass, 1);
  const simulation = new Simulation({
    seed,
    traceLevel: settings.traceLevel,
    limits: defaultLimits,
    stopAtEvent: settings.stopAtEvent,
    watch,
    progress,
    realElapsedUs: settings.clock === "real" ? startStopwatchUs() : undefined,
    adversary: schedule === undefined ? undefined : new Adversary(seed, schedule),
    // Watched runs look for promises in any case, as does the replay of a failure: a Raft that is not what it says makes another run then.
    synchronous: settings.synchronous === true && watch === undefined && !options.replays,
  });
  const { snapshots } = test;
  const servers = clusterSize(test.servers, seed);
  const thorough = settings.checks === "race";
  const checks = settings.checks === "off" ? undefined : new Checks(simulation, { servers, snapshots, thorough, diskAt });
  const cluster = new Cluster(simulation, makeRaft, { servers, snapshots, checks });
  const lab = new Lab(simulation, cluster, test);
  const script = runScript(lab, test, simulation);
  let notes: readonly string[] = [];
  const shutDown = () => {
    if (simulation.error !== undefined && isAboutProgress(simulation.error)) notes = unansweredCalls(simulation);
    cluster.shutDown();
  };
  await (settings.clock === "real" ? runReal(simulation, shutDown) : runVirtual(simulation, shutDown));
  // A script that was still waiting will never be woken: it is garbage now.
  void script;
  const counts = lab.counts();
  const tampered = settleBuiltins(watch);
  const error = tampered === undefined ? simulation.error : tampering(tampered, undefined);
  if (error instanceof HarnessFault) throw error;
  const lastEvents = error === undefined && watch === undefined ? [] : simulation.recent.lines(simulation.methods);
  simulation.recent.giveBack();
  const world = { counts, simulation, checks, tampered, lastEvents };
  if (error === undefined) return { outcome: "pass", failure: undefined, excused: undefined, ...world };
  const failure = { ...describeFailure(error, lab, simulation, checks), ...(notes.length === 0 ? {} : { notes }) };
  if (!isToBlame(error, schedule)) {
    simulation.trace.labLines.push(`  ... judged for safety only; what the test missed: ${failure.reason}`);
    return { outcome: "pass", failure: undefined, excused: failure, ...world };
  }
  // Who asked for a stop there has more to tell of why than this.
  if (settings.stopAtEvent !== simulation.events + 1) recordFailure(simulation, failure);
  return { outcome: outcomeOf(error), failure, excused: undefined, ...world };
}

function recordFailure({ trace }: Simulation, failure: Failure): void {
  if (failure.server === undefined) trace.test(failure.reason);
  else trace.line("ERRO", failure.server, failure.reason);
  trace.labLines.push(...failureLines(failure));
}

async function runScript(lab: Lab, test: LabTest, simulation: Simulation): Promise<void> {
  try {
    await lab.setUp();
    await test.run(lab);
    simulation.stop();
  } catch (thrown) {
    simulation.fail(thrown);
  }
}

/** Whether the run ended because something did not happen. */
function isAboutProgress(error: Error): boolean {
  return error instanceof TestFailure || error instanceof StuckError;
}

function outcomeOf(error: RunError): Outcome {
  if (error instanceof TestFailure || error instanceof PropertyViolation) return "fail";
  return error instanceof StuckError ? "stuck" : "crash";
}

function describeFailure(error: RunError, lab: Lab, simulation: Simulation, checks: Checks | undefined): Failure {
  const { cause, expected, seen, server } = error.details;
  const stack = error.stack === undefined ? undefined : withSourcePositions(error.stack);
  return {
    cause,
    reason: withScriptPositions(error.message),
    step: lab.currentStep,
    atMs: simulation.nowMs,
    event: simulation.events,
    ...(expected === undefined ? {} : { expected }),
    ...(seen === undefined ? {} : { seen }),
    ...(server === undefined ? {} : { server }),
    ...(stack === undefined ? {} : { stack }),
    ...(error instanceof ImplementationError ? placeIn(stack) : {}),
    ...(error instanceof PropertyViolation ? describeViolation(error, checks) : {}),
  };
}

function placeIn(stack: string | undefined): Pick<Failure, "place"> {
  const place = stack === undefined ? undefined : firstPlace(stack);
  return place === undefined ? {} : { place };
}

function describeViolation({ details }: PropertyViolation, checks: Checks | undefined): Pick<Failure, "property" | "source" | "evidence"> {
  const { property, source } = details;
  const evidence = details.evidence.map((seen) => {
    const disk = seen.disk ?? checks?.diskAt(seen.event);
    return disk === undefined ? seen : { ...seen, disk };
  });
  return { property, source, evidence };
}

function failureLines(failure: Failure): string[] {
  const lines = [`  ... FAILED: ${failure.reason}`];
  if (failure.expected !== undefined) lines.push(`      expected: ${failure.expected}`);
  if (failure.seen !== undefined) lines.push(`      got:      ${failure.seen}`);
  if (failure.source !== undefined) lines.push(`      see:      ${failure.source}`);
  for (const seen of failure.evidence ?? []) lines.push(...evidenceLines(seen).map((line) => `      ${line}`));
  for (const note of failure.notes ?? []) lines.push(`      note:     ${note}`);
  if (failure.step !== undefined) lines.push(`      during:   ${failure.step}`);
  lines.push(`      at:       ${failure.atMs.toFixed(3)} ms, event ${failure.event}`);
  if (failure.stack !== undefined) lines.push(...failure.stack.split("\n").map((line) => `      ${line}`));
  return lines;
}

function logText({ simulation }: Pass): string {
  const { labLines } = simulation.trace;
  return withScriptPositions(`${labLines.join("\n")}\n\n${simulation.trace.text()}`);
}

function findTest(name: string): LabTest {
  const test = labTests.find(isCalled(name)) ?? beyondTests.find(isCalled(name));
  if (test === undefined) throw new HarnessFault(`no test is called '${name}'`);
  return test;
}

function isCalled(name: string): (test: LabTest) => boolean {
  return (test) => test.name === name;
}
