import type { ClockKind } from "@raft-stress/harness";
import { evidenceLines } from "@raft-stress/harness/results";
import type { EndReason } from "../events.ts";
import { type Goal, isShown, stoppedByFailures } from "../goal.ts";
import { processors } from "../load.ts";
import type { Evidence } from "../options.ts";
import type { Paints } from "../paint.ts";
import type { RunFailure } from "../run-result.ts";
import { cleanBound, cleanRunsToShowFix, confidence, formatInterval, formatPercent, runsNeeded, wilsonInterval } from "../stats.ts";
import type { CauseCount, Tally, TestTally } from "../tally.ts";
import { checkedLines, coverageLines, unreachedLines } from "./check-lines.ts";
import { grouped } from "./numbers.ts";
import { outlierLines } from "./outliers.ts";

export interface ClosingOptions {
  readonly clock: ClockKind;
  readonly reason: EndReason;
  readonly wallSeconds: number;
  readonly goal: Goal;
  /** A line for the end that the caller adds. */
  readonly comment: string | undefined;
  /** Point out runs unlike the others. */
  readonly stats?: boolean;
  /** The command line that makes one run again. */
  replayCommand(test: string, seed: string): string;
}

/** All that is printed below the table, a paragraph an element; the last one is the line `N passed, N failed` alone. */
export function closing(tally: Tally, options: ClosingOptions, paint: Paints): readonly string[] {
  const { goal, comment } = options;
  const failing = tally.tests.filter(({ failed }) => failed > 0);
  const clean = tally.tests.filter(({ failed, total }) => failed === 0 && total > 0);
  const last = `${tally.passed} passed, ${tally.failed} failed`;
  return [
    ...failing.map((test) => failureBlock(test, options, paint)),
    ...(options.stats ? outlierLines(tally) : []),
    ...unreachedLines(tally),
    ...(options.stats ? [coverageLines(tally) ?? []].flat() : []),
    ...(clean.length > 0 ? proof(clean, failing.length > 0) : []),
    ...(goal.evidence ? [evidenceLine(tally, goal.evidence)] : []),
    ...(tally.excused > 0 ? [excused(tally)] : []),
    ...[checkedLines(tally) ?? []].flat(),
    throughput(tally, options),
    ...(comment === undefined ? [] : [comment]),
    tally.failed > 0 ? paint.red(last) : paint.green(last),
  ];
}

function failureBlock(test: TestTally, options: ClosingOptions, paint: Paints): string {
  const causes = [...test.causes.values()].sort((a, b) => b.count - a.count);
  const lines = [`${paint.red(test.test.name)}: ${rate(test, options.goal.maxFailures)}`];
  for (const cause of causes) lines.push(...causeLines(test, cause, options));
  if (test.total > 1 && !stoppedByFailures(test, options.goal.maxFailures)) {
    const runs = cleanRunsToShowFix(test.failed, test.total);
    lines.push(`  ${runs} clean ${runs === 1 ? "run" : "runs"} after a change would show that it helped (p < 5%)`);
  }
  return lines.join("\n");
}

function rate(test: TestTally, maxFailures: number | undefined): string {
  const { failed, total, causes } = test;
  const firstAt = Math.min(...[...causes.values()].map((cause) => cause.firstAt));
  if (maxFailures === 1) return `first failure at run ${firstAt}`;
  if (stoppedByFailures(test, maxFailures)) return `${failed} failures in ${total} runs, the first at run ${firstAt}`;
  if (total === 1) return "failed";
  return `${failed} of ${total} failed, ${formatPercent(failed / total)} (95% interval ${formatInterval(wilsonInterval(failed, total))})`;
}

function causeLines(test: TestTally, found: CauseCount, options: ClosingOptions): readonly string[] {
  const { cause, count, first, log } = found;
  const { job, failure, external } = first;
  const reason = failure && failure.reason !== cause ? [`      ${failure.reason.replaceAll("\n", "\n      ")}`] : [];
  return [
    `  ${count} × ${cause}${share(found, test)}`,
    ...reason,
    ...(failure?.place === undefined ? [] : [`      at:     ${placeLine(failure)}`]),
    ...violation(failure),
    ...(failure?.notes ?? []).map((note) => `      note:   ${note}`),
    ...(found.underLoad > 0 ? [`      load:   ${loadLine(found)}`] : []),
    ...(log === undefined ? [] : [`      log:    ${log}`]),
    `      replay: ${options.replayCommand(test.test.name, job.seed)}`,
    ...(external ? [`      exactly: ${external.command}`] : []),
  ];
}

