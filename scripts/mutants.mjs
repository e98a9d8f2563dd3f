// Which lab tests catch which one-line fault of the built-in Raft: writes docs/mutants.md to stdout.
//   node scripts/mutants.mjs [-n RUNS] [--keep DIR] [NAME...]
// -n RUNS     runs of each test, for each mutant (50)
// --keep DIR  leave the mutants in DIR, one directory each: `./raft-stress --raft DIR/NAME/index.js` runs one
// NAME...     these mutants only
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import * as harness from "../packages/harness/dist/index.js";
import { hunt, loadRaft, mutants, writeRaft } from "../packages/raft/mutants/index.mjs";

const { runs, keep, chosen } = readArguments();
const directory = keep ?? mkdtempSync(join(tmpdir(), "raft-mutants-"));
const tests = harness.labTests.map((test) => test.name);

try {
  const rows = [];
  await tryRaft("unmutated", undefined);
  for (const mutant of chosen) rows.push({ mutant, ...(await tryRaft(mutant.name, mutant)) });
  process.stdout.write(page(rows));
} finally {
  if (keep === undefined) rmSync(directory, { recursive: true, force: true });
}

function readArguments() {
  const options = { runs: { type: "string", short: "n", default: "50" }, keep: { type: "string" } };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  if (!/^[1-9]\d*$/.test(values.runs)) usage(`-n must be a whole number of at least 1, got '${values.runs}'`);
  for (const name of positionals) {
    if (!mutants.some((mutant) => mutant.name === name))
      usage(`no mutant is called '${name}'; there are ${mutants.map((mutant) => mutant.name).join(", ")}`);
  }
  const wanted = positionals.length === 0 ? mutants : mutants.filter((mutant) => positionals.includes(mutant.name));
  return { runs: Number(values.runs), keep: values.keep, chosen: wanted };
}

function usage(message) {
  process.stderr.write(`mutants: ${message}\n`);
  process.exit(2);
}

async function tryRaft(name, fault) {
  const copy = join(directory, name);
  mkdirSync(copy, { recursive: true });
  const makeRaft = await loadRaft(writeRaft(copy, fault));
  const result = await hunt({ harness, makeRaft, tests, runs });
  const [first] = result.findings;
  const verdict = first === undefined ? "not caught" : `caught by ${result.findings.length} tests, first by ${first.test}`;
  process.stderr.write(`${name}: ${verdict}; ${result.runs} runs, the longest ${result.slowestMs.toFixed(0)} ms\n`);
  if (fault === undefined && first !== undefined)
    throw new Error(`the unmutated Raft fails run ${first.run} of ${first.test}: ${first.cause}`);
  return result;
}

function page(rows) {
  const caught = rows.filter(({ findings }) => findings.length > 0);
  const missed = rows.filter(({ findings }) => findings.length === 0);
  const machine = `Node ${process.versions.node}, ${cpus()[0].model.trim()}`;
  return `# Mutants

Do the tests find faults? Each mutant is the built-in Raft with one line changed (packages/raft/mutants/faults.mjs). All ${tests.length} tests run in turn, up to
${runs} times each, until they have failed; the Raft without a fault passes them all. ${caught.length} of ${rows.length} mutants are caught. The tests of the repository hold on to
this: each test that is named for a mutant there must go on catching it.

This page is written, in a few minutes, by

    node scripts/mutants.mjs > docs/mutants.md

and \`node scripts/mutants.mjs --keep DIR NAME\` leaves a mutant in a directory, to be tried with \`./raft-stress --raft DIR/NAME/index.js TEST --seed 1 -n RUN\`.

## First caught

The first failed run of all, and the processor time until then, everything included from a cold start of that mutant's code (${machine}). With the outcome
\`crash\` it was one of the built-in Raft's own invariants that noticed, before the test did.

| mutant | what it does wrong | first caught by | run | outcome and cause | CPU s |
| --- | --- | --- | --: | --- | --: |
${caught.map(firstRow).join("\n")}

## Not caught by the lab tests

| mutant | what it does wrong | runs tried | why not, as far as it is understood |
| --- | --- | --: | --- |
${missed.map(({ mutant, runs: tried }) => `| ${mutant.name} | ${mutant.fault} | ${tried} | ${mutant.missedBecause ?? ""} |`).join("\n")}

## All tests

The first run, counted from 1, in which a test caught a mutant; \`·\`: not in ${runs} runs.

${matrix(caught)}
`;
}

function firstRow({ mutant, findings: [{ test, run, outcome, cause, cpuSeconds }] }) {
  return `| ${mutant.name} | ${mutant.fault} | ${test} | ${run} | ${outcome}: ${shorten(cause)} | ${cpuSeconds.toFixed(3)} |`;
}

function shorten(cause) {
  const inCell = cause.replaceAll("|", "\\|").replaceAll("\n", " ");
  return inCell.length <= 140 ? inCell : `${inCell.slice(0, 139)}…`;
}

/** A column for each test would be too wide under its name: they are numbered. */
function matrix(rows) {
  const width = Math.max(...rows.map(({ mutant }) => mutant.name.length));
  const line = (name, cells) => `    ${name.padEnd(width)} ${cells.map((cell) => String(cell).padStart(2)).join(" ")}`;
  const cells = ({ findings }) => tests.map((test) => findings.find((finding) => finding.test === test)?.run ?? "·");
  const body = rows.map((row) => line(row.mutant.name, cells(row)));
  const legend = tests.map((test, i) => `${i + 1} ${test}`).join(", ");
  return `${[
    line(
      "",
      [...tests.keys()].map((i) => i + 1),
    ),
    ...body,
  ].join("\n")}\n\n${legend}.`;
}
