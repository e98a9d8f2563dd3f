import { describe, expect, it } from "vitest";
import type { Batch, Executor } from "../src/executor.ts";
import { FreshThreadCheck } from "../src/fresh-thread-check.ts";
import type { RunResult } from "../src/run-result.ts";

type Job = RunResult["job"];

const job = (iteration: number): Job => ({ test: "TestX", iteration, seed: "0" });

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
  const end = await new FreshThreadCheck(executor).run({ jobs: [job(0), job(1)] }, (some) => told.push(...some));
  expect(end).toEqual({ type: "done" });
  expect(told.map(([position]) => position)).toEqual([0, 1]);
  return { results: told.map(([, result]) => result), batches: executor.batches };
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

  it("are nondeterministic when they are others there: with the first event that differs, as it is there", async () => {
    const { results, batches } = await check((made, { fresh, settings }) => {
      if (settings?.stopAtEvent !== undefined)
        return resultOf(made, "", [], { failure: { cause: "stopped", reason: "", seen: "S1: a timer" } });
      const leaks = fresh && made.iteration === 1;
      return resultOf(made, leaks ? "there" : "here", leaks ? [1, 2, 9, 9] : [1, 2, 3, 4]);
    });
    expect(results[0]!.outcome).toBe("pass");
    expect(results[1]!.outcome).toBe("nondeterministic");
    expect(results[1]!.failure?.reason).toBe(
      "the same seed gave another run on a fresh worker thread (trace hash here, there there); the first event that differs is number 3, there: S1: a timer",
    );
    expect(batches.at(-1)).toMatchObject({ fresh: true, settings: { stopAtEvent: 3, checkDeterminism: false } });
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
