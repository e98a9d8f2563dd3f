import { existsSync, readFileSync, statSync } from "node:fs";
import type { RunFinished } from "../events.ts";
import { UserError } from "../exit-codes.ts";
import { type LogHeader, parseLogHeader } from "../log-file.ts";
import type { Options } from "../options.ts";
import { runSession } from "../run-session.ts";

const usage = "give the log of a run (replay FILE), or a run seed and a test (replay SEED TEST)";

/** Makes one run again, exactly: the one that a log is of, or the one of a run seed and a test. Returns the exit status. */
export async function replay(words: readonly string[], options: Options): Promise<number> {
  const [first, test, ...more] = words;
  if (first === undefined || more.length > 0) throw new UserError(`replay: ${usage}`);
  if (existsSync(first)) {
    if (test !== undefined) throw new UserError(`replay: a log names its own test, '${test}' is too much; ${usage}`);
    return replayLog(readHeader(first), options);
  }
  if (!/^(?:0x)?[0-9a-f]{1,16}$/i.test(first)) throw new UserError(`replay: '${first}' is neither a file nor a seed; ${usage}`);
  if (test === undefined) throw new UserError(`replay: the seed '${first}' needs a test; ${usage}`);
  return runSession({ patterns: [test], options: { ...options, seed: first, iter: 1, loop: false }, directory: process.cwd() });
}

function readHeader(file: string): LogHeader {
  if (!statSync(file).isFile()) throw new UserError(`replay: '${file}' is not a file; ${usage}`);
  const header = parseLogHeader(readFileSync(file, "utf8"));
  if (!header)
    throw new UserError(`replay: '${file}' is not the log of a run: it does not begin with the header that says how to repeat it`);
  return header;
}

function replayLog(header: LogHeader, options: Options): Promise<number> {
  const { external } = header;
  if (external) {
    const { exec, shell = false, go, tags, race = false } = external;
    return runSession({
      patterns: [header.test],
      directory: header.directory,
      options: { ...options, exec, shell, go, tags, race, clock: "real", seed: header.seed, iter: 1, loop: false },
      comment: () => "a command runs in real time and may do otherwise each time; the log has the exact command line of its run",
    });
  }
  const { beside } = header;
  const nondeterministic = header.outcome === "nondeterministic";
  const raft = options.raft ?? (header.raft === "built-in" ? undefined : header.raft);
  return runSession({
    patterns: [header.test],
    // A --raft of the command line is relative to where the user is now, that of the log to where he was then.
    directory: options.raft === undefined ? header.directory : process.cwd(),
    options: {
      ...options,
      raft,
      clock: header.clock,
      race: header.checkedMode,
      seed: beside?.seed ?? header.seed,
      iter: beside?.runs ?? 1,
      loop: false,
      // One thread, so that the runs follow each other there as they did.
      ...(beside === undefined ? {} : { workers: 1 }),
      checkDeterminism: nondeterministic && header.clock === "virtual",
    },
    comment: (run) => (beside === undefined || run.result.job.iteration === header.iteration ? compare(header, run) : undefined),
  });
}

function compare(header: LogHeader, { result }: RunFinished): string {
  const same = `trace hash ${result.traceHash}, ${result.events} events`;
  if (header.clock === "real") return "on the real clock a run does not repeat exactly; this was another run with the same seed";
  if (header.outcome === "nondeterministic" && result.outcome === "nondeterministic")
    return `as in the log, the same seed gave another run; ${same}`;
  if (header.traceHash === undefined) return `the log is of a run that was stopped and has no trace hash; this run: ${result.outcome}`;
  if (header.traceHash === result.traceHash) return `the same run as in the log: ${same}`;
  return `not the same run as in the log: ${same}; the log has ${header.traceHash} (outcome ${header.outcome}). Has the implementation or raft-stress changed?`;
}
