import type { IterationResult, Outcome } from "@raft-stress/harness";
import type { RunFinished } from "../../src/events.ts";
import type { TestInfo } from "../../src/select.ts";

export function testInfo(name: string, part: string, suite = "raft"): TestInfo {
  const alias = name.replace(/2([A-DX])$/, "3$1");
  return { suite, name, alias, part, aliasPart: part.replace("2", "3"), title: `title of ${name}`, servers: 3 };
}

/** A few tests in course order. */
export const someTests: readonly TestInfo[] = [
  testInfo("TestInitialElection2A", "2A"),
  testInfo("TestReElection2A", "2A"),
  testInfo("TestBackup2B", "2B"),
  testInfo("TestCount2B", "2B"),
  testInfo("TestFigure82C", "2C"),
  testInfo("TestFigure8Unreliable2C", "2C"),
];

export interface FakeRun {
  readonly test?: number;
  readonly outcome?: Outcome;
  readonly seconds?: number;
  readonly cause?: string;
  readonly place?: string;
  readonly iteration?: number;
  readonly log?: string;
}

/** A run as the runner tells it. */
export function finished({
  test = 0,
  outcome = "pass",
  seconds = 1,
  cause = "the cause",
  place,
  iteration = 0,
  log,
}: FakeRun): RunFinished {
  const told = { cause, reason: `the reason of ${iteration}`, atMs: 1234.5, event: 17, ...(place !== undefined && { place }) };
  const failure = outcome === "pass" ? {} : { failure: told };
  const result: IterationResult = {
    job: { test: someTests[test]!.name, iteration, seed: iteration.toString(16).padStart(16, "0") },
    outcome,
    seconds,
    realMs: 1,
    servers: 3,
    rpcs: 10,
    bytes: 1000,
    commands: 5,
    events: 100,
    traceHash: "0123456789abcdef",
    ...failure,
  };
  return { type: "run", result, test, log };
}
