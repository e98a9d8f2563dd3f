import type { MakeRaft } from "@raft-stress/raft/api";

/** A text that occurs once in a file of a Raft, and what stands there instead. */
export interface Fault {
  /** A file of the style's source, e.g. `election.js`. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface Mutant extends Fault {
  readonly name: string;
  /** What this Raft does wrong: a sentence without its subject, or a whole one. */
  readonly fault: string;
  /** Tests of the lab of which each must catch it. Empty: nothing in the lab can be relied on. */
  readonly caughtBy: readonly string[];
  /** With an empty `caughtBy`: why, as far as it is understood. */
  readonly missedBecause?: string;
  /** What it does harm to, e.g. `elections`. */
  readonly area?: string;
  /** Whether it shows only when events fall in a rare order. */
  readonly rare?: boolean;
  /** The styles in which it is a fault; all when absent. */
  readonly styles?: readonly string[];
  /** Why it is no fault after all; then it counts for nothing. */
  readonly equivalent?: string;
  /** Why nothing that we have can catch it, as far as it is understood. */
  readonly escapesBecause?: string;
}

/** A way to write a Raft, by one that is written so. */
export interface Style {
  readonly name: string;
  /** The Raft, within a sentence. */
  readonly raft: string;
  /** The folder that holds it, from the root of the repository; of the files there, those with the extension are part of it. */
  readonly source: string;
  readonly extension: string;
  readonly entry: string;
  /** The file, or folder of files, that lists the mutants. */
  readonly faults: string;
  readonly mutants: readonly Mutant[];
  /** Must be caught in every first run, whatever the tests. */
  readonly canary: Mutant;
  /** Of the built-in Raft: its options. Its own assertions are off then. */
  readonly options?: Readonly<Record<string, number>>;
}

/** The first failed run of a test. */
export interface Finding {
  readonly test: string;
  /** Counted from 1. */
  readonly run: number;
  readonly outcome: string;
  readonly cause: string;
  /** Processor time of this process from the begin of the hunt to the end of that run. */
  readonly cpuSeconds: number;
}

export interface Hunt {
  /** In the order in which they were found. */
  readonly findings: readonly Finding[];
  /** Runs made in all. */
  readonly runs: number;
  /** Real time of the longest run. */
  readonly slowestMs: number;
}

interface Seed {
  readonly high: number;
  readonly low: number;
}

interface Settings {
  readonly clock: "virtual";
  readonly traceLevel: "none";
  readonly archive: boolean;
  readonly checkDeterminism: boolean;
  readonly checks?: "off" | "on" | "race";
}

export interface Job {
  readonly test: string;
  readonly iteration: number;
  readonly seed: string;
}

export interface Result {
  readonly outcome: string;
  readonly realMs: number;
  readonly failure?: { readonly cause: string; readonly reason: string; readonly property?: string };
}

export type RunJob = (job: Job) => Promise<Result>;

/** What a hunt needs of packages/harness. The caller gives it, compiled or as source. */
export interface Harness {
  readonly labTests: readonly { readonly name: string }[];
  readonly beyondTests?: readonly { readonly name: string }[];
  runSeed(seed: Seed, test: string, iteration: number): Seed;
  formatSeed(seed: Seed): string;
  runIteration(job: Job, makeRaft: MakeRaft, settings: Settings): Promise<Result>;
}

type Seeds = Pick<Harness, "runSeed" | "formatSeed">;

export interface HuntOptions {
  readonly harness: Seeds;
  /** Makes one run of the Raft that is hunted. */
  readonly runJob: RunJob;
  readonly tests: readonly string[];
  readonly runs: number;
}

/** One way to look for a fault. */
export interface Column {
  readonly name: string;
  readonly title: string;
  readonly tests: readonly string[];
  readonly settings: { readonly checks: "off" | "on" | "race" };
}

