import { coverageKeys, properties, propertyKeys } from "@raft-stress/harness/results";
import type { Reporter, RunsEnded, RunsStarted } from "../events.ts";
import type { RunResult } from "../run-result.ts";
import { looksOf, type Tally } from "../tally.ts";

/** Version of the lines' format. Fields may be added to it, never renamed. */
const v = 1;

/** One object a line for the start, each run and the end. */
export function jsonLines(tally: Tally, write: (line: string) => void): Reporter {
  return (event) => {
    switch (event.type) {
      case "start":
        write(JSON.stringify(startLine(event)));
        return;
      case "run":
        write(JSON.stringify(runLine(event.result, event.log)));
        return;
      case "round":
        return;
      case "end":
        write(JSON.stringify(summaryLine(event, tally)));
    }
  };
}

function startLine(event: RunsStarted): object {
  const { seed, tests, iterations, workers, clock, raft, version, node, loop, race } = event;
  return {
    v,
    type: "start",
    seed,
    tests: tests.map(({ name }) => name),
    iterations,
    workers,
    clock,
    raft,
    version,
    node,
    ...(loop && { loop }),
    ...(race && { race }),
  };
}

function runLine(result: RunResult, log: string | undefined): object {
  const { job, outcome, failure, external } = result;
  return {
    v,
    type: "run",
    test: job.test,
    iteration: job.iteration,
    seed: job.seed,
    outcome,
    ...(failure && {
      reason: failure.reason,
      cause: failure.cause,
      ...(failure.property !== undefined && { property: failure.property, source: failure.source, evidence: failure.evidence }),
      ...(failure.expected !== undefined && { expected: failure.expected }),
      ...(failure.seen !== undefined && { seen: failure.seen }),
      ...(failure.step !== undefined && { step: failure.step }),
      ...(failure.kind !== undefined && { kind: failure.kind }),
      ...(failure.atMs !== undefined && { atMs: rounded(failure.atMs, 3) }),
      ...(failure.event !== undefined && { event: failure.event }),
      ...(failure.server !== undefined && { server: failure.server }),
      ...(failure.place !== undefined && { place: failure.place }),
      ...(failure.notes !== undefined && { notes: failure.notes }),
    }),
    ...(result.schedule !== undefined && { schedule: result.schedule }),
    ...(result.excused !== undefined && { excused: result.excused }),
    ...(log !== undefined && { log }),
    seconds: rounded(result.seconds, 6),
    realMs: rounded(result.realMs, 3),
    servers: result.servers,
    rpcs: result.rpcs,
    bytes: result.bytes,
    commands: result.commands,
    events: result.events,
    traceHash: result.traceHash || null,
    ...(external && {
      ...(result.userMs !== undefined && { userMs: result.userMs, systemMs: result.systemMs }),
      load: rounded(external.load, 2),
      beside: external.beside,
      underLoad: external.underLoad,
      ...(outcome !== "pass" && { command: external.command }),
    }),
  };
}

function summaryLine({ reason, wallSeconds }: RunsEnded, tally: Tally): object {
  const looks = looksOf(tally);
  return {
    v,
    type: "summary",
    passed: tally.passed,
    failed: tally.failed,
    interrupted: reason === "interrupted",
    ...(tally.before > 0 && { before: tally.before }),
    wallSeconds: rounded(wallSeconds, 3),
    virtualSeconds: rounded(
      tally.tests.reduce((sum, { seconds }) => sum + seconds.sum, 0),
      3,
    ),
    ...(looks.length > 0 && {
      looks: named(
        propertyKeys.map((key) => properties[key].name),
        looks,
      ),
    }),
    tests: tally.tests.map(({ test, failed, total, seconds, coverage }) => ({
      test: test.name,
      failed,
      total,
      mean: rounded(seconds.mean, 4),
      sd: rounded(seconds.deviation, 4),
      ...(coverage.length > 0 && { reached: named(coverageKeys, coverage) }),
    })),
  };
}

function named(names: readonly string[], values: readonly number[]): Record<string, number> {
  return Object.fromEntries(names.map((name, i) => [name, values[i] ?? 0]));
}

function rounded(value: number, decimals: number): number {
  return Number(value.toFixed(decimals));
}
