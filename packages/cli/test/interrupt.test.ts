import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { bin, environment, fixtures, newDirectory, start } from "./support/command.ts";
import { project } from "./support/project.ts";

const longRun = ["2A", "2B", "-n", "1000000", "-p", "2"];

/** Resolves when the command has printed something. */
async function hasBegun(child: ReturnType<typeof start>): Promise<void> {
  await once(child.stdout, "data");
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const inNativeCall = `import { pbkdf2Sync } from "node:crypto";
export const makeRaft = () => {
  setTimeout(() => pbkdf2Sync("a", "b", 1e9, 64, "sha512"), 20);
  return { start: () => ({ index: -1, term: 0, isLeader: false }), getState: () => ({ term: 0, isLeader: false }), snapshot() {}, kill() {}, handlers: {} };
};`;

describe("a command that is stopped", () => {
  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)("by %s prints the table of what was done within a second, exits %i, and no process stays", async (signal, status) => {
    const child = start(longRun);
    await hasBegun(child);
    await sleep(700);
    const signalledMs = performance.now();
    child.kill(signal);
    const { exitCode, stdout } = await child;
    expect(performance.now() - signalledMs).toBeLessThan(1000);
    expect(exitCode).toBe(status);
    expect(stdout).toContain("└───");
    expect(stdout).toContain("(interrupted)");
    expect(Number(/(\d+) passed, 0 failed$/.exec(stdout)?.[1])).toBeGreaterThan(0);
    expect(isAlive(child.pid!)).toBe(false);
  });

  it("leaves only whole logs, one for each run that it counts", async () => {
    const cwd = newDirectory();
    const child = start(["TestBasicAgree2B", "-n", "100000", "-p", "4", "-a", "-o", "logs"], { cwd });
    await hasBegun(child);
    await sleep(1000);
    child.kill("SIGINT");
    const { exitCode, stdout } = await child;
    expect(exitCode).toBe(130);
    const logs = readdirSync(join(cwd, "logs"));
    expect(logs.length).toBeGreaterThan(0);
    expect(logs).toHaveLength(Number(/(\d+) passed, 0 failed$/.exec(stdout)?.[1]));
    for (const log of logs) expect(readFileSync(join(cwd, "logs", log), "utf8")).toMatch(/^raft-stress log, format 1\n.*\n\n.*\n$/s);
  });

  it("does not wait for an implementation that spins", async () => {
    const child = start(["TestBasicAgree2B", "-n", "100000", "-p", "4", "--raft", fixtures.spins, "-T", "1h"]);
    await hasBegun(child);
    await sleep(1000);
    const signalledMs = performance.now();
    child.kill("SIGTERM");
    expect((await child).exitCode).toBe(143);
    expect(performance.now() - signalledMs).toBeLessThan(1000);
  });

  it("does not wait for an implementation that is in the midst of a native call", async () => {
    const cwd = project({ "raft.mjs": inNativeCall });
    const child = start(["TestBasicAgree2B", "-n", "4", "-p", "2", "--raft", "raft.mjs", "-T", "1h"], { cwd });
    await hasBegun(child);
    await sleep(500);
    child.kill("SIGINT");
    const { exitCode, stdout } = await child;
    expect(exitCode).toBe(130);
    expect(stdout).toMatch(/\(interrupted\)[\s\S]*0 passed, 0 failed$/);
  });

  it("leaves no process behind that is in the midst of a native call, however often it is told", async () => {
    const cwd = project({ "raft.mjs": inNativeCall });
    const child = start(["TestBasicAgree2B", "-n", "4", "-p", "2", "--raft", "raft.mjs", "-T", "1h"], { cwd });
    await hasBegun(child);
    await sleep(500);
    const children = spawnSync("pgrep", ["-P", `${child.pid}`], { encoding: "utf8" })
      .stdout.trim()
      .split("\n")
      .map(Number);
    expect(children.length).toBeGreaterThan(0);
    child.kill("SIGINT");
    await sleep(100);
    child.kill("SIGINT");
    expect((await child).exitCode).toBe(130);
    while (children.some(isAlive)) await sleep(50);
  });

  it("ends at once at the second signal", async () => {
    const child = start(longRun);
    await hasBegun(child);
    child.kill("SIGINT");
    child.kill("SIGINT");
    expect((await child).exitCode).toBe(130);
  });
});

describe("a reader that goes away", () => {
  const failing = ["2A", "-n", "100000", "--raft", fixtures.neverElects, "-o", "logs"];

  it.each([["list"], ["--help"], ["2A", "-n", "200"], ["2A", "-n", "100000", "--json", "-"], failing])(
    "ends the command quietly: %s ...",
    async (...args) => {
      const child = start(args);
      await hasBegun(child);
      child.stdout.destroy();
      const { stderr, exitCode } = await child;
      expect(stderr).not.toMatch(/EPIPE|[Ee]rror|fault/);
      // 141 as for a program that dies of SIGPIPE; 0 when all was written before the reader went.
      expect([0, 141]).toContain(exitCode);
    },
  );

  it("as head does", async () => {
    const { stdout, stderr } = await execa({
      shell: true,
      env: environment,
      cwd: newDirectory(),
    })`${process.execPath} ${bin} 2A -n 100 | head -1`;
    expect(stdout).toMatch(/^raft-stress .* seed/);
    expect(stderr).toBe("");
  });
});
