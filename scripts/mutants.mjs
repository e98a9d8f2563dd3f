// Which lab tests catch which one-line fault of a Raft, for Rafts of two styles: writes docs/mutants.md to stdout.
//   node scripts/mutants.mjs [-n RUNS] [--style STYLE] [--keep DIR] [NAME...]
// -n RUNS        runs of each test, for each mutant (50)
// --style STYLE  built-in or lab-style; both unless given
// --keep DIR     leave the mutants in DIR, one directory each: `./raft-stress --raft DIR/STYLE/NAME TEST` runs one
// NAME...        these mutants only
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { builtIn, hunt, importRaft, inThisThread, labStyle, writeRaft } from "../mutants/index.mjs";
import { bundle, RaftThread } from "../packages/cli/testing/raft-thread.mjs";
import * as harness from "../packages/harness/dist/index.js";

const styles = [builtIn, labStyle];
const { runs, keep, chosen } = readArguments();
const directory = keep ?? mkdtempSync(join(tmpdir(), "raft-mutants-"));
const tests = harness.labTests.map((test) => test.name);

try {
  const sections = [];
  for (const { style, mutants } of chosen) {
    const rows = [];
    await tryRaft(style, "unmutated", undefined);
    for (const mutant of mutants) rows.push({ mutant, ...(await tryRaft(style, mutant.name, mutant)) });
    sections.push(section(style, rows));
  }
  process.stdout.write(page(sections));
} finally {
  if (keep === undefined) rmSync(directory, { recursive: true, force: true });
}

function readArguments() {
  const options = { runs: { type: "string", short: "n", default: "50" }, style: { type: "string" }, keep: { type: "string" } };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  if (!/^[1-9]\d*$/.test(values.runs)) usage(`-n must be a whole number of at least 1, got '${values.runs}'`);
  const wanted = styles.filter(({ name }) => values.style === undefined || values.style === name);
  if (wanted.length === 0) usage(`--style must be ${styles.map(({ name }) => name).join(" or ")}, got '${values.style}'`);
  const known = new Set(wanted.flatMap(({ mutants }) => mutants.map(({ name }) => name)));
  for (const name of positionals) {
    if (!known.has(name)) usage(`no mutant is called '${name}'; there are ${[...known].join(", ")}`);
  }
  const isWanted = ({ name }) => positionals.length === 0 || positionals.includes(name);
  return {
    runs: Number(values.runs),
    keep: values.keep,
    chosen: wanted.map((style) => ({ style, mutants: style.mutants.filter(isWanted) })),
  };
}

function usage(message) {
  process.stderr.write(`mutants: ${message}\n`);
  process.exit(2);
}

async function tryRaft(style, name, fault) {
  const { runJob, close } = await load(style, writeRaft(style, join(directory, style.name, name), fault));
  const result = await hunt({ harness, runJob, tests, runs }).finally(close);
  const [first] = result.findings;
  const verdict = first === undefined ? "not caught" : `caught by ${result.findings.length} tests, first by ${first.test}`;
  process.stderr.write(`${style.name} ${name}: ${verdict}; ${result.runs} runs, the longest ${result.slowestMs.toFixed(0)} ms\n`);
  if (fault === undefined && first !== undefined)
    throw new Error(`${style.raft} without a fault fails run ${first.run} of ${first.test}: ${first.cause}`);
  return result;
}

/** The built-in Raft knows nothing but the contract and runs as it is; one as users write it needs what the command's threads have. */
async function load(style, path) {
  if (style === builtIn) return { runJob: inThisThread(harness, await importRaft(path)), close() {} };
  const thread = new RaftThread({ raft: await bundle(path), settings: { traceLevel: "none" } });
  return { runJob: async (job) => (await thread.run([job]))[0], close: () => thread.close() };
}

function page(sections) {
  const machine = `Node ${process.versions.node}, ${cpus()[0].model.trim()}`;
  return `# Mutants

Do the tests find faults? Each mutant is a Raft with one line changed: the built-in one, a state machine of pure functions, and the one of examples/lab-style, a class with timers and promises as users write
them, which is bundled and run as \`--raft\` does. All ${tests.length} tests run in turn, up to ${runs} times each, until they have failed; the Rafts without a fault pass them all. The tests of the repository hold on to
this: each test that is named for a mutant in ${styles.map(({ faults }) => faults).join(" or ")} must go on catching it.

This page is written, in about twenty minutes of one processor, by

    node scripts/mutants.mjs > docs/mutants.md

and \`node scripts/mutants.mjs --keep DIR NAME\` leaves a mutant in a directory, to be tried with \`./raft-stress --raft DIR/STYLE/NAME TEST --seed 1 -n RUN\`.

*First caught* is the first failed run of all, and the processor time until then, everything included from a cold start of that mutant's code (${machine}). With the outcome
\`crash\` it was the Raft's own code that noticed, by an invariant or an index out of range, before the test did. *All tests* has the first run, counted from 1, in which a test caught a mutant; \`·\`: not in ${runs} runs.
The tests by their numbers: ${tests.map((test, i) => `${i + 1} ${test}`).join(", ")}.
${sections.join("")}`;
}

function section(style, rows) {
  const caught = rows.filter(({ findings }) => findings.length > 0);
  const missed = rows.filter(({ findings }) => findings.length === 0);
  return `
## Mutants of ${style.raft}

${caught.length} of ${rows.length} are caught.

### First caught: ${style.name}

| mutant | what it does wrong | first caught by | run | outcome and cause | CPU s |
| --- | --- | --- | --: | --- | --: |
${caught.map(firstRow).join("\n")}

### Not caught: ${style.name}

| mutant | what it does wrong | runs tried | why not, as far as it is understood |
| --- | --- | --: | --- |
${missed.map(({ mutant, runs: tried }) => `| ${mutant.name} | ${mutant.fault} | ${tried} | ${mutant.missedBecause ?? ""} |`).join("\n")}

### All tests: ${style.name}

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
  const numbers = tests.map((_, i) => i + 1);
  const cells = ({ findings }) => tests.map((test) => findings.find((finding) => finding.test === test)?.run ?? "·");
  return [line("", numbers), ...rows.map((row) => line(row.mutant.name, cells(row)))].join("\n");
}
