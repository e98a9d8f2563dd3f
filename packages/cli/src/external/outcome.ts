import type { Outcome } from "@raft-stress/harness";
import { formatDuration } from "../durations.ts";
import type { FailureKind, RunFailure } from "../run-result.ts";
import { anyCause, type Cause, goHang, goPanic, goRace, goTestFailure } from "./causes.ts";

/** How a run's first process ended. */
export interface Ending {
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  /** The limit of time was over: it was sent a signal by us. */
  readonly timedOut: boolean;
  /** It was killed by us, because it did not end of that signal. */
  readonly killed: boolean;
  /** Why it could not be started at all. */
  readonly notStarted: string | undefined;
  /** The kernel ended some process for want of memory while it ran. */
  readonly machineOutOfMemory: boolean;
  readonly realMs: number;
}

/** What is to be said of how a run ended. */
export interface Verdict {
  readonly outcome: Outcome;
  /** Absent: it passed. */
  readonly failure?: RunFailure;
}

export interface OutcomeLimits {
  readonly timeoutMs: number;
  readonly graceMs: number;
  readonly signal: string;
}

const outcomeOf: Readonly<Record<FailureKind, Outcome>> = {
  failed: "fail",
  panic: "crash",
  race: "fail",
  timeout: "timeout",
  signal: "crash",
  memory: "crash",
  "no-test": "fail",
  "not-started": "crash",
};

function verdict(kind: FailureKind, { cause, reason }: Cause): Verdict {
  return { outcome: outcomeOf[kind], failure: { kind, cause, reason } };
}

const same = (sentence: string): Cause => ({ cause: sentence, reason: sentence });

/** What every command is judged by, whatever it prints. Undefined: it ended by itself, with an exit status. */
function fromOutside(ending: Ending, output: () => string, limits: OutcomeLimits, test: string): Verdict | undefined {
  if (ending.notStarted !== undefined) return verdict("not-started", same(`the command could not be started: ${ending.notStarted}`));
  if (ending.timedOut) return timeoutVerdict(ending, output(), limits, test);
  if (ending.signal === undefined) return undefined;
  if (ending.signal === "SIGKILL" && ending.machineOutOfMemory) {
    return verdict("memory", same("killed by SIGKILL while the machine was out of memory"));
  }
  const said = ending.signal === "SIGQUIT" ? undefined : anyCause(output());
  const sentence = `killed by ${ending.signal}`;
  return verdict("signal", said ? { cause: `${sentence}: ${said.cause}`, reason: `${sentence}: ${said.reason}` } : same(sentence));
}

function timeoutVerdict({ killed }: Ending, output: string, { timeoutMs, graceMs, signal }: OutcomeLimits, test: string): Verdict {
  const place = goHang(output, test);
  const at = place === undefined ? "" : `, in ${place}`;
  const limit = `still running after ${formatDuration(timeoutMs)} (--timeout)${at}`;
  const how = killed ? `${signal} did not end it within ${formatDuration(graceMs)}, it was killed` : `ended by ${signal}`;
  return verdict("timeout", { cause: limit, reason: `${limit}; ${how}` });
}

/** Judges a run of `--exec`: its exit status decides. */
export function judgeCommand(ending: Ending, output: () => string, limits: OutcomeLimits, test: string): Verdict {
  const outside = fromOutside(ending, output, limits, test);
  if (outside) return outside;
  if (ending.exitCode === 0) return { outcome: "pass" };
  const text = output();
  if (hasGoTimeout(text)) return goTimeout(text, limits, test);
  const kind = failedKind(text);
  const status = `exit status ${ending.exitCode}`;
  const said = anyCause(text);
  if (!said) return verdict(kind, same(status));
  return verdict(kind, { cause: said.cause, reason: `${said.reason} (${status})` });
}

function failedKind(text: string): FailureKind {
  if (goOutOfMemory.test(text)) return "memory";
  const race = text.indexOf("WARNING: DATA RACE");
  const panic = text.search(/^(?:panic: |fatal error: |thread '.*' .*panicked at )/m);
  if (race !== -1 && (panic === -1 || race < panic)) return "race";
  return panic === -1 ? "failed" : "panic";
}

const goOutOfMemory = /^(?:fatal error: (?:runtime: )?(?:out of memory|cannot allocate memory)|runtime: out of memory)/m;

function hasGoTimeout(text: string): boolean {
  return /^panic: test timed out after /m.test(text);
}

function goTimeout(text: string, { timeoutMs }: OutcomeLimits, test: string): Verdict {
  const place = goHang(text, test);
  const sentence = `still running after ${formatDuration(timeoutMs)} (--timeout)${place === undefined ? "" : `, in ${place}`}`;
  return verdict("timeout", { cause: sentence, reason: `${sentence}; the log has all goroutines` });
}

/** How much of the end of a passing run's output is looked at. */
export const passTailBytes = 64 * 1024;

/** Judges a run of a Go test binary. An exit status of 0 alone is no proof that a test was run to its end. */
export function judgeGoTest(ending: Ending, output: () => string, tail: () => string, limits: OutcomeLimits, test: string): Verdict {
  const outside = fromOutside(ending, output, limits, test);
  if (outside) return outside;
  if (ending.exitCode === 0) return judgeGoPass(tail());
  const text = output();
  if (hasGoTimeout(text)) return goTimeout(text, limits, test);
  const kind = failedKind(text);
  const status = `exit status ${ending.exitCode}`;
  const said = goCause(kind, text) ?? anyCause(text) ?? same(status);
  return verdict(
    kind,
    said.reason === status || kind !== "failed" || text.includes("--- FAIL") ? said : { ...said, reason: `${said.reason} (${status})` },
  );
}

function goCause(kind: FailureKind, text: string): Cause | undefined {
  if (kind === "race") return goRace(text);
  return kind === "failed" ? goTestFailure(text) : goPanic(text);
}

function judgeGoPass(tail: string): Verdict {
  if (tail.includes("testing: warning: no tests to run"))
    return verdict("no-test", same("no test was run: the binary found none of this name"));
  if (/PASS\r?$/m.test(tail)) return { outcome: "pass" };
  return verdict("no-test", same("exit status 0, but the test binary did not print PASS: the process ended before the test did"));
}

/** The test's own time as Go prints it of a failed test, in seconds. */
export function goSeconds(output: string): number | undefined {
  const found = /^\s*--- (?:FAIL|PASS): \S+ \(([\d.]+)s\)/m.exec(output)?.[1];
  return found === undefined ? undefined : Number(found);
}
