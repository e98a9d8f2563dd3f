// Everything that must hold before a change is good: types, lint, dead code, tests, and a smoke run of the real command.
// `npm test` installs and builds first. Extra arguments go to vitest: `npm test -- packages/raft`. Ends with a line `N passed, N failed`.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "raft-stress-test-"));
const vitestReport = join(scratch, "vitest.json");
const vitestArgs = process.argv.slice(2);

/** A development tool's own entry point, run by this Node: no PATH, no shell, the same on Windows. */
const tool = (path, ...args) => [process.execPath, [join(root, "node_modules", path), ...args]];

const steps = [
  ["types", ...tool("typescript/bin/tsc", "-b")],
  ["lint and format", ...tool("@biomejs/biome/bin/biome", "check", "--error-on-warnings", ".")],
  ["dead code", ...tool("knip/bin/knip.js")],
  [
    "tests",
    ...tool("vitest/vitest.mjs", "run", "--reporter=default", "--reporter=json", `--outputFile.json=${vitestReport}`, ...vitestArgs),
  ],
  ["smoke run", process.execPath, [join(root, "scripts", "launch.mjs"), "TestBackup2B", "-n", "50", "-p", "4", "--progress", "none"]],
];

function run([name, command, args]) {
  process.stdout.write(`\n== ${name}\n`);
  const started = Date.now();
  const { status, signal, error } = spawnSync(command, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  const passed = status === 0;
  const how = passed ? "ok" : `FAILED (${error?.message ?? (signal ? `signal ${signal}` : `exit status ${status}`)})`;
  process.stdout.write(`== ${name}: ${how} in ${seconds} s\n`);
  return { name, passed };
}

/** Tests that vitest ran; nothing if it did not get as far as a report. */
function vitestCounts() {
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numFailedTestSuites } = JSON.parse(readFileSync(vitestReport, "utf8"));
    return {
      passed: numPassedTests,
      failed: numFailedTests === 0 && numFailedTestSuites > 0 ? numFailedTestSuites : numFailedTests,
      skipped: numPendingTests,
    };
  } catch {
    return { passed: 0, failed: 0, skipped: 0 };
  }
}

const results = steps.map(run);
const tests = vitestCounts();
rmSync(scratch, { recursive: true, force: true });

const others = results.filter(({ name }) => name !== "tests");
const testsStepFailed = results.some(({ name, passed }) => name === "tests" && !passed);
const failed = others.filter(({ passed }) => !passed).length + Math.max(tests.failed, testsStepFailed ? 1 : 0);
const passed = others.filter((step) => step.passed).length + tests.passed;
const broken = results.filter((step) => !step.passed).map(({ name }) => name);
if (broken.length > 0) process.stdout.write(`\nfailed: ${broken.join(", ")}\n`);
process.stdout.write(`\n${passed} passed, ${failed} failed${tests.skipped > 0 ? `, ${tests.skipped} skipped` : ""}\n`);
process.exitCode = failed === 0 && tests.passed > 0 ? 0 : 1;
