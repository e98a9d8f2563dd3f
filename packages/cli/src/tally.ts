import type { RunEvent } from "./events.ts";
import type { RunResult } from "./run-result.ts";
import type { TestInfo } from "./select.ts";
import { Moments, TimeHistogram } from "./stats.ts";

/** Failures with one cause. */
export interface CauseCount {
  readonly cause: string;
  count: number;
  /** Of them, those that began while the machine had more to do than it has processors. */
  underLoad: number;
  /** Number of runs of the test that had finished when it was first seen, itself included. */
  readonly firstAt: number;
  readonly first: FirstFailure;
  readonly log: string | undefined;
}

/** What is kept of the first run with a cause. */
interface FirstFailure extends Pick<RunResult, "job" | "outcome" | "failure"> {
  readonly external?: { readonly command: string; readonly load: number; readonly beside: number; readonly underLoad: boolean };
}

/** What the tester of the lab prints of a run. */
export const labCounts = ["servers", "rpcs", "bytes", "commands"] as const;
export type LabCount = (typeof labCounts)[number];

/** Numbers that are looked through for a run unlike the others. */
export const watchedNumbers = ["seconds", "rpcs", "bytes"] as const;
export type WatchedNumber = (typeof watchedNumbers)[number];

/** The passing run with the largest value of a number. */
export interface LargestRun {
  readonly value: number;
  readonly iteration: number;
  readonly seed: string;
  readonly log: string | undefined;
}

/** All that is remembered of a test's runs; its size does not depend on their number. */
export interface TestTally {
  readonly test: TestInfo;
  total: number;
  failed: number;
  /** The test's own time, in seconds. */
  readonly seconds: Moments;
  readonly histogram: TimeHistogram;
  /** In seconds; processor time only when it is measured. */
  readonly real: Moments;
  readonly user: Moments;
  readonly system: Moments;
  /** Of the runs that told them. */
  readonly lab: Readonly<Record<LabCount, Moments>>;
  /** Of the passing runs alone: a failed one is no measure of what is usual. */
  readonly usual: Readonly<Record<WatchedNumber, Moments>>;
  readonly largest: { [N in WatchedNumber]?: LargestRun };
  readonly causes: Map<string, CauseCount>;
  /** Sums over all runs, in the order of the harness's `propertyKeys` and `coverageKeys`; empty when nothing was checked. */
  readonly looks: number[];
  readonly coverage: number[];
}

export interface Tally {
  readonly tests: readonly TestTally[];
  passed: number;
  failed: number;
  /** Of the runs that passed in checked mode, those whose test was not judged to its end: their schedules were unfair. */
  excused: number;
  /** Of the runs, those that an earlier command has made (--resume). */
  before: number;
  /** The tests' own time of those, in seconds. */
  secondsBefore: number;
}

/** Causes beyond this many are counted under one heading. */
const maxCauses = 100;
const otherCauses = "other causes";

export function emptyTestTally(test: TestInfo): TestTally {
  return {
    test,
    total: 0,
    failed: 0,
    seconds: new Moments(),
    histogram: new TimeHistogram(),
    real: new Moments(),
    user: new Moments(),
    system: new Moments(),
    lab: { servers: new Moments(), rpcs: new Moments(), bytes: new Moments(), commands: new Moments() },
    usual: { seconds: new Moments(), rpcs: new Moments(), bytes: new Moments() },
    largest: {},
    causes: new Map(),
    looks: [],
    coverage: [],
  };
}

export function emptyTally(tests: readonly TestInfo[]): Tally {
  return { tests: tests.map(emptyTestTally), passed: 0, failed: 0, excused: 0, before: 0, secondsBefore: 0 };
}

/** How often each invariant was looked at in all runs, in the order of the harness's `propertyKeys`; empty when nothing was checked. */
export function looksOf(tally: Tally): readonly number[] {
  const sums: number[] = [];
  for (const { looks } of tally.tests) add(sums, looks);
  return sums;
}

/** Folds an event into the tally. */
export function count(tally: Tally, event: RunEvent): void {
  if (event.type !== "run") return;
  const { result, log } = event;
  const test = tally.tests[event.test]!;
  countRun(test, result, log);
  if (result.outcome === "pass") tally.passed++;
  else tally.failed++;
  if (result.excused !== undefined) tally.excused++;
}

function add(sums: number[], values: readonly number[]): void {
  for (const [i, value] of values.entries()) sums[i] = (sums[i] ?? 0) + value;
}

/** Folds a run of a test into its tally. */
export function countRun(test: TestTally, result: RunResult, log: string | undefined): void {
  test.total++;
  test.seconds.add(result.seconds);
  test.histogram.add(result.seconds);
  test.real.add(result.realMs / 1000);
  if (result.userMs !== undefined) test.user.add(result.userMs / 1000);
  if (result.systemMs !== undefined) test.system.add(result.systemMs / 1000);
  if (result.looks !== undefined) add(test.looks, result.looks);
  if (result.coverage !== undefined) add(test.coverage, result.coverage);
  for (const name of labCounts) if (result[name] !== undefined) test.lab[name].add(result[name]);
  if (result.outcome === "pass") {
    for (const name of watchedNumbers) watch(test, name, result, log);
    return;
  }
  test.failed++;
  countCause(test, result, log);
}

function watch(test: TestTally, name: WatchedNumber, result: RunResult, log: string | undefined): void {
  const value = result[name];
  if (value === undefined) return;
  test.usual[name].add(value);
  const { iteration, seed } = result.job;
  if (value > (test.largest[name]?.value ?? Number.NEGATIVE_INFINITY)) test.largest[name] = { value, iteration, seed, log };
}

function countCause(test: TestTally, result: RunResult, log: string | undefined): void {
  const given = result.failure?.cause ?? result.outcome;
  const cause = test.causes.has(given) || test.causes.size < maxCauses ? given : otherCauses;
  const underLoad = result.external?.underLoad ? 1 : 0;
  const known = test.causes.get(cause);
  if (known) {
    known.count++;
    known.underLoad += underLoad;
    return;
  }
  test.causes.set(cause, { cause, count: 1, underLoad, firstAt: test.total, first: firstFailure(result), log });
}

function firstFailure({ job, outcome, failure, external }: RunResult): FirstFailure {
  return {
    job,
    outcome,
    ...(failure && { failure }),
    ...(external && {
      external: { command: external.command, load: external.load, beside: external.beside, underLoad: external.underLoad },
    }),
  };
}
