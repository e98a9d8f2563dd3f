import { byFrequency, figures, goalCpuSeconds, goalShare, judge, mutantsOfProperties, noticedBy } from "./verdict.mjs";

/** @typedef {import("./index.mjs").Row} Row */
/** @typedef {import("./index.mjs").PageInput} PageInput */

/**
 * docs/mutants.md.
 * @param {PageInput} input
 */
export function page({ styles, columns, properties, rows, unmutated, seeds, budgetCpuSeconds, machine }) {
  const all = [...new Map(styles.flatMap(({ mutants }) => mutants.map((mutant) => [`${mutant.area} ${mutant.name}`, mutant]))).values()];
  return `# Mutants

Do the tests find faults? Each mutant is a Raft with one line changed. ${all.length} of them, ${all.filter(({ rare }) => rare).length} of which show in rare interleavings only, are looked for in ${columns.length} ways, each a
column of the tables: ${columns.map(({ title, tests }) => `**${title}** (${tests.length} tests)`).join(", ")}. In each, all tests run in turn, one run each, round after round, until a run fails or ${budgetCpuSeconds} seconds of
processor time are spent; that with ${seeds.length} seeds.

This page, and mutants.tsv beside it, are written by

    pnpm mutants --write

Without \`--write\` the command measures and compares: it fails when a mutant that was caught is caught no more, when a Raft without a fault fails anything, or when the canary lives, a mutant
that everything must catch in its first run. \`pnpm mutants --keep DIR NAME\` leaves a mutant in a directory, to be tried with \`./raft-stress --raft DIR/STYLE/NAME TEST --seed SEED -n RUN\`.

The styles: ${styles.map(({ name, raft }) => `**${name}**, ${raft}`).join("; ")}. The built-in Raft's own assertions are switched off in both: what is caught here, the harness has caught, or the Raft could not go on.

## Summary

${summary(columns, styles, rows)}

${goals(rows, properties)}

False alarms: none. ${unmutatedSentence(columns, unmutated)}

${propertiesTable(properties, rows)}
${styles.map((style) => styleSection(style, columns, rows)).join("")}
## The faults

${faultLists(all)}

*Measured with Node ${process.versions.node} on ${machine}. A time is the median, over the seeds, of the processor time from the first run to the first failure, everything included: the first seed's hunt
begins with cold code. ${goalCpuSeconds} s is the goal for ${Math.round(100 * goalShare)} of 100 mutants.*
`;
}

/**
 * The sentences about the goals; also for the terminal.
 * @param {readonly Row[]} rows
 * @param {readonly string[]} properties
 */
export function goals(rows, properties) {
  const { faults, escaped, slow, quickShare, idleProperties, caughtThoughEquivalent } = judge(rows, properties);
  const list = (names) => (names.length === 0 ? "none" : names.join(", "));
  const lines = [
    `- Caught: ${faults - escaped.length} of ${faults} (goal: all). Not caught: ${list(escaped)}.`,
    `- Within ${goalCpuSeconds} s of processor time: ${(100 * quickShare).toFixed(1)} % (goal: ${100 * goalShare} %). Caught, but slower: ${list(slow)}.`,
  ];
  if (properties.length > 0) {
    lines.push(
      `- Properties that catch at least one mutant before anything else does: ${properties.length - idleProperties.length} of ${properties.length} (goal: all). The others: ${list(idleProperties)}.`,
    );
  }
  if (caughtThoughEquivalent.length > 0) lines.push(`- Caught, though said to be no fault: ${list(caughtThoughEquivalent)}.`);
  return lines.join("\n");
}

function summary(columns, styles, rows) {
  const line = (style, mutants, cells) => `| ${[style, mutants, ...cells].join(" | ")} |`;
  const titles = columns.map(({ title }) => `${title}: caught, within ${goalCpuSeconds} s, median s`);
  const lines = styles.flatMap(({ name }) => {
    const faults = rows.filter((row) => row.style === name && row.mutant.equivalent === undefined);
    const rare = faults.filter(({ mutant }) => mutant.rare);
    return [line(name, faults.length, cellsOf(columns, faults)), line(`${name}, the rare ones`, rare.length, cellsOf(columns, rare))];
  });
  return [line("style", "mutants", titles), `| --- | --: |${columns.map(() => " --: |").join("")}`, ...lines].join("\n");
}

