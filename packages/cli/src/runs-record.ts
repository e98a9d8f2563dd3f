import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { coverageKeys, propertyKeys } from "@raft-stress/harness/results";
import type { RunEvent } from "./events.ts";
import { exitCodes, UserError } from "./exit-codes.ts";
import { parseLoggedRun } from "./log-file.ts";
import type { RunsBefore } from "./plan.ts";
import type { TestInfo } from "./select.ts";
import { type HistogramState, Moments, type MomentsState, TimeHistogram } from "./stats.ts";
import { type CauseCount, countRun, emptyTally, emptyTestTally, type LargestRun, type Tally, type TestTally } from "./tally.ts";

/** The file of an output directory that says which runs it stands for: passing runs leave no log. */
const fileName = "runs.json";

interface TestRecord {
  readonly name: string;
  readonly next: number;
  readonly missing: readonly number[];
  readonly total: number;
  readonly failed: number;
  readonly moments: Readonly<Record<string, MomentsState>>;
  readonly histogram: HistogramState;
  readonly largest: Readonly<Record<string, LargestRun>>;
  readonly causes: readonly CauseCount[];
  /** What was checked, and what happened; absent in records of commands that did not count it. */
  readonly looks?: readonly number[];
  readonly coverage?: readonly number[];
}

interface RunsRecordFile {
  readonly v: 1;
  /** What is under test. */
  readonly subject: string;
  readonly seed: string;
  readonly tests: readonly TestRecord[];
}

/** What an output directory tells of the runs made before. */
export interface RunsMadeBefore {
  /** Undefined: none was made, or the directory does not say. */
  readonly seed: string | undefined;
  readonly tally: Tally;
  /** Per test. */
  readonly before: readonly RunsBefore[];
  /** Records of tests that are not among the chosen ones; they stay in the file. */
  readonly others: readonly TestRecord[];
}

export function noRunsBefore(tests: readonly TestInfo[]): RunsMadeBefore {
  return { seed: undefined, tally: emptyTally(tests), before: tests.map(() => ({ next: 0, missing: [] })), others: [] };
}

/**
 * Reads what a directory knows of earlier runs: its `runs.json`, or its logs when every run has left one (--archive).
 * Throws UserError when it is of something else, or cannot say how many runs have passed.
 */
export function readRunsBefore(directory: string, subject: string, tests: readonly TestInfo[]): RunsMadeBefore {
  if (!existsSync(directory)) return noRunsBefore(tests);
  const file = join(directory, fileName);
  if (existsSync(file)) return fromRecord(parseRecord(file), file, subject, tests);
  const logs = readdirSync(directory).filter((name) => name.endsWith(".log"));
  return logs.length === 0 ? noRunsBefore(tests) : fromLogs(directory, logs, tests);
}

function parseRecord(file: string): RunsRecordFile {
  try {
    const record = JSON.parse(readFileSync(file, "utf8")) as RunsRecordFile;
    if (record.v === 1 && Array.isArray(record.tests)) return record;
  } catch {
    // What is wrong with it does not matter: it cannot be gone on from.
  }
  throw notARecord(file);
}

function notARecord(file: string): UserError {
  return new UserError(`--resume: '${file}' is not a record of runs`);
}

function fromRecord(record: RunsRecordFile, file: string, subject: string, tests: readonly TestInfo[]): RunsMadeBefore {
  if (record.subject !== subject)
    throw new UserError(`--resume: '${file}' is of runs of '${record.subject}', and this command runs '${subject}'`);
  try {
    return restored(record, tests);
  } catch {
    throw notARecord(file);
  }
}

function restored(record: RunsRecordFile, tests: readonly TestInfo[]): RunsMadeBefore {
  const known = tests.map((test) => record.tests.find(({ name }) => name === test.name));
  const tally = emptyTally(tests);
  const tallies = tests.map((test, index) => (known[index] ? restoreTest(test, known[index]) : tally.tests[index]!));
  return {
    seed: record.seed,
    tally: withCounts(tallies),
    before: known.map((test) => ({ next: test?.next ?? 0, missing: test?.missing ?? [] })),
    others: record.tests.filter(({ name }) => !tests.some((test) => test.name === name)),
  };
}

function withCounts(tests: readonly TestTally[]): Tally {
  const total = tests.reduce((sum, test) => sum + test.total, 0);
  const failed = tests.reduce((sum, test) => sum + test.failed, 0);
  const secondsBefore = tests.reduce((sum, { seconds }) => sum + seconds.sum, 0);
  return { tests, passed: total - failed, failed, excused: 0, before: total, secondsBefore };
}

const momentsOf = ({ seconds, real, user, system, lab, usual }: TestTally): Readonly<Record<string, Moments>> => ({
  seconds,
  real,
  user,
  system,
  servers: lab.servers,
  rpcs: lab.rpcs,
  bytes: lab.bytes,
  commands: lab.commands,
  usualSeconds: usual.seconds,
  usualRpcs: usual.rpcs,
  usualBytes: usual.bytes,
});

