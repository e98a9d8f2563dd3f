import type { ClockKind, IterationResult, TraceLevel } from "@raft-stress/harness";

/** What a log says of the command that made it, whatever the run. */
export interface LogOrigin {
  readonly version: string;
  /** As the user named it; `built-in`, or a path relative to `directory`. */
  readonly raft: string;
  readonly clock: ClockKind;
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
  readonly clock: ClockKind;
  readonly directory: string;
  readonly outcome: string;
  /** Absent for a run that was stopped from outside. */
  readonly traceHash: string | undefined;
}

const firstLine = "raft-stress log, format 1";
const absent = "none";

/** Header, an empty line, and the run's own text. */
export function formatLog(result: IterationResult, origin: LogOrigin, replay: string): string {
  const { job, failure } = result;
  const lines = [
    firstLine,
    `test: ${job.test}`,
    `iteration: ${job.iteration}`,
    `seed: ${job.seed}`,
    `implementation: ${origin.raft}`,
    `clock: ${origin.clock}`,
    `trace level: ${origin.traceLevel}`,
    `versions: raft-stress ${origin.version}, node ${process.versions.node}, v8 ${process.versions.v8}, ${process.platform} ${process.arch}`,
    `directory: ${origin.directory}`,
    `flags: ${origin.flags.join(" ")}`,
    `outcome: ${result.outcome}`,
    ...(failure ? [`reason: ${failure.reason.replaceAll("\n", " ")}`] : []),
    `trace hash: ${result.traceHash === "" ? absent : result.traceHash}`,
    `events: ${result.events}`,
    `replay: ${replay}`,
    "",
    result.log ?? "",
  ];
  const text = lines.join("\n");
  return text.endsWith("\n") ? text : `${text}\n`;
}

/** Undefined: the text is no log of this program. */
export function parseLogHeader(text: string): LogHeader | undefined {
  const end = text.indexOf("\n\n");
  const [first, ...rest] = text.slice(0, end === -1 ? undefined : end).split("\n");
  if (first !== firstLine) return undefined;
  const fields = new Map(
    rest.map((line) => {
      const colon = line.indexOf(": ");
      return [line.slice(0, colon), line.slice(colon + 2)];
    }),
  );
  const test = fields.get("test");
  const seed = fields.get("seed");
  const clock = fields.get("clock");
  const iteration = Number(fields.get("iteration"));
  if (test === undefined || seed === undefined || !/^[0-9a-f]{16}$/.test(seed) || !Number.isSafeInteger(iteration)) return undefined;
  if (clock !== "virtual" && clock !== "real") return undefined;
  const traceHash = fields.get("trace hash");
  return {
    test,
    iteration,
    seed,
    clock,
    raft: fields.get("implementation") ?? "built-in",
    directory: fields.get("directory") ?? ".",
    outcome: fields.get("outcome") ?? "unknown",
    traceHash: traceHash === absent ? undefined : traceHash,
  };
}
