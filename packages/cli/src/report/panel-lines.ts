import { formatElapsed } from "../durations.ts";
import type { Paints } from "../paint.ts";
import { isFinished, type ProgressView, remainingMs, totalDone, totalExpected } from "./view.ts";

export interface PanelSize {
  readonly columns: number;
  readonly rows: number;
}

const widestBar = 40;
const narrowestBar = 6;
const widestName = 34;
const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/** The total, without the spinner that goes before it. Fits in `columns`. */
export function totalLine(view: ProgressView, columns: number, paint: Paints): string {
  const done = totalDone(view);
  const expected = totalExpected(view);
  const share = expected === 0 ? 0 : done / expected;
  const remaining = remainingMs(view);
  const left = remaining === undefined ? "-:--:--" : formatElapsed(remaining);
  const text = ` ${formatElapsed(view.elapsedMs())} ${left} ${String(Math.floor(share * 100)).padStart(3)}%`;
  const title = "Tests ";
  const width = Math.min(widestBar, columns - title.length - text.length);
  const bar = width >= narrowestBar ? drawBar(share, width, view.tally.failed > 0, paint) : "";
  return `${title}${bar}${text}`;
}

/** A line for each test, as many as there is room for; the rest is counted in the last line. */
export function testLines(view: ProgressView, { columns, rows }: PanelSize, frame: number, paint: Paints): readonly string[] {
  const { tests } = view.tally;
  const indexes = [...tests.keys()];
  const room = Math.max(1, rows - 4);
  const shown = indexes.length <= room ? indexes : mostTelling(view, indexes, room - 1);
  const nameWidth = Math.min(widestName, Math.max(8, columns - 26), Math.max(...shown.map((index) => tests[index]!.test.name.length)));
  const countWidth = Math.max(...shown.map((index) => counts(view, index).length));
  const lines = shown.map((index) => testLine(view, index, { columns, nameWidth, countWidth, frame }, paint));
  if (shown.length < indexes.length) lines.push(paint.dim(`  … ${indexes.length - shown.length} more`));
  return lines;
}

/** Tests with failures, then those that are still to come, then the finished ones; shown in their own order. */
function mostTelling(view: ProgressView, indexes: readonly number[], room: number): readonly number[] {
  const rank = (index: number) => (view.tally.tests[index]!.failed > 0 ? 0 : isFinished(view, index) ? 2 : 1);
  return indexes
    .toSorted((a, b) => rank(a) - rank(b) || a - b)
    .slice(0, Math.max(1, room))
    .toSorted((a, b) => a - b);
}

interface LineLayout {
  readonly columns: number;
  readonly nameWidth: number;
  readonly countWidth: number;
  readonly frame: number;
}

function counts(view: ProgressView, index: number): string {
  return `${view.tally.tests[index]!.total}/${view.expected(index)}`;
}

function testLine(view: ProgressView, index: number, layout: LineLayout, paint: Paints): string {
  const { test, total, failed } = view.tally.tests[index]!;
  const finished = isFinished(view, index);
  const expected = view.expected(index);
  const name = test.name.length > layout.nameWidth ? `${test.name.slice(0, layout.nameWidth - 1)}…` : test.name.padEnd(layout.nameWidth);
  const failures = failed > 0 ? ` ${failed} failed` : "";
  const count = counts(view, index).padStart(layout.countWidth);
  const rest = layout.columns - layout.nameWidth - count.length - " 9999 failed".length - 4;
  const bar =
    rest >= narrowestBar ? ` ${drawBar(expected === 0 ? 1 : total / expected, Math.min(widestBar, rest), failed > 0, paint)}` : "";
  const mark = finished ? (failed > 0 ? paint.red("✗") : paint.green("✓")) : frames[(layout.frame + index) % frames.length]!;
  const painted = failed > 0 ? paint.red(name) : finished ? paint.green(name) : name;
  return `${mark} ${painted}${bar} ${count}${paint.red(failures)}`;
}

/** Without colours, done and to do differ in shape. */
function drawBar(share: number, width: number, failed: boolean, paint: Paints): string {
  const done = Math.round(Math.min(1, Math.max(0, share)) * width);
  if (!paint.on) return "━".repeat(done) + "·".repeat(width - done);
  const colour = failed ? paint.red : paint.green;
  return colour("━".repeat(done)) + paint.dim("━".repeat(width - done));
}