/** What one hunt, with one seed, came to. */
export interface Detection {
  readonly seed: number;
  /** Runs made, of all tests together, the failed one included. */
  readonly runs: number;
  /** Processor time of this process meanwhile. */
  readonly cpuSeconds: number;
  /** The first failed run; absent when the budget was spent without one. */
  readonly finding?: Omit<Finding, "cpuSeconds"> & { readonly property?: string | undefined };
}

export interface DetectOptions {
  readonly harness: Seeds;
  readonly runJob: RunJob;
  readonly tests: readonly string[];
  readonly seed: number;
  readonly budgetCpuSeconds: number;
  /** Runs to make even when the budget is spent (0). */
  readonly leastRuns?: number;
}

/** By column. */
export type Measured = Readonly<Record<string, readonly Detection[]>>;

/** What one process is asked to measure. */
export interface Task {
  readonly number: number;
  readonly style: string;
  /** Absent: the Raft without a fault. */
  readonly mutant?: string;
  readonly columns: readonly string[];
  readonly seeds: readonly number[];
  readonly budgetCpuSeconds: number;
  readonly leastRuns?: LeastRuns;
  /** Where to put the mutant's code. */
  readonly directory: string;
}

/** After how many runs a fault was found before: by column and seed. */
type LeastRuns = Readonly<Record<string, Readonly<Record<number, number>>>>;

/** What was measured of a mutant, or of a Raft without a fault. */
export interface Row {
  readonly style: string;
  readonly mutant: Mutant;
  readonly columns: Measured;
}

/** What docs/mutants.tsv holds of the last measurement. */
export interface Recorded {
  /** Undefined for a mutant that was not caught, or is new. */
  leastRuns(style: string, mutant: string): LeastRuns | undefined;
}

export interface PageInput {
  readonly styles: readonly Style[];
  readonly columns: readonly Column[];
  readonly properties: readonly string[];
  readonly rows: readonly Row[];
  readonly unmutated: readonly Omit<Row, "mutant">[];
  readonly seeds: readonly number[];
  readonly budgetCpuSeconds: number;
  /** The processor's name. */
  readonly machine: string;
}

export interface Judgement {
  /** Mutants that are faults. */
  readonly faults: number;
  readonly escaped: readonly string[];
  readonly slow: readonly string[];
  readonly quickShare: number;
  readonly idleProperties: readonly string[];
  readonly caughtThoughEquivalent: readonly string[];
}

export const atOnce: Style;
export const batched: Style;
export const builtIn: Style;
export const labStyle: Style;
export function writeRaft(style: Style, directory: string, fault?: Fault): string;
export function importRaft(path: string): Promise<MakeRaft>;
export function hunt(options: HuntOptions): Promise<Hunt>;
export function jobOf(harness: Seeds, test: string, run: number, seed?: number): Job;
export function inThisThread(harness: Pick<Harness, "runIteration">, makeRaft: MakeRaft, settings?: Column["settings"]): RunJob;
export function columnsOf(harness: Pick<Harness, "labTests" | "beyondTests">): readonly Column[];
export function detect(options: DetectOptions): Promise<Detection>;
export function detectWithSeeds(
  options: Omit<DetectOptions, "seed" | "leastRuns"> & {
    readonly seeds: readonly number[];
    readonly leastRunsOf?: (seed: number) => number;
  },
): Promise<readonly Detection[]>;
export function judge(rows: readonly Row[], properties: readonly string[]): Judgement;
export function faultsOfTheHarness(measured: {
  readonly canaries: readonly Row[];
  readonly unmutated: readonly Omit<Row, "mutant">[];
  readonly rows: readonly Row[];
  readonly caughtBefore: (row: Row) => boolean;
}): readonly string[];
export function page(input: PageInput): string;
export function goals(rows: readonly Row[], properties: readonly string[]): string;
export function writeRecord(rows: readonly Row[]): string;
export function readRecord(text: string): Recorded;
