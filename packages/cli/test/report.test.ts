import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import type { RunEvent } from "../src/events.ts";
import type { Goal } from "../src/goal.ts";
import { createPaints } from "../src/paint.ts";
import { type ClosingOptions, closing } from "../src/report/closing.ts";
import { heartbeatLine } from "../src/report/heartbeat.ts";
import { jsonLines } from "../src/report/json-lines.ts";
import { testLines, totalLine } from "../src/report/panel-lines.ts";
import { renderTable, type TableOptions } from "../src/report/table.ts";
import { count, emptyTally, type Tally } from "../src/tally.ts";
import { type FakeRun, finished, someTests } from "./support/tests.ts";

const plain = createPaints(false);
const coloured = createPaints(true);

function tallyOf(tests: number, runs: readonly FakeRun[]): Tally {
  const tally = emptyTally(someTests.slice(0, tests));
  for (const [iteration, run] of runs.entries()) count(tally, finished({ iteration, ...run }));
  return tally;
}

const many = (runs: number, run: FakeRun): FakeRun[] => Array.from({ length: runs }, () => run);

describe("the table", () => {
  const options: TableOptions = { timing: false, timingDecimals: 4, stats: false, maxFailures: undefined };
  const tally = emptyTally([someTests[2]!]);
  for (let i = 0; i < 50; i++)
    count(tally, { ...finished({ outcome: i < 3 ? "fail" : "pass", seconds: i % 2 === 0 ? 11.66 : 12.48 }), test: 0 });

  it("is, byte for byte, the one that users of dstest.py know", () => {
    expect(renderTable(tally, options, plain)).toBe(
      [
        "┏━━━━━━━━━━━━━━┳━━━━━━━━┳━━━━━━━┳━━━━━━━━━━━━━━┓",
        "┃ Test         ┃ Failed ┃ Total ┃         Time ┃",
        "┡━━━━━━━━━━━━━━╇━━━━━━━━╇━━━━━━━╇━━━━━━━━━━━━━━┩",
        "│ TestBackup2B │      3 │    50 │ 12.07 ± 0.41 │",
        "└──────────────┴────────┴───────┴──────────────┘",
      ].join("\n"),
    );
  });

  it("colours change nothing but the colours: a red name for failures, a green one without", () => {
    const text = renderTable(tally, options, coloured);
    expect(stripVTControlCharacters(text)).toBe(renderTable(tally, options, plain));
    expect(text).toContain(coloured.red("TestBackup2B"));
    expect(renderTable(tallyOf(1, [{}]), options, coloured)).toContain(coloured.green("TestInitialElection2A"));
  });

  it("has a row for a test without runs", () => {
    expect(renderTable(tallyOf(1, []), options, plain)).toContain("│ TestInitialElection2A │      0 │     0 │    - │");
  });

  it("shows rates and percentiles with --stats, and no rate of a test that was stopped by its failures", () => {
    const mixed = tallyOf(2, [
      ...many(47, { seconds: 1 }),
      ...many(3, { outcome: "fail", seconds: 9 }),
      ...many(50, { test: 1, seconds: 2 }),
    ]);
    const text = renderTable(mixed, { ...options, stats: true }, plain);
    expect(text).toContain("│ 6% (2.1 to 16.2%) │ 1.00 │ 9.00 │ 9.00 │");
    expect(text).toContain("│            < 5.8% │ 2.00 │ 2.00 │ 2.00 │");
    expect(renderTable(mixed, { ...options, stats: true, maxFailures: 3 }, plain)).toContain("│          - │ 1.00 │");
  });

  it("shows real, user and system time with --timing", () => {
    const text = renderTable(tallyOf(1, [{}]), { ...options, timing: true }, plain);
    expect(text).toContain("┃       Real Time ┃ User Time ┃ System Time ┃");
    expect(text).toContain("│ 0.0010 ± 0.0000 │         - │           - │");
  });
});

