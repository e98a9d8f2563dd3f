import type { ClockKind, TraceLevel } from "@raft-stress/harness";
import type { RunResult } from "./run-result.ts";

/** What an external command was asked for with; all that a replay needs. */
export interface ExternalOrigin {
  readonly exec?: string | undefined;
  readonly shell?: boolean | undefined;
  readonly go?: string | undefined;
  readonly tags?: string | undefined;
  readonly race?: boolean | undefined;
}

/** What a log says of the command that made it, whatever the run. */
export interface LogOrigin {
  readonly version: string;
  /** As the user named it; `built-in`, or a path relative to `directory`. Undefined for an external command. */
  readonly raft: string | undefined;
  readonly external?: ExternalOrigin;
  readonly clock: ClockKind;
  readonly checkedMode?: boolean;
  readonly traceLevel: TraceLevel;
  readonly directory: string;
  /** The arguments of the command. */
  readonly flags: readonly string[];
}

/** What a log's header says: all that is needed to make the run again, and to see whether it was the same. */
export interface LogHeader {
  readonly test: string;
  readonly iteration: number;
  readonly seed: string;
  readonly raft: string;
  /** Undefined for a built-in test. */
  readonly external?: ExternalOrigin;
  readonly clock: ClockKind;
  /** Whether it was made with --race, by the built-in runner. */
  readonly checkedMode: boolean;
  readonly directory: string;
  readonly outcome: string;
  /** The runs among which it was another one than by itself, those of the command's seed; absent for all others. */
  readonly beside?: { readonly seed: string; readonly runs: number };
  /** Absent for a run that was stopped from outside, and for an external one. */
  readonly traceHash: string | undefined;
}

const firstLine = "raft-stress log, format 1";
const absent = "none";

/** Header, an empty line, and the run's own text. */
export function formatLog(result: RunResult, origin: LogOrigin, replay: string): string {
  const text = `${formatLogHeader(result, origin, replay)}${result.log ?? ""}`;
  return text.endsWith("\n") ? text : `${text}\n`;
}

/** The header with the empty line below it. */
export function formatLogHeader(result: RunResult, origin: LogOrigin, replay: string): string {
  const { job, failure, external } = result;
  const lines = [
    firstLine,
    `test: ${job.test}`,
    `iteration: ${job.iteration}`,
    `seed: ${job.seed}`,
    ...(origin.raft === undefined ? [] : [`implementation: ${origin.raft}`]),
    ...(origin.external ? [`external: ${JSON.stringify(origin.external)}`] : []),
    `clock: ${origin.clock}`,
    ...(origin.checkedMode ? ["mode: checked"] : []),
    ...(result.schedule === undefined ? [] : [`schedule: ${result.schedule}`]),
    ...(origin.external ? [] : [`trace level: ${origin.traceLevel}`]),
    `versions: raft-stress ${origin.version}, node ${process.versions.node}, v8 ${process.versions.v8}, ${process.platform} ${process.arch}`,
    `directory: ${origin.directory}`,
    `flags: ${origin.flags.join(" ").replaceAll("\n", "\\n")}`,
    `outcome: ${result.outcome}`,
    ...(result.excused === undefined ? [] : [`excused: ${oneLine(result.excused)}`]),
    ...(failure ? [`cause: ${oneLine(failure.cause)}`, `reason: ${oneLine(failure.reason)}`] : []),
    `seconds: ${Number(result.seconds.toFixed(6))}`,
    `real milliseconds: ${result.realMs.toFixed(3)}`,
    `trace hash: ${result.traceHash || absent}`,
    ...(result.events === undefined ? [] : [`events: ${result.events}`]),
    ...(external ? [loadLine(external), `command: ${oneLine(external.command)}`] : []),
    `replay: ${oneLine(replay)}`,
    "",
    "",
  ];
  return lines.join("\n");
}

function loadLine({ load, beside, underLoad }: NonNullable<RunResult["external"]>): string {
  return `load: ${load.toFixed(1)} at its start, ${beside} runs beside it${underLoad ? " (overloaded)" : ""}`;
}

function oneLine(text: string): string {
  return text.replaceAll("\n", " ");
}

/** Undefined: the text is no log of this program. */
export function parseLogHeader(text: string): LogHeader | undefined {
  const fields = headerFields(text);
  if (!fields) return undefined;
  const test = fields.get("test");
  const seed = fields.get("seed");
  const clock = fields.get("clock");
  const iteration = Number(fields.get("iteration"));
  if (test === undefined || seed === undefined || !/^[0-9a-f]{16}$/.test(seed) || !Number.isSafeInteger(iteration)) return undefined;
  if (clock !== "virtual" && clock !== "real") return undefined;
  const traceHash = fields.get("trace hash");
  const external = externalOrigin(fields.get("external"));
  const beside = runsBeside(fields.get("replay"));
  return {
    test,
    iteration,
    seed,
    clock,
    checkedMode: fields.get("mode") === "checked",
    raft: fields.get("implementation") ?? "built-in",
    ...(external && { external }),
    ...(beside && { beside }),
    directory: fields.get("directory") ?? ".",
    outcome: fields.get("outcome") ?? "unknown",
    traceHash: traceHash === absent ? undefined : traceHash,
  };
}

/** From the command line of `replayBesideOthers`. */
function runsBeside(replay: string | undefined): LogHeader["beside"] {
  const [, seed, runs] = / --seed ([0-9a-f]{16}) -n (\d+) -p 1 /.exec(replay ?? "") ?? [];
  return seed === undefined ? undefined : { seed, runs: Number(runs) };
}

function externalOrigin(text: string | undefined): ExternalOrigin | undefined {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as ExternalOrigin;
  } catch {
    return undefined;
  }
}

/** The lines of a header by their names; undefined: the text has none. */
function headerFields(text: string): ReadonlyMap<string, string> | undefined {
  const end = text.indexOf("\n\n");
  const [first, ...rest] = text.slice(0, end === -1 ? undefined : end).split("\n");
  if (first !== firstLine) return undefined;
  return new Map(
    rest.map((line) => {
      const colon = line.indexOf(": ");
      return [line.slice(0, colon), line.slice(colon + 2)];
    }),
  );
}

/** The run that a log is of, as far as its header tells it; undefined: no log of this program, or one without these lines. */
export function parseLoggedRun(text: string): RunResult | undefined {
  const header = parseLogHeader(text);
  const fields = headerFields(text);
  const seconds = Number(fields?.get("seconds"));
  const realMs = Number(fields?.get("real milliseconds"));
  if (!header || !fields || !Number.isFinite(seconds) || !Number.isFinite(realMs)) return undefined;
  const { test, iteration, seed } = header;
  const reason = fields.get("reason");
  const outcome = header.outcome as RunResult["outcome"];
  return {
    job: { test, iteration, seed },
    outcome,
    seconds,
    realMs,
    ...(reason !== undefined && { failure: { cause: fields.get("cause") ?? reason, reason } }),
  };
}