function placeLine({ place, event, atMs }: RunFailure): string {
  return event === undefined || atMs === undefined ? place! : `${place}, event ${event} at ${(atMs / 1000).toFixed(3)} s`;
}

/** The events that contradict each other, and where the paper says that they must not. */
function violation(failure: RunFailure | undefined): readonly string[] {
  if (failure?.evidence === undefined) return [];
  const lines = failure.evidence.flatMap((seen) => evidenceLines(seen)).map((line) => `        ${line}`);
  return failure.source === undefined ? lines : [...lines, `      see:    ${failure.source}`];
}

/** The rate of one cause, where it is not that of the test. */
function share({ count, first }: CauseCount, { failed, total }: TestTally): string {
  return first.external && count < failed && total > 1 ? `, ${formatPercent(count / total)} of the runs` : "";
}

function loadLine({ count, underLoad, first }: CauseCount): string {
  const all = count === 1 ? "it began" : underLoad === count ? `all ${count} began` : `${underLoad} of ${count} began`;
  const { load = 0, beside = 0 } = first.external ?? {};
  const many = processors === 1 ? "1 processor" : `${processors} processors`;
  return `${all} under load; the first at load ${load.toFixed(1)} on ${many}, with ${beside} runs beside it`;
}

/** Rates worth aiming at next. */
const ladder = [0.01, 0.001, 0.0001, 0.00001, 0.000001];

/** What the clean tests prove: the weakest of them counts. A single run proves nothing worth a line. */
function proof(clean: readonly TestTally[], someFailed: boolean): readonly string[] {
  const least = Math.min(...clean.map(({ total }) => total));
  const bound = cleanBound(least);
  if (least === 1) return [];
  const next = ladder.find((rate) => runsNeeded(rate) > least) ?? bound / 10;
  const who =
    clean.length === 1
      ? someFailed
        ? `${clean[0]!.test.name}: `
        : ""
      : `${someFailed ? "the other" : "all"} ${clean.length} tests, each: `;
  const more = runsNeeded(next) - least;
  return [
    `${who}0 of ${least}: failure rate below ${formatPercent(bound)} (${confidence * 100}%); ${more} more clean runs for ${formatPercent(next)}`,
  ];
}

function evidenceLine(tally: Tally, evidence: Evidence): string {
  const needed = runsNeeded(evidence.rate, evidence.confidence);
  if (isShown(tally, evidence)) return `shown: every test's failure rate is below ${evidence.text}`;
  const short = tally.tests.filter(({ failed, total }) => failed > 0 || total < needed);
  return `not shown: ${evidence.text} needs ${needed} clean runs of each test; ${short.length} of ${tally.tests.length} tests have not made them`;
}

function excused(tally: Tally): string {
  const runs = tally.excused === 1 ? "1 run" : `${tally.excused} runs`;
  return `${runs} passed on safety alone: the schedule left the test no fair chance to end (docs/determinism.md#checked-mode)`;
}

function throughput(tally: Tally, { clock, wallSeconds, reason }: ClosingOptions): string {
  const runs = tally.passed + tally.failed - tally.before;
  const seconds = tally.tests.reduce((sum, test) => sum + test.seconds.sum, 0) - tally.secondsBefore;
  const more = tally.before > 0 ? " more" : "";
  const earlier = tally.before > 0 ? `, beside ${tally.before} made before` : "";
  const made = `${runs}${more} ${runs === 1 ? "run" : "runs"} in ${wallSeconds.toFixed(2)} s${earlier}`;
  const perSecond = wallSeconds > 0 ? runs / wallSeconds : 0;
  const speed = wallSeconds > 0 ? seconds / wallSeconds : 0;
  const ended = reason === "interrupted" ? " (interrupted)" : reason === "deadline" ? " (ended by --for)" : "";
  if (clock === "real") return `${made}${ended}: ${seconds.toFixed(1)} s of test time, ${speed.toFixed(1)} runs side by side`;
  const pace = `${perSecond.toFixed(perSecond < 10 ? 1 : 0)} runs a second`;
  return `${made}${ended}: ${seconds.toFixed(1)} virtual s, ${grouped(speed)} times as fast as real time, ${pace}`;
}