describe("the closing lines", () => {
  const goal: Goal = { iterations: 50, maxFailures: undefined, evidence: undefined, timeoutMs: 60_000 };
  const options: ClosingOptions = {
    clock: "virtual",
    reason: "done",
    wallSeconds: 0.5,
    goal,
    comment: undefined,
    replayCommand: (test, seed) => `raft-stress ${test} --seed ${seed} -n 1`,
  };

  it("say of clean runs what they prove", () => {
    expect(closing(tallyOf(1, many(50, { seconds: 12 })), options, plain)).toEqual([
      "0 of 50: failure rate below 5.8% (95%); 249 more clean runs for 1%",
      "50 runs in 0.50 s: 600.0 virtual s, 1,200 times as fast as real time, 100 runs a second",
      "50 passed, 0 failed",
    ]);
  });

  it("say of failures how many, how sure, why, where, and how to repeat them", () => {
    const runs = [
      ...many(47, {}),
      { outcome: "fail", cause: "no leader", log: "out/a.log" },
      { outcome: "stuck", cause: "no end", log: "out/b.log" },
      { outcome: "fail", cause: "no leader", log: "out/c.log" },
    ] as const;
    const [block, ...rest] = closing(tallyOf(2, [...runs, { test: 1 }, { test: 1 }]), options, plain);
    expect(block!.split("\n")).toEqual([
      "TestInitialElection2A: 3 of 50 failed, 6% (95% interval 2.1 to 16.2%)",
      "  2 × no leader",
      "      the reason of 47",
      "      log:    out/a.log",
      "      replay: raft-stress TestInitialElection2A --seed 000000000000002f -n 1",
      "  1 × no end",
      "      the reason of 48",
      "      log:    out/b.log",
      "      replay: raft-stress TestInitialElection2A --seed 0000000000000030 -n 1",
      "  84 clean runs after a change would show that it helped (p < 5%)",
    ]);
    expect(rest[0]).toBe("TestReElection2A: 0 of 2: failure rate below 77.6% (95%); 297 more clean runs for 1%");
    expect(rest.at(-1)).toBe("49 passed, 3 failed");
  });

  it("say where the implementation's code was when it did what it must not, and at which event", () => {
    const tally = tallyOf(1, [{ outcome: "crash", place: "raft.ts:8:11 (vote)" }]);
    expect(closing(tally, options, plain)[0]!.split("\n")).toContain("      at:     raft.ts:8:11 (vote), event 17 at 1.234 s");
  });

  it("print no rate of a test that --fail-fast has stopped", () => {
    const tally = tallyOf(1, [...many(36, {}), { outcome: "fail" }, {}]);
    const text = closing(tally, { ...options, goal: { ...goal, maxFailures: 1 } }, plain).join("\n");
    expect(text).toContain("TestInitialElection2A: first failure at run 37");
    expect(text).not.toMatch(/%|clean run/);
  });

  it("say whether the evidence asked for was reached", () => {
    const evidence = { rate: 0.05, confidence: 0.95, text: "5%@95%" };
    const lines = (runs: number) => closing(tallyOf(1, many(runs, {})), { ...options, goal: { ...goal, evidence } }, plain).join("\n");
    expect(lines(59)).toContain("shown: every test's failure rate is below 5%@95%");
    expect(lines(58)).toContain("not shown: 5%@95% needs 59 clean runs of each test; 1 of 1 tests have not made them");
  });

  it("end with the counts alone, whatever was said before", () => {
    expect(closing(tallyOf(1, []), { ...options, reason: "interrupted", comment: "a comment" }, plain).at(-1)).toBe("0 passed, 0 failed");
  });
});

describe("the tally", () => {
  it("keeps a bounded number of causes, and counts all failures", () => {
    const tally = tallyOf(
      1,
      Array.from({ length: 500 }, (_, i): FakeRun => ({ outcome: "fail", cause: `cause ${i}` })),
    );
    const causes = [...tally.tests[0]!.causes.values()];
    expect(causes).toHaveLength(101);
    expect(causes.at(-1)).toMatchObject({ cause: "other causes", count: 400 });
    expect(causes.reduce((sum, cause) => sum + cause.count, 0)).toBe(500);
  });
});