function cellsOf(columns, rows) {
  return columns.map(({ name }) => {
    const found = rows.map((row) => figures(row.columns[name] ?? []));
    const quick = found.filter(({ cpuSeconds }) => cpuSeconds <= goalCpuSeconds);
    const times = found.map(({ cpuSeconds }) => cpuSeconds).toSorted((a, b) => a - b);
    return `${found.filter(({ caught }) => caught).length}, ${quick.length}, ${showSeconds(times[Math.floor(times.length / 2)] ?? Infinity)}`;
  });
}

function unmutatedSentence(columns, unmutated) {
  const total = (name, key) => unmutated.flatMap((row) => row.columns[name] ?? []).reduce((sum, detection) => sum + detection[key], 0);
  const parts = columns.map(
    ({ name, title }) => `${total(name, "runs").toLocaleString("en")} runs (${Math.round(total(name, "cpuSeconds"))} s) of the ${title}`,
  );
  return `The Rafts without a fault passed ${parts.join(", ")}.`;
}

function propertiesTable(properties, rows) {
  if (properties.length === 0) return "";
  const noticing = mutantsOfProperties(rows);
  const line = (property) => {
    const mutants = [...(noticing.get(property) ?? [])];
    return `| ${property} | ${mutants.length} | ${mutants.slice(0, 4).join(", ")}${mutants.length > 4 ? ", ..." : ""} |`;
  };
  return `### What each property catches first\n\n| property | mutants | such as |\n| --- | --: | --- |\n${properties.map(line).join("\n")}\n`;
}

function styleSection({ name, raft }, columns, rows) {
  const mine = rows.filter(({ style }) => style === name);
  const row = ({ mutant, columns: detections }) => {
    const cells = columns.map((column) => cell(detections[column.name] ?? []));
    return `| ${[mutant.rare ? `${mutant.name} *` : mutant.name, ...cells, noticedCell(columns, detections, mutant)].join(" | ")} |`;
  };
  return `
## ${name}: ${raft}

Processor seconds to the first failure and, in brackets, its number among all runs; * shows in rare interleavings only; \`-\`: not found.

| mutant | ${columns.map(({ title }) => title).join(" | ")} | noticed by |
| --- |${columns.map(() => " --: |").join("")} --- |
${mine.map(row).join("\n")}
`;
}

function cell(detections) {
  const { found, tried, runs, cpuSeconds } = figures(detections);
  if (found === 0) return "-";
  if (cpuSeconds === Infinity) return `${found} of ${tried} seeds`;
  return `${showSeconds(cpuSeconds)} (${runs})`;
}

/** What notices it in the column that finds it soonest. */
function noticedCell(columns, detections, mutant) {
  if (mutant.equivalent !== undefined) return `*no fault: ${mutant.equivalent}*`;
  const soonest = columns.toSorted((a, b) => figures(detections[a.name] ?? []).cpuSeconds - figures(detections[b.name] ?? []).cpuSeconds);
  const [best] = soonest.filter(({ name }) => figures(detections[name] ?? []).caught);
  if (best === undefined) return mutant.escapesBecause ?? "";
  const tests = byFrequency(detections[best.name].flatMap(({ finding }) => (finding === undefined ? [] : [finding.test])));
  return `${shorten(noticedBy(detections[best.name])[0])}, in ${tests[0]}`;
}

function shorten(text) {
  const inCell = text.replaceAll("|", "\\|").replaceAll(/\s+/g, " ");
  return inCell.length <= 110 ? inCell : `${inCell.slice(0, 109)}…`;
}

function showSeconds(seconds) {
  return seconds === Infinity ? "-" : seconds.toFixed(2);
}

function faultLists(mutants) {
  const byArea = groupByArea(mutants);
  return [...byArea].map(([area, list]) => `### ${area}\n\n${list.map(faultLine).join("\n")}\n`).join("\n");
}

function groupByArea(mutants) {
  const groups = new Map();
  for (const mutant of mutants) groups.set(mutant.area, [...(groups.get(mutant.area) ?? []), mutant]);
  return groups;
}

function faultLine({ name, fault, rare, styles }) {
  const only = styles === undefined ? "" : ` (only ${styles.join(" and ")})`;
  return `- **${name}**${rare ? " *" : ""}: ${fault}${only}`;
}
