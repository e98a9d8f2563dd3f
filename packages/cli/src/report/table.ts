import Table from "cli-table3";
import { stoppedByFailures } from "../goal.ts";
import type { Paints } from "../paint.ts";
import { cleanBound, formatInterval, formatPercent, type Moments, wilsonInterval } from "../stats.ts";
import { type LabCount, labCounts, type Tally, type TestTally } from "../tally.ts";

export interface TableOptions {
  /** Real, User and System time beside the test's own. */
  readonly timing: boolean;
  /** Decimals of those three: a virtual run takes a millisecond. */
  readonly timingDecimals: number;
  readonly stats: boolean;
  /** With `stats`: what the tester of a Go lab prints of its runs, if it does. */
  readonly lab?: boolean;
  readonly maxFailures: number | undefined;
}

interface Column {
  readonly heading: string;
  cell(test: TestTally): string;
}

/** The box that users of dstest.py know: heavy lines around the head, light ones below. */
const box = {
  top: "━",
  "top-left": "┏",
  "top-mid": "┳",
  "top-right": "┓",
  left: "│",
  middle: "│",
  right: "│",
  mid: "━",
  "left-mid": "┡",
  "mid-mid": "╇",
  "right-mid": "┩",
  bottom: "─",
  "bottom-left": "└",
  "bottom-mid": "┴",
  "bottom-right": "┘",
};
const headBars = { left: "┃", middle: "┃", right: "┃" };
const nothing = "-";

/** One row per test; without a newline at the end. */
export function renderTable(tally: Tally, options: TableOptions, paint: Paints): string {
  const shown = columns(tally, options, paint);
  const table = new Table({
    chars: box,
    // cli-table3 takes cells with their own bars in the head too; its types do not say so.
    head: shown.map(({ heading }) => ({ content: paint.bold(heading), chars: headBars })) as unknown as string[],
    colAligns: shown.map((_, index) => (index === 0 ? "left" : "right")),
    // Compact: the rule `mid` is drawn once, below the head. Its own colours would go into files too.
    style: { compact: true, head: [], border: [] },
  });
  for (const test of tally.tests) table.push(shown.map((column) => column.cell(test)));
  return table.toString();
}

function columns(tally: Tally, options: TableOptions, paint: Paints): readonly Column[] {
  return [
    { heading: "Test", cell: (test) => paintName(test, paint) },
    { heading: "Failed", cell: (test) => String(test.failed) },
    { heading: "Total", cell: (test) => String(test.total) },
    { heading: "Time", cell: ({ seconds }) => meanAndDeviation(seconds, 2) },
    ...(options.timing ? timingColumns(options.timingDecimals) : []),
    ...(options.stats ? statsColumns(options.maxFailures) : []),
    ...(options.stats && options.lab ? labColumns(tally) : []),
  ];
}

const labHeadings: Readonly<Record<LabCount, string>> = { servers: "Servers", rpcs: "RPCs", bytes: "Bytes", commands: "Commands" };

/** Of the numbers that any run has told: the testers of the course years differ. */
function labColumns({ tests }: Tally): readonly Column[] {
  const told = labCounts.filter((name) => tests.some(({ lab }) => lab[name].count > 0));
  return told.map((name) => ({
    heading: labHeadings[name],
    cell: ({ lab }) => (name === "servers" ? meanAlone(lab[name]) : meanAndDeviation(lab[name], 0)),
  }));
}

function meanAlone({ count, mean }: Moments): string {
  return count === 0 ? nothing : String(Number(mean.toFixed(1)));
}

function paintName({ test, failed, total }: TestTally, paint: Paints): string {
  if (total === 0) return test.name;
  return failed > 0 ? paint.red(test.name) : paint.green(test.name);
}

function timingColumns(decimals: number): readonly Column[] {
  return [
    { heading: "Real Time", cell: ({ real }) => meanAndDeviation(real, decimals) },
    { heading: "User Time", cell: ({ user }) => meanAndDeviation(user, decimals) },
    { heading: "System Time", cell: ({ system }) => meanAndDeviation(system, decimals) },
  ];
}

function statsColumns(maxFailures: number | undefined): readonly Column[] {
  const percentile = (share: number) => (test: TestTally) => test.histogram.percentile(share)?.toFixed(2) ?? nothing;
  return [
    { heading: "Rate (95%)", cell: (test) => (stoppedByFailures(test, maxFailures) ? nothing : rateCell(test)) },
    { heading: "p50", cell: percentile(0.5) },
    { heading: "p95", cell: percentile(0.95) },
    { heading: "max", cell: ({ seconds }) => (seconds.count === 0 ? nothing : seconds.max.toFixed(2)) },
  ];
}

function rateCell({ failed, total }: TestTally): string {
  if (total === 0) return nothing;
  if (failed === 0) return `< ${formatPercent(cleanBound(total))}`;
  return `${formatPercent(failed / total)} (${formatInterval(wilsonInterval(failed, total))})`;
}

function meanAndDeviation(moments: Moments, decimals: number): string {
  return moments.count === 0 ? nothing : `${moments.mean.toFixed(decimals)} ± ${moments.deviation.toFixed(decimals)}`;
}
