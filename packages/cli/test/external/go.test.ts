// --go with the real Go tool, on the small module in fixtures/go-lab, whose tests each end in another way.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { beforeAll, describe, expect, it } from "vitest";
import { bin, environment, newDirectory, runLines, start } from "../support/command.ts";

const hasGo = spawnSync("go", ["version"]).status === 0;
if (!hasGo) process.stderr.write("go is not installed: --go is not tested\n");

const lab = fileURLToPath(new URL("../fixtures/go-lab", import.meta.url));
const lastLine = (stdout: string) => stdout.split("\n").at(-1);

interface GoRun {
  readonly test: string;
  readonly outcome: string;
  readonly kind?: string;
  readonly cause?: string;
  readonly reason?: string;
  readonly log?: string;
  readonly servers?: number;
  readonly commands?: number;
  readonly seconds: number;
  readonly command?: string;
}

/** A copy of the lab that a test may change, in a module with another package. */
function labCopy(): string {
  const cwd = newDirectory();
  cpSync(lab, join(cwd, "lab"), { recursive: true });
  return cwd;
}

/** Compiling takes its time on a busy machine. */
const compileMs = 240_000;

function go(args: readonly string[], options: { readonly cwd?: string; readonly timeout?: number } = {}) {
  const { cwd = newDirectory(), timeout = compileMs } = options;
  return execa(process.execPath, [bin, ...args], { cwd, env: environment, reject: false, timeout, stdin: "ignore" });
}