function restoreTest(test: TestInfo, record: TestRecord): TestTally {
  const moments = (name: string) => (record.moments[name] ? Moments.from(record.moments[name]) : new Moments());
  return {
    test,
    total: record.total,
    failed: record.failed,
    seconds: moments("seconds"),
    histogram: TimeHistogram.from(record.histogram),
    real: moments("real"),
    user: moments("user"),
    system: moments("system"),
    lab: { servers: moments("servers"), rpcs: moments("rpcs"), bytes: moments("bytes"), commands: moments("commands") },
    usual: { seconds: moments("usualSeconds"), rpcs: moments("usualRpcs"), bytes: moments("usualBytes") },
    largest: { ...record.largest },
    causes: new Map(record.causes.map((cause) => [cause.cause, { ...cause }])),
    // Another version may count other things.
    looks: record.looks?.length === propertyKeys.length ? [...record.looks] : [],
    coverage: record.coverage?.length === coverageKeys.length ? [...record.coverage] : [],
  };
}

/** Log numbers count all runs: without a gap, every run has left its log, and the logs tell all. */
function fromLogs(directory: string, names: readonly string[], tests: readonly TestInfo[]): RunsMadeBefore {
  const numbers = new Set(names.map((name) => Number(/_(\d+)\.log$/.exec(name)?.[1] ?? Number.NaN)));
  const complete = numbers.size === names.length && [...numbers].every((number) => number < names.length);
  if (!complete) {
    throw new UserError(
      `--resume: '${directory}' has ${names.length} logs but no ${fileName}, so the runs that passed cannot be counted; give a new directory`,
      exitCodes.usage,
    );
  }
  const iterations = new Map<string, number[]>();
  const tallies = tests.map(emptyTestTally);
  for (const name of names) {
    const path = join(directory, name);
    const run = parseLoggedRun(readFileSync(path, "utf8"));
    const index = tests.findIndex((test) => test.name === run?.job.test);
    if (!run || index === -1) continue;
    countRun(tallies[index]!, run, run.outcome === "pass" ? undefined : path);
    iterations.set(run.job.test, [...(iterations.get(run.job.test) ?? []), run.job.iteration]);
  }
  const before = tests.map((test) => {
    const made = new MadeIterations();
    for (const iteration of iterations.get(test.name) ?? []) made.add(iteration);
    return made.state();
  });
  return { seed: undefined, tally: withCounts(tallies), before, others: [] };
}

/** Which iterations of a test have been made. Few are missing: those that were under way when the others ended. */
export class MadeIterations {
  #next: number;
  #missing: Set<number>;

  constructor({ next, missing }: RunsBefore = { next: 0, missing: [] }) {
    this.#next = next;
    this.#missing = new Set(missing);
  }

  add(iteration: number): void {
    this.#missing.delete(iteration);
    for (; this.#next <= iteration; this.#next++) if (this.#next < iteration) this.#missing.add(this.#next);
  }

  state(): RunsBefore {
    return { next: this.#next, missing: [...this.#missing].toSorted((a, b) => a - b) };
  }
}

export interface RunsRecordOptions {
  readonly directory: string;
  readonly subject: string;
  readonly seed: string;
  readonly tally: Tally;
  readonly before: RunsMadeBefore;
  /** Asked before each writing. */
  wanted(): boolean;
}

/** Real milliseconds: a command that is killed loses the count of at most this long. */
const writeEveryMs = 1000;

/** Keeps `runs.json` up to date while runs are made. To be told of a run after the tally. */
export class RunsRecord {
  #options: RunsRecordOptions;
  #made: readonly MadeIterations[];
  #writtenMs = Number.NEGATIVE_INFINITY;

  constructor(options: RunsRecordOptions) {
    this.#options = options;
    this.#made = options.before.before.map((test) => new MadeIterations(test));
  }

  readonly report = (event: RunEvent): void => {
    if (event.type === "run") {
      this.#made[event.test]!.add(event.result.job.iteration);
      if (performance.now() - this.#writtenMs >= writeEveryMs) this.#write();
    } else if (event.type === "end") this.#write();
  };

  /** Whoever is interrupted while this is written finds the file of before. */
  #write(): void {
    const { directory, subject, seed, tally, before, wanted } = this.#options;
    if (!wanted()) return;
    this.#writtenMs = performance.now();
    const tests = [...tally.tests.map((test, index) => testRecord(test, this.#made[index]!.state())), ...before.others];
    const record: RunsRecordFile = { v: 1, subject, seed, tests };
    const file = join(directory, fileName);
    try {
      writeFileSync(`${file}.new`, JSON.stringify(record));
      renameSync(`${file}.new`, file);
    } catch {
      // A full disk was told of when a log could not be written; the runs go on.
    }
  }
}

function testRecord(test: TestTally, { next, missing }: RunsBefore): TestRecord {
  const moments = Object.fromEntries(Object.entries(momentsOf(test)).map(([name, value]) => [name, value.state()]));
  const { total, failed, histogram, largest, causes, looks, coverage } = test;
  return {
    name: test.test.name,
    next,
    missing,
    total,
    failed,
    moments,
    histogram: histogram.state(),
    largest,
    causes: [...causes.values()],
    ...(looks.length > 0 && { looks, coverage }),
  };
}
