import { describe, expect, it } from "vitest";
import type { Batch, Executor } from "../src/executor.ts";
import { FreshThreadCheck } from "../src/fresh-thread-check.ts";
import type { RunResult } from "../src/run-result.ts";

type Job = RunResult["job"];

const job = (iteration: number): Job => ({ test: "TestX", iteration, seed: `${iteration}` });

function resultOf(made: Job, traceHash: string, digests: readonly number[], others: Partial<RunResult> = {}): RunResult {
  return { job: made, outcome: "pass", seconds: 1, realMs: 1, traceHash, eventDigests: Int32Array.from(digests), ...others };
}

/** Makes the runs that `make` says; remembers what it was asked for. */
function fakeExecutor(make: (job: Job, batch: Batch) => RunResult): Executor & { readonly batches: Batch[] } {
  const batches: Batch[] = [];
  return {
    batches,
    capacity: 3,
    singleRuns: false,
    async run(batch, onResults) {
      batches.push(batch);
      onResults(batch.jobs.map((each, position) => [position, make(each, batch)] as const));
      return { type: "done" };
    },
    collect() {},
    underWay: () => [],
    async close() {},
  };
}

async function check(make: (job: Job, batch: Batch) => RunResult) {
  const executor = fakeExecutor(make);
  const told: (readonly [number, RunResult])[] = [];
  const made = new FreshThreadCheck(executor);
  const end = await made.run({ jobs: [job(0), job(1)] }, (some) => told.push(...some));
  expect(end).toEqual({ type: "done" });
  expect(told.map(([position]) => position)).toEqual([0, 1]);
  return { results: told.map(([, result]) => result), batches: executor.batches, differingIteration: made.differingIteration.bind(made) };
}

describe("runs that are made again on a fresh thread", () => {
  it("are told as they were when they are the same there, which they are made in the opposite order to see", async () => {
    const { results, batches } = await check((made) => resultOf(made, `hash ${made.iteration}`, [1, 2]));
    expect(results.map(({ outcome }) => outcome)).toEqual(["pass", "pass"]);
    expect(batches.map(({ jobs, fresh }) => [fresh ?? false, jobs.map(({ iteration }) => iteration)])).toEqual([
      [false, [0, 1]],
      [true, [1, 0]],
    ]);
  });

  const stack = "    at vote (raft.ts:3:7)";
  const actsOf = (contents: string) => [
    { text: "at 1.000 ms, S1: a timer", stack: "" },
    { text: "request Vote S1 -> S0, in 1 ms", stack },
    { text: `request Vote S1 -> S2 ${contents}, in 1 ms`, stack },
  ];

  it("are nondeterministic when they are others there: with the first event that differs, and what is done in it on both", async () => {
    const { results, batches, differingIteration } = await check((made, { fresh, settings }) => {
      if (settings?.tellActsOf !== undefined) return resultOf(made, "", [], { acts: actsOf(fresh ? "{ n: 10 }" : "{ n: 12 }") });
      const leaks = fresh && made.iteration === 1;
      return resultOf(made, leaks ? "there" : "here", leaks ? [1, 2, 9, 9] : [1, 2, 3, 4]);
    });
    expect(results[0]!.outcome).toBe("pass");
    const { outcome, failure, log } = results[1]!;
    expect(outcome).toBe("nondeterministic");
    expect(failure?.reason).toBe(
      "the same seed gave another run on a fresh worker thread (trace hash here, there there); the first event that differs is number 3; " +
        "there: at 1.000 ms, S1: a timer; used thread: request Vote S1 -> S2 { n: 12 }, in 1 ms; fresh thread: request Vote S1 -> S2 { n: 10 }, in 1 ms",
    );
    expect(failure?.stack).toBe(`${stack}\n${stack}`);
    expect(log).toContain(`  fresh thread: request Vote S1 -> S2 { n: 10 }, in 1 ms\n${stack}\n`);
    expect(batches.slice(-2)).toMatchObject([
      { fresh: false, settings: { tellActsOf: 3, stopAtEvent: 4, checkDeterminism: false } },
      { fresh: true, settings: { tellActsOf: 3, stopAtEvent: 4, checkDeterminism: false } },
    ]);
    expect([differingIteration("TestX", "0"), differingIteration("TestX", "1"), differingIteration("TestY", "1")]).toEqual([
      undefined,
      1,
      undefined,
    ]);
  });

  it("are nondeterministic, too, when nothing shows it but what their events have done", async () => {
    const { results } = await check((made, { fresh }) => resultOf(made, "same", fresh ? [1, 3] : [1, 2], { acts: actsOf("") }));
    expect(results.map(({ outcome }) => outcome)).toEqual(["nondeterministic", "nondeterministic"]);
    expect(results[0]!.failure?.reason).toMatch(/number 2; there: at 1\.000 ms, S1: a timer$/);
  });

  it("are told as they are there when two runs on the fresh thread differ", async () => {
    const { results } = await check((made, { fresh }) => resultOf(made, "same", [1], fresh ? { outcome: "nondeterministic" } : {}));
    expect(results.map(({ outcome }) => outcome)).toEqual(["nondeterministic", "nondeterministic"]);
  });

  it("stay as they were when the fresh thread was lost", async () => {
    const executor = fakeExecutor((made) => resultOf(made, "here", [1]));
    const lossy: Executor = {
      ...executor,
      run: (batch, onResults) => (batch.fresh ? Promise.resolve({ type: "done" }) : executor.run(batch, onResults)),
    };
    const outcomes: string[] = [];
    await new FreshThreadCheck(lossy).run({ jobs: [job(0)] }, (some) => outcomes.push(...some.map(([, { outcome }]) => outcome)));
    expect(outcomes).toEqual(["pass"]);
  });
});
