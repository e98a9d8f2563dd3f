// `pnpm mutants`, the benchmark of the harness: how soon do the tests catch one-line faults of a Raft?
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { columnsOf } from "../mutants/columns.mjs";
import { goals, page } from "../mutants/page.mjs";
import { measureAll } from "../mutants/processes.mjs";
import { readRecord, writeRecord } from "../mutants/record.mjs";
import { styles } from "../mutants/styles.mjs";
import { faultsOfTheHarness, figures } from "../mutants/verdict.mjs";
import * as harness from "../packages/harness/dist/index.js";

/** A Raft without a fault is tried for so many budgets in each column: a false alarm would be worse than an escape. */
const budgetsWithoutFault = 10;

/** The two ways of replication; the page is about them at least. */
const usualStyles = ["at-once", "batched"];

const help = `usage: pnpm mutants [--write] [--style STYLE]... [--seeds N] [--budget CPU_SECONDS] [--keep DIR] [NAME...]

Measures how soon one-line faults of a Raft are found, and holds that against docs/mutants.tsv. Exit code 1 when the harness itself is at fault: the canary lives, a Raft
without a fault fails a run, or a mutant that was caught is caught no more.

  --write         put what was measured into docs/mutants.md and docs/mutants.tsv instead
  --style STYLE   one of ${styles.map(({ name }) => name).join(", ")}; may be repeated; ${usualStyles.join(" and ")} unless given
  --seeds N       look for each mutant with so many seeds (3)
  --budget S      for so many seconds of processor time with each (5)
  --keep DIR      leave the mutants in DIR, one directory each: ./raft-stress --raft DIR/STYLE/NAME TEST runs one
  NAME...         these mutants only, and the Rafts without a fault for one budget rather than ${budgetsWithoutFault}
`;

const pageFile = fileURLToPath(new URL("../docs/mutants.md", import.meta.url));
const recordFile = fileURLToPath(new URL("../docs/mutants.tsv", import.meta.url));

const { write, seeds, budgetCpuSeconds, keep, names, chosen } = readArguments();
const columns = columnsOf(harness);
const properties = Object.values(harness.properties).map(({ name }) => name);
const recorded = readRecord(existsSync(recordFile) ? readFileSync(recordFile, "utf8") : "");
const directory = keep ?? mkdtempSync(join(tmpdir(), "raft-mutants-"));

try {
  const measured = await measureChosen();
  report(measured);
} finally {
  if (keep === undefined) rmSync(directory, { recursive: true, force: true });
}

function readArguments() {
  const options = {
    write: { type: "boolean", default: false },
    style: { type: "string", multiple: true, default: usualStyles },
    seeds: { type: "string", default: "3" },
    budget: { type: "string", default: "5" },
    keep: { type: "string" },
    help: { type: "boolean", short: "h", default: false },
  };
  const { values, positionals } = parse({ options, allowPositionals: true });
  if (values.help) {
    process.stdout.write(help);
    process.exit(0);
  }
  if (!/^[1-9]\d?$/.test(values.seeds)) usage(`--seeds must be a whole number from 1 to 99, got '${values.seeds}'`);
  const budget = Number(values.budget);
  if (!(budget > 0 && budget <= 3600)) usage(`--budget must be a number of seconds, more than 0 and at most 3600, got '${values.budget}'`);
  const known = styles.map(({ name }) => name);
  for (const name of values.style) if (!known.includes(name)) usage(`--style must be one of ${known.join(", ")}, got '${name}'`);
  const wanted = styles.filter(({ name }) => values.style.includes(name));
  const mutants = new Set(wanted.flatMap((style) => style.mutants.map(({ name }) => name)));
  for (const name of positionals) if (!mutants.has(name)) usage(`no mutant is called '${name}'; there are ${[...mutants].join(", ")}`);
  if (values.write && positionals.length > 0) usage("--write needs all mutants, got names of some");
  if (values.write && !usualStyles.every((name) => values.style.includes(name))) {
    usage(`--write needs the styles ${usualStyles.join(" and ")}, got ${values.style.join(" and ")}`);
  }
  return {
    write: values.write,
    seeds: Array.from({ length: Number(values.seeds) }, (_, i) => i + 1),
    budgetCpuSeconds: budget,
    keep: values.keep,
    names: positionals,
    chosen: wanted,
  };
}

function parse(config) {
  try {
    return parseArgs(config);
  } catch (error) {
    return usage(error.message);
  }
}

function usage(message) {
  process.stderr.write(`mutants: ${message}; --help shows how it is used\n`);
  process.exit(2);
}

/** The longest first, so that no processor is idle at the end. */
async function measureChosen() {
  const canaries = chosen.map((style) => ({ style, mutant: style.canary, seeds: [1], budget: budgetCpuSeconds }));
  const unmutated = chosen.flatMap((style) =>
    columns.map(({ name }) => ({
      style,
      column: name,
      seeds: [1],
      budget: (names.length === 0 ? budgetsWithoutFault : 1) * budgetCpuSeconds,
    })),
  );
  const mutants = chosen.flatMap((style) =>
    style.mutants
      .filter(({ name }) => names.length === 0 || names.includes(name))
      .map((mutant) => ({ style, mutant, seeds, budget: budgetCpuSeconds, leastRuns: recorded.leastRuns(style.name, mutant.name) })),
  );
  const work = [...canaries, ...unmutated, ...mutants];
  /** What each task came to, in the order of the work. */
  const results = new Map();
  const tasks = work.map(({ style, mutant, column, seeds: taskSeeds, budget, leastRuns }, number) => ({
    number,
    style: style.name,
    mutant: mutant?.name,
    columns: column === undefined ? columns.map(({ name }) => name) : [column],
    seeds: taskSeeds,
    budgetCpuSeconds: budget,
    leastRuns,
    directory: column === undefined ? directory : join(directory, `unmutated-${column}`),
  }));
  await measureAll(tasks, availableParallelism(), (task, measured) => {
    results.set(task.number, measured);
    process.stderr.write(
      `[${results.size}/${tasks.length}] ${task.style} ${task.mutant ?? "without a fault"}: ${progressCells(measured)}\n`,
    );
  });
  const rowOf = (item) => ({ style: item.style.name, mutant: item.mutant, columns: results.get(work.indexOf(item)) });
  return { canaries: canaries.map(rowOf), unmutated: unmutated.map(rowOf), rows: mutants.map(rowOf) };
}

function progressCells(measured) {
  const cells = Object.entries(measured).map(([column, detections]) => {
    const { found, tried, cpuSeconds } = figures(detections);
    if (found === 0) return `${column} -`;
    return `${column} ${cpuSeconds === Infinity ? `${found} of ${tried} seeds` : `${cpuSeconds.toFixed(2)} s`}`;
  });
  return cells.join(", ");
}

function report({ canaries, unmutated, rows }) {
  const caughtBefore = ({ style, mutant }) => !write && recorded.leastRuns(style, mutant.name) !== undefined;
  const messages = faultsOfTheHarness({ canaries, unmutated, rows, caughtBefore });
  process.stdout.write(`${goals(rows, properties)}\n`);
  for (const message of messages) process.stderr.write(`mutants: ${message}\n`);
  if (messages.length > 0) {
    process.exitCode = 1;
    return;
  }
  if (!write) return;
  const machine = cpus()[0].model.trim();
  writeFileSync(pageFile, page({ styles: chosen, columns, properties, rows, unmutated, seeds, budgetCpuSeconds, machine }));
  writeFileSync(recordFile, writeRecord(rows));
  process.stdout.write("written: docs/mutants.md, docs/mutants.tsv\n");
}
