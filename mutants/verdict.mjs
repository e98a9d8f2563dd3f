/** @typedef {import("./index.mjs").Row} Row */
/** @typedef {import("./index.mjs").Detection} Detection */

/** Nine of ten mutants should be caught within so much processor time, by the median over the seeds. */
export const goalCpuSeconds = 5;
export const goalShare = 0.9;

/**
 * The middle one of the numbers; of an even number of them the higher one of the two in the middle. Infinity stands for never.
 * @param {readonly number[]} numbers
 */
function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Infinity;
}

/**
 * What the hunts of one column with all seeds come to. Seeds that were left out, because the median was known, found nothing.
 * @param {readonly Detection[]} detections
 */
export function figures(detections) {
  const found = detections.filter(({ finding }) => finding !== undefined);
  const of = (key) => median(detections.map((detection) => (detection.finding === undefined ? Infinity : detection[key])));
  return { caught: found.length > 0, found: found.length, tried: detections.length, runs: of("runs"), cpuSeconds: of("cpuSeconds") };
}

/**
 * @param {Row} row
 * @returns {boolean}
 */
function isCaught(row) {
  return Object.values(row.columns).some((detections) => figures(detections).caught);
}

/**
 * The lowest median processor time of all columns.
 * @param {Row} row
 */
function bestCpuSeconds(row) {
  return Math.min(...Object.values(row.columns).map((detections) => figures(detections).cpuSeconds));
}

/**
 * What noticed the fault, by the hunts that found it: properties by their name, everything else by its cause; most frequent first.
 * @param {readonly Detection[]} detections
 * @returns {readonly string[]}
 */
export function noticedBy(detections) {
  return byFrequency(detections.flatMap(({ finding }) => (finding === undefined ? [] : [finding.property ?? finding.cause])));
}

/** @param {readonly string[]} names */
export function byFrequency(names) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].toSorted(([, a], [, b]) => b - a).map(([name]) => name);
}

/**
 * Which mutants each property catches first, in any column, with any seed.
 * @param {readonly Row[]} rows
 * @returns {ReadonlyMap<string, ReadonlySet<string>>}
 */
export function mutantsOfProperties(rows) {
  /** @type {Map<string, Set<string>>} */
  const mutants = new Map();
  for (const { mutant, columns } of rows) {
    for (const { finding } of Object.values(columns).flat()) {
      if (finding?.property === undefined) continue;
      mutants.set(finding.property, (mutants.get(finding.property) ?? new Set()).add(mutant.name));
    }
  }
  return mutants;
}

/**
 * How the rows stand to the goals: what escapes, what takes too long, which properties catch nothing first. Mutants that are no fault count for nothing.
 * @param {readonly Row[]} rows
 * @param {readonly string[]} properties
 */
export function judge(rows, properties) {
  const faults = rows.filter(({ mutant }) => mutant.equivalent === undefined);
  const escaped = faults.filter((row) => !isCaught(row));
  const quick = faults.filter((row) => bestCpuSeconds(row) <= goalCpuSeconds);
  const slow = faults.filter((row) => isCaught(row) && !quick.includes(row));
  const noticing = mutantsOfProperties(rows);
  const namesOf = (some) => namesAmong(some, rows);
  return {
    faults: faults.length,
    escaped: namesOf(escaped),
    slow: namesOf(slow),
    quickShare: faults.length === 0 ? 1 : quick.length / faults.length,
    idleProperties: properties.filter((property) => !noticing.has(property)),
    caughtThoughEquivalent: namesOf(rows.filter((row) => row.mutant.equivalent !== undefined && isCaught(row))),
  };
}

/**
 * The rows' mutants by name, with their style where not all styles' mutants of that name are among them.
 * @param {readonly Row[]} some
 * @param {readonly Row[]} all
 */
function namesAmong(some, all) {
  const count = (rows, name) => rows.filter(({ mutant }) => mutant.name === name).length;
  return [...new Set(some.map((row) => (count(some, row.mutant.name) === count(all, row.mutant.name) ? row.mutant.name : nameOf(row))))];
}

/** @param {Row} row */
function nameOf({ style, mutant }) {
  return `${mutant.name} (${style})`;
}

/**
 * What must never be: a canary that lives, an alarm about a Raft without a fault, a mutant that was caught before and is no longer.
 * @param {{ canaries: readonly Row[]; unmutated: readonly Row[]; rows: readonly Row[]; caughtBefore: (row: Row) => boolean }} measured
 * @returns {readonly string[]}
 */
export function faultsOfTheHarness({ canaries, unmutated, rows, caughtBefore }) {
  const messages = [];
  for (const { style, columns } of canaries) {
    for (const [column, [first]] of Object.entries(columns)) {
      if (first.finding === undefined)
        messages.push(`the canary of style ${style} lives: column '${column}' made ${first.runs} runs of it and all passed`);
      else if (first.runs > 1)
        messages.push(`the canary of style ${style} was caught by column '${column}' in run ${first.runs} only, expected in the first`);
    }
  }
  for (const { style, columns } of unmutated) {
    for (const [column, detections] of Object.entries(columns)) {
      for (const { seed, finding } of detections) {
        if (finding === undefined) continue;
        const { test, run, outcome, property, cause } = finding;
        const what = property === undefined ? cause : `${property}: ${cause}`;
        messages.push(
          `false alarm in column '${column}': style ${style} without a fault fails run ${run} of ${test} with seed ${seed} (${outcome}: ${what})`,
        );
      }
    }
  }
  for (const row of rows) {
    if (row.mutant.equivalent === undefined && caughtBefore(row) && !isCaught(row))
      messages.push(`${nameOf(row)} was caught before and is no longer`);
  }
  return messages;
}
