// --resume: what a directory knows of earlier runs, for external and for built-in tests.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { MadeIterations } from "../../src/runs-record.ts";
import { fixtures, newDirectory, runLines, start } from "../support/command.ts";

const lastLine = (stdout: string) => stdout.split("\n").at(-1);
const exec = ["--exec", "sh -c 'echo Error: no leader in term {iter}; test $(({iter} % 10)) -ne 4'"];
const row = (stdout: string) => /│ T .*│/.exec(stdout)?.[0].replace(/\d+\.\d\d ± \d+\.\d\d/, "");

describe("--resume", () => {
  it("counts the runs that the directory has, and makes the others; the totals are as of one command", async () => {
    const cwd = newDirectory();
    const first = await start([...exec, "T", "-n", "20", "-p", "2", "--resume", "night"], { cwd });
    expect(lastLine(first.stdout)).toBe("18 passed, 2 failed");
    const second = await start([...exec, "T", "-n", "50", "-p", "2", "--resume", "night", "--json", "runs.jsonl"], { cwd });
    expect(lastLine(second.stdout)).toBe("45 passed, 5 failed");
    expect(second.stdout).toMatch(/\n {2}5 × Error: no leader in term #\n/);
    expect(second.stdout).toMatch(/\n30 more runs in \d+\.\d\d s, beside 20 made before: /);
    expect(second.stdout).toContain("      log:    night/T_4.log\n");
    const lines = readFileSync(join(cwd, "runs.jsonl"), "utf8");
    expect(runLines(lines).map(({ iteration }) => iteration)).toEqual(Array.from({ length: 30 }, (_, i) => 20 + i));
    const whole = await start([...exec, "T", "-n", "50", "-p", "2", "--resume", "other"], { cwd });
    expect(row(whole.stdout)).toBe(row(second.stdout));
    expect(readdirSync(join(cwd, "night")).filter((name) => name.endsWith(".log"))).toHaveLength(5);
    const nothingLeft = await start([...exec, "T", "-n", "50", "--resume", "night"], { cwd });
    expect(lastLine(nothingLeft.stdout)).toBe("45 passed, 5 failed");
    expect(nothingLeft.exitCode).toBe(1);
  });

  it("keeps the seed, so that the runs are those of one command", async () => {
    const cwd = newDirectory();
    const seeds = async (args: readonly string[]) =>
      runLines((await start(["TestBasicAgree2B", ...args, "--json", "-"], { cwd })).stdout).map(({ seed }) => seed);
    const together = await seeds(["-n", "9", "--seed", "5e"]);
    const apart = [...(await seeds(["-n", "4", "--seed", "5e", "--resume", "d"])), ...(await seeds(["-n", "9", "--resume", "d"]))];
    expect(apart).toEqual(together);
    const other = await start(["TestBasicAgree2B", "-n", "9", "--resume", "d", "--seed", "1"], { cwd });
    expect(other.exitCode).toBe(2);
    expect(other.stderr).toContain("the runs of 'd' have the seed 000000000000005e; leave --seed 1 away");
  });

  it("goes on after an interrupt, and makes the runs that were cut short", async () => {
    const cwd = newDirectory();
    const child = start(["--exec", "sh -c 'test {iter} -le 12 || sleep 60'", "T", "-n", "20", "-p", "4", "--resume", "d"], { cwd });
    for (let tries = 0; tries < 100 && !/"total":1[0-9]/.test(record(cwd)); tries++) await sleep(100);
    child.kill("SIGINT");
    expect((await child).exitCode).toBe(130);
    const again = await start(["--exec", "sh -c 'test {iter} -le 12 || sleep 60'", "T", "-n", "13", "--resume", "d"], { cwd });
    expect(lastLine(again.stdout)).toBe("13 passed, 0 failed");
  });

  it("counts from the logs where every run has left one", async () => {
    const cwd = newDirectory();
    await start([...exec, "T", "-n", "7", "-a", "-o", "all"], { cwd });
    expect(existsSync(join(cwd, "all", "runs.json"))).toBe(false);
    const again = await start([...exec, "T", "-n", "10", "-a", "--resume", "all"], { cwd });
    expect(lastLine(again.stdout)).toBe("9 passed, 1 failed");
    expect(again.stdout).toContain("3 more runs in ");
  });

  it("goes on from a directory of a plain --output that has a failure", async () => {
    const cwd = newDirectory();
    await start([...exec, "T", "-n", "6", "-o", "out"], { cwd });
    const again = await start([...exec, "T", "-n", "10", "--resume", "out"], { cwd });
    expect(lastLine(again.stdout)).toBe("9 passed, 1 failed");
    rmSync(join(cwd, "out", "runs.json"));
    const lost = await start([...exec, "T", "-n", "10", "--resume", "out"], { cwd });
    expect(lost.exitCode).toBe(2);
    expect(lost.stderr).toContain("'out' has 1 logs but no runs.json, so the runs that passed cannot be counted");
  });

  it("goes on from a directory of a plain --output of built-in tests that has a failure", async () => {
    const cwd = newDirectory();
    const failing = ["TestReElection2A", "--raft", fixtures.sometimesDeaf];
    const outcomes = (stdout: string) => runLines(stdout).map(({ seed, outcome }) => `${seed} ${outcome}`);
    const together = await start([...failing, "-n", "12", "--seed", "5e", "--json", "-"], { cwd });
    const first = await start([...failing, "-n", "8", "--seed", "5e", "-o", "out", "--json", "-"], { cwd });
    expect(first.exitCode).toBe(1);
    const second = await start([...failing, "-n", "12", "--resume", "out", "--json", "-"], { cwd });
    expect([...outcomes(first.stdout), ...outcomes(second.stdout)]).toEqual(outcomes(together.stdout));
    expect(lastLine(second.stderr)).toBe(lastLine(together.stderr));
  });

  it("says when there is nothing to go on from: a command whose runs all passed has made no directory", async () => {
    const cwd = newDirectory();
    await start(["TestBasicAgree2B", "-n", "2", "-o", "out"], { cwd });
    expect(existsSync(join(cwd, "out"))).toBe(false);
    const again = await start(["TestBasicAgree2B", "-n", "3", "--resume", "out"], { cwd });
    expect(again.stderr).toBe("raft-stress: --resume: 'out' is new: there are no runs to go on from, and this command's are the first");
    expect(lastLine(again.stdout)).toBe("3 passed, 0 failed");
    expect((await start(["TestBasicAgree2B", "-n", "4", "--resume", "out"], { cwd })).stderr).toBe("");
  });

  it("is for the same command", async () => {
    const cwd = newDirectory();
    await start([...exec, "T", "-n", "1", "--resume", "d"], { cwd });
    const other = await start(["--exec", "true", "T", "-n", "2", "--resume", "d"], { cwd });
    expect(other.exitCode).toBe(2);
    expect(other.stderr).toMatch(/'d\/runs\.json' is of runs of '--exec sh -c .*', and this command runs '--exec true'/);
    const kept = JSON.parse(readFileSync(join(cwd, "d", "runs.json"), "utf8")) as object;
    for (const text of ["{", JSON.stringify({ ...kept, tests: [{ name: "T" }] })]) {
      writeFileSync(join(cwd, "d", "runs.json"), text);
      expect((await start([...exec, "T", "--resume", "d"], { cwd })).stderr).toBe(
        "raft-stress: --resume: 'd/runs.json' is not a record of runs",
      );
    }
  });

  it("counts failures of before for --max-failures", async () => {
    const cwd = newDirectory();
    await start(["--exec", "false", "T", "-n", "2", "--resume", "d"], { cwd });
    const { stdout } = await start(["--exec", "false", "T", "-n", "20", "--max-failures", "3", "--resume", "d"], { cwd });
    expect(lastLine(stdout)).toBe("0 passed, 3 failed");
  });
});

function record(cwd: string): string {
  const file = join(cwd, "d", "runs.json");
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

it("iterations that were not made are known", () => {
  const made = new MadeIterations();
  for (const iteration of [0, 3, 1, 5]) made.add(iteration);
  expect(made.state()).toEqual({ next: 6, missing: [2, 4] });
  made.add(2);
  expect(new MadeIterations(made.state()).state()).toEqual({ next: 6, missing: [4] });
});

it("a log that the record does not count, because its command was killed, is not written over", async () => {
  const cwd = newDirectory();
  const failing = ["--exec", "sh -c 'echo $0; exit 1' {seed}", "T", "-n", "1", "--resume", "d"];
  await start([...failing, "--seed", "1"], { cwd });
  rmSync(join(cwd, "d", "runs.json"));
  writeFileSync(
    join(cwd, "d", "runs.json"),
    JSON.stringify({ v: 1, subject: "--exec sh -c 'echo $0; exit 1' {seed}", seed: "0000000000000002", tests: [] }),
  );
  await start(failing, { cwd });
  expect(readFileSync(join(cwd, "d", "T_0.log"), "utf8")).toMatch(/\n0000000000000001\n$/);
  expect(readFileSync(join(cwd, "d", "T_0-2.log"), "utf8")).toMatch(/\n0000000000000002\n$/);
});