describe.skipIf(!hasGo)("--go", { timeout: compileMs }, () => {
  // The build cache is filled before anything is timed.
  beforeAll(async () => {
    await execa("go", ["test", "-c", "-o", "/dev/null", "."], { cwd: lab });
  }, compileMs);

  it("tells the ways in which a test can end apart", async () => {
    const cwd = newDirectory();
    const { stdout, stderr, exitCode } = await go(["--go", lab, "-n", "1", "-p", "4", "-T", "3s", "--json", "-", "-o", "logs"], { cwd });
    expect(exitCode).toBe(1);
    const runs = runLines(stdout) as unknown as readonly GoRun[];
    const facts = Object.fromEntries(runs.map(({ test, outcome, kind, cause }) => [test, [outcome, kind, cause]]));
    expect(facts).toEqual({
      TestElection2A: ["pass", undefined, undefined],
      TestAgree2B: ["pass", undefined, undefined],
      TestBackup2B: ["fail", "failed", expect.stringMatching(/^lab_test\.go:\d+: one\(#\) failed to reach agreement after # ms$/)],
      TestHang2B: [
        "timeout",
        "timeout",
        expect.stringMatching(/^still running after 3s \(--timeout\), in golab\.hold \(lab_test\.go:\d+\)$/),
      ],
      TestPanic2C: [
        "crash",
        "panic",
        expect.stringMatching(/^panic: runtime error: index out of range \[#\] with length # in golab\.commit \(lab\.go:\d+\)$/),
      ],
      TestRace2C: ["pass", undefined, undefined],
      TestExit2D: ["crash", "panic", expect.stringMatching(/^panic: unexpected call to os\.Exit\(#\) during test/)],
      TestOutOfMemory2D: ["crash", "memory", expect.stringMatching(/^fatal error: .*out of memory in golab\.TestOutOfMemory2D/)],
      TestKilled2D: ["crash", "signal", "killed by SIGKILL"],
      TestPrintsMegabytes: ["fail", "failed", expect.stringMatching(/: printed enough$/)],
      TestGrandchild: ["fail", "failed", expect.stringMatching(/: left a grandchild behind$/)],
      TestSkipped: ["pass", undefined, undefined],
    });
    const log = (test: string) => readFileSync(join(cwd, runs.find((run) => run.test === test)!.log!), "utf8");
    expect(log("TestHang2B")).toMatch(/\npanic: test timed out after 3s\n[\s\S]*golab\.hold[\s\S]*golab\.waitForEver/);
    const megabytes = log("TestPrintsMegabytes");
    expect(megabytes.length).toBeGreaterThan(5_000_000);
    expect(megabytes).toMatch(/\n004999 x+\n--- FAIL: /);
    expect(stderr).toContain("1 run has left processes behind, which were ended");
    const artifacts = readdirSync(join(cwd, "logs")).find((name) => name.endsWith(".artifacts"))!;
    const pid = Number(readFileSync(join(cwd, "logs", artifacts, "pid"), "utf8"));
    // One that init has not yet waited for is ended all the same.
    expect(spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" }).stdout.trim()).toMatch(/^(?:Z.*)?$/);
  });

  it("reads the lab's own line, shows it with --stats, and points out a run unlike the others", async () => {
    const { stdout } = await go(["--go", lab, "TestElection2A", "TestAgree2B", "-n", "12", "-p", "4", "--stats"]);
    expect(stdout).toMatch(/┃ Servers ┃ +RPCs ┃ +Bytes ┃ +Commands ┃/);
    expect(stdout).toMatch(/│ TestElection2A │ +0 │ +12 │ 3\.10 ± 0\.00 │.*│ +3 │ +60 ± 3 │ 13422 ± 0 │ +0 ± 0 │/);
    expect(stdout).toMatch(/\nTestAgree2B: iteration 11 took 5000 RPCs, the 11 other passing runs took 100 ± 0 \(seed [0-9a-f]{16}\)\n/);
    expect(lastLine(stdout)).toBe("24 passed, 0 failed");
  });

  it("finds the package, and takes names, parts and patterns as for the built-in tests", async () => {
    const cwd = labCopy();
    writeFileSync(join(cwd, "go.mod"), "module example.org/above\n\ngo 1.18\n");
    mkdirSync(join(cwd, "other"));
    writeFileSync(join(cwd, "other", "other_test.go"), 'package other\n\nimport "testing"\n\nfunc TestElection3A(t *testing.T) {}\n');
    const rows = async (...args: readonly string[]) =>
      [...(await go([...args, "-n", "1"], { cwd })).stdout.matchAll(/^│ (\w+) /gm)].map(([, name]) => name);
    expect(await rows("--go", "lab", "3A", "Agree")).toEqual(["TestElection2A", "TestAgree2B"]);
    expect(await rows("--go", "TestAgree2B")).toEqual(["TestAgree2B"]);
    expect(await rows("--go", "other", "TestElection2A")).toEqual(["TestElection3A"]);
    const several = await go(["--go", "-n", "1"], { cwd });
    expect(several.stderr).toBe("raft-stress: --go: '.' has several packages with tests: give --go lab or --go other");
    expect(several.exitCode).toBe(3);
    const misspelt = await go(["--go", "lab", "TestBakup2B"], { cwd });
    expect(misspelt.stderr).toBe(
      "raft-stress: no test is named or matched by 'TestBakup2B'; nearest: TestBackup2B, TestBackup3B, TestHang2B",
    );
    expect({ exitCode: misspelt.exitCode, stdout: misspelt.stdout }).toEqual({ exitCode: 4, stdout: "" });
  });

  it("shows what the compiler wrote, as it wrote it, and exits 3", async () => {
    const cwd = labCopy();
    writeFileSync(join(cwd, "lab", "broken.go"), "package golab\n\nfunc broken() int { return missing }\n");
    const { stdout, stderr, exitCode } = await go(["--go", "lab"], { cwd });
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: "" });
    expect(stderr).toMatch(/\n\.\/broken\.go:3:28: undefined: missing\n?/);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  it("says once what go vet finds, and runs the tests", async () => {
    const cwd = labCopy();
    writeFileSync(join(cwd, "lab", "vet.go"), 'package golab\n\nimport "fmt"\n\nfunc vetted() { fmt.Printf("%d", "text") }\n');
    const { stdout, stderr } = await go(["--go", "lab", "2A", "-n", "3"], { cwd });
    expect(stderr.match(/fmt\.Printf format %d/g)).toHaveLength(1);
    expect(stderr).toContain("that is what go vet says; the runs go on");
    expect(lastLine(stdout)).toBe("3 passed, 0 failed");
  });

  it("says when a source has changed since the tests were compiled", async () => {
    const cwd = labCopy();
    const touching = `package golab\n\nimport (\n"os"\n"testing"\n)\n\nfunc TestTouch(t *testing.T) { os.WriteFile("lab.go", append(must(), '\\n'), 0o644) }\nfunc must() []byte { b, _ := os.ReadFile("lab.go"); return b }\n`;
    writeFileSync(join(cwd, "lab", "touch_test.go"), touching);
    const longAgo = new Date(Date.now() - 60_000);
    for (const name of readdirSync(join(cwd, "lab"))) utimesSync(join(cwd, "lab", name), longAgo, longAgo);
    const before = await go(["--go", "lab", "2A", "-n", "1"], { cwd });
    expect(before.stderr).not.toContain("changed");
    const { stderr } = await go(["--go", "lab", "TestTouch", "-n", "1"], { cwd });
    expect(stderr).toMatch(
      /raft-stress: lab\.go has changed since the tests were compiled \(\d\d:\d\d:\d\d\): these runs are of the older sources/,
    );
  });

  it("takes build tags", async () => {
    const cwd = labCopy();
    writeFileSync(
      join(cwd, "lab", "tagged_test.go"),
      '//go:build special\n\npackage golab\n\nimport "testing"\n\nfunc TestTagged(t *testing.T) {}\n',
    );
    expect((await go(["--go", "lab", "TestTagged"], { cwd })).exitCode).toBe(4);
    expect(lastLine((await go(["--go", "lab", "TestTagged", "--tags", "special", "-n", "2"], { cwd })).stdout)).toBe("2 passed, 0 failed");
  });

  it("never counts a run in which no test ran, or none came to its end, as passed", async () => {
    const cwd = labCopy();
    const main = `package golab\n\nimport (\n"os"\n"testing"\n)\n\nfunc TestMain(m *testing.M) {\n\tif os.Getenv("RAFT_STRESS") == "1" { os.Exit(0) }\n\tos.Exit(m.Run())\n}\n`;
    writeFileSync(join(cwd, "lab", "main_test.go"), main);
    const { stdout, exitCode } = await go(["--go", "lab", "2A", "-n", "2"], { cwd });
    expect(exitCode).toBe(1);
    expect(stdout).toContain("2 × exit status 0, but the test binary did not print PASS");
    const bare = `package golab\n\nimport (\n"flag"\n"os"\n"testing"\n)\n\nfunc TestMain(m *testing.M) {\n\tflag.Parse()\n\tif os.Getenv("RAFT_STRESS") == "1" { flag.Set("test.run", "^None$") }\n\tos.Exit(m.Run())\n}\n`;
    writeFileSync(join(cwd, "lab", "main_test.go"), bare);
    expect((await go(["--go", "lab", "2A", "-n", "2"], { cwd })).stdout).toContain("2 × no test was run");
  });

  it("prints the exact command line of a failure, which can be run when all is over, and repeats it from its log", async () => {
    const cwd = newDirectory();
    const { stdout } = await go(["--go", lab, "TestPanic2C", "-n", "3", "-o", "logs"], { cwd });
    const exactly = /\n {6}exactly: (.*)\n/.exec(stdout)![1]!;
    expect(exactly).toContain("RAFT_STRESS_ITERATION=0");
    expect(exactly).toContain("-test.run '^TestPanic2C$' -test.paniconexit0 -test.timeout=600000ms");
    expect(existsSync(join(cwd, "logs", "go-lab.test"))).toBe(true);
    const again = await execa("sh", ["-c", exactly], { cwd: newDirectory(), reject: false });
    expect(again.exitCode).toBe(2);
    expect(again.stderr).toContain("panic: runtime error: index out of range [7]");
    const replayed = await go(["replay", "logs/TestPanic2C_0.log"], { cwd });
    expect(replayed.stdout).toContain("1 × panic: runtime error: index out of range");
  });

  it("stops within a second at Ctrl-C, and leaves no process behind", async () => {
    const child = go(["--go", lab, "TestHang2B", "-n", "20", "-p", "8", "--slow", "300ms"]);
    await new Promise((resolve) => child.stderr.on("data", (data) => String(data).includes("still running") && resolve(undefined)));
    const signalledMs = performance.now();
    child.kill("SIGINT");
    const { exitCode, stdout } = await child;
    expect(performance.now() - signalledMs).toBeLessThan(1000);
    expect(exitCode).toBe(130);
    expect(stdout).toMatch(/\n0 passed, 0 failed$/);
    const { stdout: processes } = await execa("ps", ["-A", "-o", "args="]);
    expect(processes).not.toContain("-test.run ^TestHang2B$");
  });
});

const hasRaceDetector = hasGo && spawnSync("go", ["test", "-race", "-run", "^$", "."], { cwd: lab }).status === 0;
if (hasGo && !hasRaceDetector) process.stderr.write("go has no race detector here (it needs a C compiler): --race is not tested\n");

it.skipIf(!hasRaceDetector)("--race finds data races and names both places", { timeout: compileMs }, async () => {
  const { stdout, exitCode } = await go(["--go", lab, "TestRace2C", "2A", "-r", "-n", "2", "--json", "-"]);
  expect(exitCode).toBe(1);
  expect(runLines(stdout)).toMatchObject([
    { test: "TestElection2A", outcome: "pass" },
    { test: "TestElection2A", outcome: "pass" },
    { outcome: "fail", kind: "race", cause: expect.stringMatching(/^data race in golab\.TestRace2C\.func1 \(lab_test\.go:\d+\)$/) },
    { outcome: "fail", kind: "race" },
  ]);
});

describe("without --go", () => {
  it("someone who stands in a Go module with tests is told of it", async () => {
    const cwd = labCopy();
    writeFileSync(join(cwd, "go.mod"), "module example.org/above\n");
    const hint = "there are Go tests here: raft-stress --go runs them";
    expect((await start(["2A", "-n", "1"], { cwd: join(cwd, "lab") })).stderr).toContain(hint);
    expect((await start(["2A", "-n", "1"], { cwd })).stderr).toContain(hint);
    const unknown = await start(["TestMine"], { cwd });
    expect(unknown.stderr).toContain(hint);
    expect(unknown.exitCode).toBe(4);
    expect((await start(["TestBackup2B", "-n", "1"], { cwd })).stderr).toBe("");
    expect((await start(["2A", "-n", "1"])).stderr).toBe("");
  });

  it("a machine without the Go tool is told so", async () => {
    const { stderr, exitCode } = await start(["--go", lab], { env: { PATH: newDirectory() } });
    expect(stderr).toBe("raft-stress: --go needs the Go tool, and there is no 'go' on the PATH");
    expect(exitCode).toBe(3);
  });
});
