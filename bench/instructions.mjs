// How many instructions a first, cold pass over the 21 tests takes with the built-in Raft: `node bench/instructions.mjs`. Unlike time this does not depend on what else the machine does: two
// counts differ by less than one in a hundred. Needs valgrind, which runs a program fifty times slower: a minute.
import { execFileSync, spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { passTable } from "./lab-tests.mjs";

/** As the command's threads are set up for their first half second, which is much less of their work under valgrind: here for the whole pass. */
const flags = ["--interrupt-budget=700000", "--no-allocation-site-pretenuring"];

if (process.argv[2] === "pass") await makePass(process.argv[3]);
else {
  count("off", "without invariants");
  count("on", "with all invariants");
}

function count(checks, what) {
  const file = join(tmpdir(), `raft-stress-callgrind.${process.pid}`);
  const options = [
    "--tool=callgrind",
    "--instr-atstart=no",
    "--smc-check=all-non-file",
    "--fair-sched=yes",
    `--callgrind-out-file=${file}`,
  ];
  const command = [...options, process.execPath, ...flags, fileURLToPath(import.meta.url), "pass", checks];
  const { error, stderr } = spawnSync("valgrind", command, { encoding: "utf8" });
  if (error !== undefined) throw new Error(`valgrind could not be started (Debian's package is valgrind): ${error.message}`);
  rmSync(file, { force: true });
  const collected = /Collected : (\d+)/.exec(stderr)?.[1];
  if (collected === undefined) throw new Error(`valgrind counted nothing:\n${stderr}`);
  console.log(
    `a cold pass over the 21 tests, ${what}: ${Math.round(collected / 1e6).toLocaleString("en")} million instructions, V8's compiler included`,
  );
}

async function makePass(checks) {
  execFileSync("callgrind_control", ["-i", "on", String(process.pid)]);
  await passTable(checks);
  execFileSync("callgrind_control", ["-i", "off", String(process.pid)]);
}
