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
  /** The file that lists the mutants. */
  readonly faults: string;
  readonly mutants: readonly Mutant[];
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
}

export interface Job {
  readonly test: string;
  readonly iteration: number;
  readonly seed: string;
}

export interface Result {
  readonly outcome: string;
  readonly realMs: number;
  readonly failure?: { readonly cause: string; readonly reason: string };
}

/** What a hunt needs of packages/harness. The caller gives it, compiled or as source. */
export interface Harness {
  runSeed(seed: Seed, test: string, iteration: number): Seed;
  formatSeed(seed: Seed): string;
  runIteration(job: Job, makeRaft: MakeRaft, settings: Settings): Promise<Result>;
}

export interface HuntOptions {
  readonly harness: Pick<Harness, "runSeed" | "formatSeed">;
  /** Makes one run of the Raft that is hunted. */
  runJob(job: Job): Promise<Result>;
  readonly tests: readonly string[];
  readonly runs: number;
}

export const builtIn: Style;
export const labStyle: Style;
export function writeRaft(style: Style, directory: string, fault?: Fault): string;
export function importRaft(path: string): Promise<MakeRaft>;
export function hunt(options: HuntOptions): Promise<Hunt>;
export function jobOf(harness: HuntOptions["harness"], test: string, run: number): Job;
export function inThisThread(harness: Harness, makeRaft: MakeRaft): HuntOptions["runJob"];