describe("progress", () => {
  const view = (tally: Tally, expected = 50, elapsedMs = 10_000) => ({ tally, expected: () => expected, elapsedMs: () => elapsedMs });
  const tally = tallyOf(6, [...many(25, {}), ...many(50, { test: 1 }), ...many(10, { test: 2, outcome: "fail" })]);

  it("shows elapsed and remaining time and the share that is done", () => {
    expect(totalLine(view(tally), 100, plain)).toBe(`Tests ${"━".repeat(11)}${"·".repeat(29)} 0:00:10 0:00:25  28%`);
    expect(totalLine(view(tallyOf(1, [])), 60, plain)).toMatch(/^Tests ·+ 0:00:10 -:--:-- {3}0%$/);
  });

  it("has a line for each test: spinner or mark, bar, counts, failures", () => {
    const lines = testLines(view(tally), { columns: 100, rows: 24 }, 0, plain);
    expect(lines).toHaveLength(6);
    expect(lines[0]).toMatch(/^⠋ TestInitialElection2A {3}━{20}·{20} 25\/50$/);
    expect(lines[1]).toMatch(/^✓ TestReElection2A {8}━{40} 50\/50$/);
    expect(lines[2]).toMatch(/^⠹ TestBackup2B {12}━{8}·{32} 10\/50 10 failed$/);
  });

  it.each([20, 30, 40, 60, 100])("fits into %i columns and the rows that there are", (columns) => {
    for (const rows of [5, 8, 24]) {
      const lines = testLines(view(tally, 1_000_000), { columns, rows }, 3, coloured).map(stripVTControlCharacters);
      expect(lines.length).toBeLessThanOrEqual(rows - 3);
      if (columns >= 40) for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
    }
    expect(stripVTControlCharacters(totalLine(view(tally), columns - 3, coloured)).length).toBeLessThanOrEqual(Math.max(columns, 29));
  });

  it("keeps tests with failures in sight when there is no room for all", () => {
    const lines = testLines(view(tally), { columns: 80, rows: 7 }, 0, plain);
    expect(lines.map((line) => line.slice(2, 14).trim())).toEqual(["TestInitialE", "TestBackup2B", "… 4 more"]);
  });

  it("has a line for those who have no terminal", () => {
    expect(heartbeatLine(view(tally))).toBe("0:00:10 85 of 300 runs, 10 failed, about 0:00:25 left");
  });
});

describe("JSON lines", () => {
  it("tell the start, each run and the end", () => {
    const tally = emptyTally([someTests[0]!]);
    const lines: string[] = [];
    const report = jsonLines(tally, (line) => lines.push(line));
    const start = {
      type: "start",
      seed: "00000000000000aa",
      tests: [someTests[0]!],
      iterations: 2,
      loop: false,
      workers: 4,
      clock: "virtual",
      race: false,
      raft: "built-in",
      version: "0.1.0",
      node: "20.20.2",
    } as const;
    const events: RunEvent[] = [
      start,
      finished({ seconds: 12.07 }),
      finished({ outcome: "fail", iteration: 1, seconds: 12.07, log: "out/x.log" }),
      { type: "end", reason: "done", wallSeconds: 1.42 },
    ];
    for (const event of events) {
      count(tally, event);
      report(event);
    }
    const run = {
      v: 1,
      type: "run",
      test: "TestInitialElection2A",
      seconds: 12.07,
      realMs: 1,
      servers: 3,
      rpcs: 10,
      bytes: 1000,
      commands: 5,
    };
    const counts = { events: 100, traceHash: "0123456789abcdef" };
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { v: 1, ...start, tests: ["TestInitialElection2A"], loop: undefined, race: undefined },
      { ...run, ...counts, iteration: 0, seed: "0000000000000000", outcome: "pass" },
      {
        ...run,
        ...counts,
        iteration: 1,
        seed: "0000000000000001",
        outcome: "fail",
        reason: "the reason of 1",
        cause: "the cause",
        atMs: 1234.5,
        event: 17,
        log: "out/x.log",
      },
      {
        v: 1,
        type: "summary",
        passed: 1,
        failed: 1,
        interrupted: false,
        wallSeconds: 1.42,
        virtualSeconds: 24.14,
        tests: [{ test: "TestInitialElection2A", failed: 1, total: 2, mean: 12.07, sd: 0 }],
      },
    ]);
  });
});
