// --exec with real commands.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { newDirectory, runLines, start } from "../support/command.ts";

/** A command that is `sh` with a script; the script must hold no single quote. */
const sh = (script: string) => `sh -c '${script}'`;

const lastLine = (stdout: string) => stdout.split("\n").at(-1);

/** The log of a run without its header. */
function body(text: string): string {
  return text.slice(text.indexOf("\n\n") + 2);
}

describe("--exec", () => {
  it("runs a command for each label and iteration; its exit status decides", async () => {
    const cwd = newDirectory();
    const { stdout, exitCode } = await start(["--exec", sh("test {iter} -ne 3"), "A", "B", "-n", "5", "-p", "4", "-o", "logs"], { cwd });
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/│ A {4}│ {6}1 │ {5}5 │/);
    expect(stdout).toMatch(/│ B {4}│ {6}1 │ {5}5 │/);
    expect(lastLine(stdout)).toBe("8 passed, 2 failed");
    expect(stdout).toMatch(/\n {2}1 × exit status 1\n/);
    const logs = readdirSync(join(cwd, "logs")).filter((name) => name.endsWith(".log"));
    expect(logs.map((name) => name[0]).toSorted()).toEqual(["A", "B"]);
  });

  it("without labels has one row, named after the program", async () => {
    const { stdout, exitCode } = await start(["--exec", "true", "-n", "3"]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/│ true │ {6}0 │ {5}3 │/);
  });

  it("tells a run what it is", async () => {
    const cwd = newDirectory();
    const script = 'env | grep -E \'^(RAFT_STRESS|TMPDIR|VERBOSE)\' | sort; ls -d "$TMPDIR" "$RAFT_STRESS_ARTIFACTS"';
    const args = ["--exec", script, "--shell", "My test", "-n", "2", "-a", "-v", "-o", "logs", "--seed", "1f"];
    const { stdout } = await start([...args, "--json", "-"], { cwd });
    const [, second] = runLines(stdout);
    const text = body(readFileSync(join(cwd, second!.log!), "utf8"));
    expect(second!.log).toBe("logs/My_test_1.log");
    expect(text).toContain("\nRAFT_STRESS_TEST=My test\n");
    expect(text).toContain("RAFT_STRESS=1\n");
    expect(text).toContain("\nRAFT_STRESS_ITERATION=1\n");
    expect(text).toContain("\nRAFT_STRESS_TOTAL=2\n");
    expect(text).toContain("\nRAFT_STRESS_WORKER=0\n");
    expect(text).toContain(`\nRAFT_STRESS_SEED=${second!.seed}\n`);
    expect(text).toContain("\nVERBOSE=1\n");
    const [temporary] = /(?<=^TMPDIR=).*/m.exec(text)!;
    const [artifacts] = /(?<=^RAFT_STRESS_ARTIFACTS=).*/m.exec(text)!;
    expect(text).toContain(`\n${temporary}\n`);
    expect(text).toContain(`\n${artifacts}\n`);
    expect(existsSync(temporary)).toBe(false);
  });

  it("gives runs beside each other numbers of workers below -p", async () => {
    const cwd = newDirectory();
    const { stdout } = await start(
      ["--exec", sh("echo worker=$RAFT_STRESS_WORKER; sleep 0.2"), "-n", "9", "-p", "3", "-a", "--json", "-"],
      {
        cwd,
      },
    );
    const workers = runLines(stdout).map(({ log }) => /worker=(\d)/.exec(readFileSync(join(cwd, log!), "utf8"))?.[1]);
    expect(workers.toSorted()).toEqual(["0", "0", "0", "1", "1", "1", "2", "2", "2"]);
  });

  it("keeps stdout and stderr in their order, whole, and says what cannot be said without a newline", async () => {
    const cwd = newDirectory();
    const script = "i=0; while [ $i -lt 300 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done; printf end; exit 7";
    const { stdout } = await start(["--exec", sh(script), "-n", "1", "-o", "logs"], { cwd });
    const lines = body(readFileSync(join(cwd, "logs", "sh_0.log"), "utf8")).split("\n");
    expect(lines).toEqual([...Array.from({ length: 300 }, (_, i) => [`out ${i}`, `err ${i}`]).flat(), "end", ""]);
    expect(stdout).toContain("(exit status 7)");
  });

  it("cuts a log that is too long, and marks the cut", async () => {
    const cwd = newDirectory();
    const script = "i=0; while [ $i -lt 4000 ]; do echo line $i; i=$((i+1)); done; exit 1";
    await start(["--exec", sh(script), "-n", "1", "-o", "logs", "--log-limit", "8KB"], { cwd });
    const text = body(readFileSync(join(cwd, "logs", "sh_0.log"), "utf8"));
    expect(text.length).toBeLessThanOrEqual(8 * 1024 + 1);
    expect(text).toMatch(/^line 0\nline 1\n/);
    expect(text).toMatch(/\nraft-stress: \d+ bytes are left out here \(--log-limit\)\n/);
    expect(text).toMatch(/\nline 3999\n$/);
  });

  it("keeps the artifacts of a failed run beside its log, and nothing of a run that passed", async () => {
    const cwd = newDirectory();
    const script = "echo kept > $RAFT_STRESS_ARTIFACTS/dump; echo x > $TMPDIR/x; test {iter} -ne 1";
    await start(["--exec", sh(script), "T", "-n", "3", "-o", "logs"], { cwd });
    expect(readdirSync(join(cwd, "logs")).toSorted()).toEqual(["T_1.artifacts", "T_1.log", "runs.json"]);
    expect(readFileSync(join(cwd, "logs", "T_1.artifacts", "dump"), "utf8")).toBe("kept\n");
  });

  it("groups failures by message and place, and prints what makes the first of each again", async () => {
    const cwd = newDirectory();
    writeFileSync(join(cwd, "t.sh"), 'echo "Error: node $2 lost entry $1"; test $(($1 % 3)) -eq 0 || exit 1\nexit 2\n');
    const { stdout } = await start(["--exec", "sh t.sh {iter} {seed}", "T", "-n", "6", "-o", "logs", "--seed", "a"], { cwd });
    expect(stdout).toMatch(/\nT: 6 of 6 failed/);
    expect(stdout).toMatch(/\n {2}6 × Error: node # lost entry #\n {6}Error: node 000000000000000a lost entry 0 \(exit status 2\)\n/);
    expect(stdout).toMatch(/\n {6}log: {4}logs\/T_0\.log\n/);
    expect(stdout).toMatch(/\n {6}replay: \S*raft-stress --exec 'sh t\.sh \{iter\} \{seed\}' T --seed 000000000000000a -n 1\n/);
    const exactly = /\n {6}exactly: (.*)\n/.exec(stdout)![1]!;
    expect(exactly).toBe(
      "RAFT_STRESS=1 RAFT_STRESS_TEST=T RAFT_STRESS_ITERATION=0 RAFT_STRESS_TOTAL=6 RAFT_STRESS_SEED=000000000000000a RAFT_STRESS_WORKER=0 sh t.sh 0 000000000000000a",
    );
    const again = await start(["replay", "logs/T_0.log", "-o", "again"], { cwd });
    expect(again.exitCode).toBe(1);
    expect(body(readFileSync(join(cwd, "again", "T_0.log"), "utf8"))).toBe(body(readFileSync(join(cwd, "logs", "T_0.log"), "utf8")));
  });

  it("tells the ways in which a command can end apart", async () => {
    const cwd = newDirectory();
    const script =
      'case {test} in ok) exit 0;; fails) exit 3;; killed) kill -KILL $$;; segfaults) kill -SEGV $$;; panics) echo "panic: gone"; exit 2;; esac';
    const { stdout } = await start(["--exec", sh(script), "ok", "fails", "killed", "segfaults", "panics", "-n", "1", "--json", "-"], {
      cwd,
    });
    const facts = runLines(stdout).map((run) => [run.test, run.outcome, (run as { kind?: string }).kind, run.reason]);
    expect(facts).toEqual([
      ["fails", "fail", "failed", "exit status 3"],
      ["killed", "crash", "signal", "killed by SIGKILL"],
      ["ok", "pass", undefined, undefined],
      ["panics", "crash", "panic", "panic: gone (exit status 2)"],
      ["segfaults", "crash", "signal", "killed by SIGSEGV"],
    ]);
  });

  it("does the same when it measures, and measures the children of the command too", async () => {
    const busy = "i=0; while [ \\$i -lt 300000 ]; do i=\\$((i+1)); done";
    const { stdout } = await start(["--exec", sh(`sh -c "${busy}"; kill -TERM $$`), "-n", "1", "-t", "--json", "-"]);
    const [run] = runLines(stdout) as readonly { readonly reason?: string; readonly userMs?: number }[];
    expect(run!.reason).toBe("killed by SIGTERM");
    expect(run!.userMs).toBeGreaterThan(10);
    const table = await start(["--exec", "true", "-n", "2", "--timing"]);
    expect(table.stdout).toMatch(/┃ +Real Time ┃ +User Time ┃ +System Time ┃/);
    expect(table.stdout).toMatch(
      /│ true │ +0 │ +2 │ \d+\.\d\d ± \d+\.\d\d │ \d+\.\d{3} ± \d+\.\d{3} │ \d+\.\d{3} ± \d+\.\d{3} │ \d+\.\d{3} ± \d+\.\d{3} │/,
    );
  });

  it("goes on round after round, stops at failures and at a time, as built-in tests do", async () => {
    const loop = await start(["--exec", "true", "-l", "-g", "2", "-n", "2", "--for", "600ms", "-p", "2", "--json", "-"]);
    const iterations = runLines(loop.stdout).map(({ iteration }) => iteration);
    expect(loop.exitCode).toBe(0);
    expect(iterations.length).toBeGreaterThan(6);
    expect(iterations).toEqual([...iterations.keys()]);
    const few = await start(["--exec", "false", "-n", "50", "--max-failures", "3"]);
    expect(lastLine(few.stdout)).toBe("0 passed, 3 failed");
    const until = await start(["--exec", "true", "--until", "10%@95%", "-p", "4"]);
    expect(lastLine(until.stdout)).toBe("29 passed, 0 failed");
  });

  it("says what is still running", async () => {
    const { stderr } = await start(["--exec", "sleep 1", "T", "-n", "1", "--slow", "300ms"]);
    expect(stderr).toMatch(/^still running after \d\.\d s: T, iteration 0, seed [0-9a-f]{16}, pid \d+, log so far: \S+output-\d+$/m);
  });

  it("holds runs back while the machine has too much to do, but never all of them", async () => {
    const cwd = newDirectory();
    const busy = sh("i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done");
    const args = ["--exec", busy, "-n", "6", "-p", "6", "--load-limit", "0.001", "--json", "-"];
    const { stdout } = await start(args, { cwd });
    const beside = runLines(stdout).map((run) => (run as unknown as { beside: number }).beside);
    expect(beside).toHaveLength(6);
    expect(Math.max(...beside)).toBeLessThan(5);
  });

  it("hands its own variables to a raft-stress inside, and not its --exec", async () => {
    const { stdout } = await start(["-n", "1", "-q"], { env: { RAFT_STRESS_EXEC: sh('test -z "$RAFT_STRESS_EXEC"') } });
    expect(lastLine(stdout)).toBe("1 passed, 0 failed");
  });
});

