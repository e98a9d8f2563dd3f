/** @typedef {import("./index.mjs").Row} Row */
/** @typedef {import("./index.mjs").Recorded} Recorded */

/** docs/mutants.tsv: what was measured last, a line for each style, mutant and column, to hold the next measurement against. */
const heading = ["style", "mutant", "column", "runs by seed", "CPU s by seed", "first failure with the first seed that finds one"].join(
  "\t",
);

/** @param {readonly Row[]} rows */
export function writeRecord(rows) {
  const lines = rows.flatMap(({ style, mutant, columns }) =>
    Object.entries(columns).map(([column, detections]) => {
      const runs = detections.map(({ seed, runs: count, finding }) => `${seed}:${finding === undefined ? "-" : count}`);
      const cpuSeconds = detections.map((detection) => detection.cpuSeconds.toFixed(2));
      const finding = detections.find((detection) => detection.finding !== undefined)?.finding;
      const what = finding === undefined ? "-" : `${finding.test} ${finding.run} ${finding.outcome}: ${finding.property ?? finding.cause}`;
      return [style, mutant.name, column, runs.join(" "), cpuSeconds.join(" "), what.replaceAll(/\s+/g, " ")].join("\t");
    }),
  );
  return `${[heading, ...lines].join("\n")}\n`;
}

/**
 * The inverse, as far as the next measurement needs it. Lines that are none of ours are passed over: mutants come and go.
 * @param {string} text
 * @returns {Recorded}
 */
export function readRecord(text) {
  /** @type {Map<string, Record<string, Record<number, number>>>} */
  const found = new Map();
  for (const line of text.split("\n").slice(1)) {
    const [style, mutant, column, runs] = line.split("\t");
    if (runs === undefined) continue;
    const bySeed = runs.split(" ").flatMap((cell) => {
      const [seed, count] = cell.split(":").map(Number);
      return Number.isSafeInteger(count) ? [[seed, count]] : [];
    });
    if (bySeed.length === 0) continue;
    const key = keyOf(style, mutant);
    found.set(key, { ...found.get(key), [column]: Object.fromEntries(bySeed) });
  }
  return { leastRuns: (style, mutant) => found.get(keyOf(style, mutant)) };
}

/**
 * @param {string} style
 * @param {string} mutant
 */
function keyOf(style, mutant) {
  return `${style} ${mutant}`;
}
