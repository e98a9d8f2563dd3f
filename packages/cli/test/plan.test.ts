import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Batches } from "../src/batches.ts";
import { Plan, type PlannedRun } from "../src/plan.ts";

function all(plan: Plan): PlannedRun[] {
  const runs: PlannedRun[] = [];
  for (let run = plan.next(); run; run = plan.next()) runs.push(run);
  return runs;
}

const shown = (runs: readonly PlannedRun[]) => runs.map(({ test, iteration }) => `${test}.${iteration}`).join(" ");

describe("the plan", () => {
  it("lets the tests take turns", () => {
    expect(shown(all(new Plan({ tests: 3, iterations: 2, sequential: false, growth: 1 })))).toBe("0.0 1.0 2.0 0.1 1.1 2.1");
  });

  it("makes all runs of a test before the next, if asked", () => {
    expect(shown(all(new Plan({ tests: 2, iterations: 3, sequential: true, growth: 1 })))).toBe("0.0 0.1 0.2 1.0 1.1 1.2");
  });

  it("numbers the runs of a test on from round to round", () => {
    const plan = new Plan({ tests: 1, iterations: 2, sequential: false, growth: 2.5 });
    all(plan);
    expect(plan.startRound()).toBe(true);
    expect(plan.throughRound).toBe(7);
    expect(shown(all(plan))).toBe("0.2 0.3 0.4 0.5 0.6");
  });

  it("hands out every run once, in the order asked, whatever is dropped on the way", () => {
    const shapes = fc.record({
      tests: fc.integer({ min: 1, max: 6 }),
      iterations: fc.integer({ min: 1, max: 12 }),
      sequential: fc.boolean(),
      dropAfter: fc.nat(40),
      dropped: fc.nat(5),
    });
    fc.assert(
      fc.property(shapes, ({ tests, iterations, sequential, dropAfter, dropped }) => {
        const plan = new Plan({ tests, iterations, sequential, growth: 1 });
        const runs: PlannedRun[] = [];
        for (let handedOut = 0; ; handedOut++) {
          if (handedOut === dropAfter) plan.drop(dropped % tests);
          const { remaining } = plan;
          const run = plan.next();
          expect(remaining > 0).toBe(run !== undefined);
          if (!run) break;
          expect(plan.remaining).toBe(remaining - 1);
          runs.push(run);
        }
        for (let test = 0; test < tests; test++) {
          const own = runs.filter((run) => run.test === test).map(({ iteration }) => iteration);
          expect(own).toEqual([...own.keys()]);
          if (test !== dropped % tests || dropAfter >= tests * iterations) expect(own).toHaveLength(iterations);
        }
        const order = (run: PlannedRun) => (sequential ? run.test * iterations + run.iteration : run.iteration * tests + run.test);
        expect(runs).toEqual(runs.toSorted((a, b) => order(a) - order(b)));
      }),
    );
  });

  it("costs nothing for a million runs until they are handed out", () => {
    const plan = new Plan({ tests: 28, iterations: 1e9, sequential: false, growth: 10 });
    expect(plan.remaining).toBe(28e9);
    expect(plan.next()).toEqual({ test: 0, iteration: 0 });
  });
});

describe("batches", () => {
  const batchesOf = (plan: Plan, tests: number, capacity: number) => new Batches({ plan, tests, capacity, singleRuns: false });

  it("hold about the same work whatever a run costs", () => {
    const batches = batchesOf(new Plan({ tests: 2, iterations: 100_000, sequential: true, growth: 1 }), 2, 2);
    for (let i = 0; i < 50; i++) batches.learn(0, 0.1);
    expect(batches.take().length).toBeGreaterThan(200);
    for (let i = 0; i < 50; i++) batches.learn(0, 100);
    expect(batches.take()).toHaveLength(1);
  });

  it("become small towards the end, so that no thread waits for another's last batch", () => {
    const batches = batchesOf(new Plan({ tests: 1, iterations: 40, sequential: true, growth: 1 }), 1, 2);
    for (let i = 0; i < 50; i++) batches.learn(0, 0.01);
    const sizes: number[] = [];
    for (let batch = batches.take(); batch.length > 0; batch = batches.take()) sizes.push(batch.length);
    expect(sizes[0]).toBe(10);
    expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
    expect(sizes.at(-1)).toBe(1);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(40);
  });

  it("begin with the runs that came back, but not with those of a dropped test", () => {
    const plan = new Plan({ tests: 2, iterations: 3, sequential: false, growth: 1 });
    const batches = new Batches({ plan, tests: 2, capacity: 1, singleRuns: true });
    const [first, second] = [batches.take(), batches.take()];
    for (const run of [...first, ...second]) batches.putBack(run);
    plan.drop(0);
    expect(batches.take()).toEqual([{ test: 1, iteration: 0 }]);
    expect(batches.take()).toEqual([{ test: 1, iteration: 1 }]);
  });
});
