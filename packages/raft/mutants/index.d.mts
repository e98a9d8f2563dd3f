import type { MakeRaft } from "@raft-stress/raft/api";

/** A text that occurs once in a compiled file of packages/raft, and what stands there instead. */
export interface Fault {
  /** A file of `dist`, e.g. `election.js`. */
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

interface Result {
  readonly outcome: string;
  readonly realMs: number;
  readonly failure?: { readonly cause: string; readonly reason: string };
}

/** What a hunt needs of packages/harness. The caller gives it, compiled or as source: this package depends on nothing. */
interface Harness {
  runSeed(seed: Seed, test: string, iteration: number): Seed;
  formatSeed(seed: Seed): string;
  runIteration(job: { test: string; iteration: number; seed: string }, makeRaft: MakeRaft, settings: Settings): Promise<Result>;
}

export interface HuntOptions {
  readonly harness: Harness;
  readonly makeRaft: MakeRaft;
  readonly tests: readonly string[];
  readonly runs: number;
}

export const mutants: readonly Mutant[];
export function writeRaft(directory: string, fault?: Fault): string;
export function loadRaft(path: string): Promise<MakeRaft>;
export function hunt(options: HuntOptions): Promise<Hunt>;
export function runOnce(harness: Harness, makeRaft: MakeRaft, test: string, run: number): Promise<Result>;