it("a machine without a folder for temporary files is told so", async () => {
  const { stderr, exitCode } = await start(["--exec", "true"], { env: { TMPDIR: join(newDirectory(), "nowhere") } });
  expect(stderr).toMatch(/^raft-stress: no folder can be made for temporary files \(TMPDIR\): ENOENT[^\n]*$/);
  expect(exitCode).toBe(3);
});

describe("what cannot be run is said before anything runs", () => {
  const cwd = newDirectory();
  mkdirSync(join(cwd, "folder"));
  writeFileSync(join(cwd, "not-executable"), "");

  it.each<[readonly string[], number, RegExp]>([
    [["--exec", "no-such-program-here x"], 3, /there is no program 'no-such-program-here' on the PATH/],
    [["--exec", "./nowhere"], 3, /the program '\.\/nowhere' does not exist/],
    [["--exec", "./folder"], 3, /'\.\/folder' is a directory/],
    [["--exec", "./not-executable"], 3, /'\.\/not-executable' is not executable/],
    [["--exec", "a | b"], 2, /runs no shell, and '\|' is for one/],
    [["--exec", ""], 2, /--exec must be a command line, got ''/],
    [["--exec", "true", "--go"], 2, /--exec and --go each say what is to be run/],
    [["--exec", "true", "--raft", "x.mjs"], 2, /leave --raft away/],
    [["--exec", "true", "-r"], 2, /--race: with --exec the command itself asks/],
    [["--exec", "true", "--clock", "virtual"], 2, /--exec runs in real time/],
    [["--exec", "true", "--check-determinism"], 2, /--exec runs in real time/],
    [["--exec", "true", "--log-limit", "1KB"], 2, /--log-limit must be a size of at least 4KB with its unit/],
    [["--exec", "true", "--timeout-signal", "BANG"], 2, /--timeout-signal must be the name of a signal/],
    [["--exec", "true", "--load-limit", "0"], 2, /--load-limit must be a number above zero/],
    [["--exec", "true", "--resume", "a", "-o", "b"], 2, /--resume a writes to that directory/],
    [["--shell"], 2, /--shell is how --exec is read/],
    [["--tags", "x"], 2, /--tags are for --go/],
    [["--go", "./nowhere"], 3, /--go: the directory '\.\/nowhere' does not exist/],
    [["--go", "folder"], 3, /there are no Go tests in 'folder'/],
  ])("%j exits %i", async (args, status, sentence) => {
    const { stdout, stderr, exitCode } = await start([...args, "-n", "1"], { cwd });
    expect(stderr).toMatch(sentence);
    expect(stderr).toMatch(/^raft-stress: [^\n]+$/);
    expect({ exitCode, stdout }).toEqual({ exitCode: status, stdout: "" });
    expect(readdirSync(cwd).toSorted()).toEqual(["folder", "not-executable"]);
  });
});
