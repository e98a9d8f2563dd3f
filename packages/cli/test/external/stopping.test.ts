// Time limits and interrupts: no process is left behind, and no log is broken.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { environment, newDirectory, runLines, start } from "../support/command.ts";

/** A process of this name sleeps for a number of seconds that no other test uses. */
const oddSeconds = (tag: number) => `${4000 + tag}.${process.pid}`;

/** Processes that sleep that long; read from /proc, or from ps where there is none. */
async function sleepers(tag: number): Promise<number> {
  const { execa } = await import("execa");
  const { stdout } = await execa("ps", ["-A", "-o", "args="], { env: environment });
  return stdout.split("\n").filter((line) => line.includes(`sleep ${oddSeconds(tag)}`)).length;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await holds()) return;
    await sleep(50);
  }
  throw new Error("it never came to that");
}

const hasSetsid = process.platform === "linux";

describe("-T", () => {
  it("sends the signal that makes a test print its stacks, waits, then kills the whole group", async () => {
    const cwd = newDirectory();
    const polite = `trap "echo the stacks; exit 9" QUIT; echo begun; while :; do sleep 0.05; done`;
    const { stdout } = await start(
      ["--exec", `sh -c '${polite}'`, "T", "-n", "1", "-T", "500ms", "--grace", "5s", "--json", "-", "-o", "logs"],
      { cwd },
    );
    expect(runLines(stdout)).toMatchObject([
      { outcome: "timeout", kind: "timeout", reason: "still running after 500ms (--timeout); ended by SIGQUIT" },
    ]);
    expect(readFileSync(join(cwd, "logs", "T_0.log"), "utf8")).toMatch(
      /\n\nbegun\nraft-stress: still running after 0\.5 s: sent SIGQUIT\n(?:Quit.*\n)?the stacks\n$/,
    );
  });

  it("sends another signal if asked, and kills what ignores it, with the children that ignore everything", async () => {
    const cwd = newDirectory();
    const stubborn = `trap "" HUP INT QUIT TERM USR1; sh -c "sleep ${oddSeconds(1)}" & sleep ${oddSeconds(1)}; sleep ${oddSeconds(1)}`;
    const args = ["T", "-n", "2", "-p", "2", "-T", "300ms", "--timeout-signal", "usr1", "--grace", "300ms", "-o", "logs"];
    const { stdout, stderr } = await start(["--exec", `sh -c '${stubborn}'`, ...args], { cwd });
    expect(stdout).toContain("2 × still running after 300ms (--timeout)\n");
    expect(stdout).toContain("; SIGUSR1 did not end it within 300ms, it was killed");
    expect(readFileSync(join(cwd, "logs", "T_0.log"), "utf8")).toContain(
      "sent SIGUSR1\nraft-stress: still running 0.3 s after SIGUSR1: killed with all its processes\n",
    );
    expect(await sleepers(1)).toBe(0);
    expect(stderr).toBe("");
  });

  it.runIf(hasSetsid)("finds those who made a session of their own", async () => {
    const { stdout } = await start([
      "--exec",
      `sh -c 'setsid sleep ${oddSeconds(2)} & sleep ${oddSeconds(2)}'`,
      "-n",
      "1",
      "-T",
      "400ms",
      "--grace",
      "200ms",
    ]);
    expect(stdout).toMatch(/0 passed, 1 failed$/);
    expect(await sleepers(2)).toBe(0);
  });
});

describe("a run that ends", () => {
  it("leaves no process in its group behind, and that is said", async () => {
    const { stderr, exitCode } = await start(["--exec", `sh -c 'trap "" TERM; sleep ${oddSeconds(3)} &'`, "-n", "3", "-p", "2"]);
    expect(exitCode).toBe(0);
    expect(stderr).toBe("raft-stress: 3 runs have left processes behind, which were ended");
    expect(await sleepers(3)).toBe(0);
  });

  it.runIf(hasSetsid)("leaves none in a session of its own either", async () => {
    const { stderr } = await start(["--exec", `sh -c 'setsid sleep ${oddSeconds(4)} & sleep 0.1'`, "-n", "2"]);
    expect(stderr).toBe("raft-stress: 2 runs have left processes behind, which were ended");
    expect(await sleepers(4)).toBe(0);
  });
});

describe("a command that is interrupted while external tests run", () => {
  /** One run ends at once, the others have a child that ignores signals, in a session of its own if there are such. */
  const script = (tag: number) => {
    const child = `${hasSetsid ? "setsid " : ""}sh -c "trap \\"\\" HUP INT QUIT TERM; sleep ${oddSeconds(tag)}; sleep ${oddSeconds(tag)}"`;
    return `sh -c 'test {iter} -eq 0 && exit 1; trap "" HUP INT QUIT TERM; ${child} & sleep ${oddSeconds(tag)}; sleep ${oddSeconds(tag)}'`;
  };

  it.each([
    ["SIGINT", 130, 5],
    ["SIGTERM", 143, 6],
    ["SIGHUP", 129, 7],
  ] as const)("by %s prints the table within a second, exits %i, and no process stays", async (signal, status, tag) => {
    const cwd = newDirectory();
    const child = start(["--exec", script(tag), "T", "-n", "50", "-p", "4", "-o", "logs"], { cwd });
    await until(async () => (await sleepers(tag)) >= 6);
    const signalledMs = performance.now();
    child.kill(signal);
    const { exitCode, stdout, stderr } = await child;
    expect(performance.now() - signalledMs).toBeLessThan(1000);
    expect(exitCode).toBe(status);
    for (const line of stderr.split("\n").filter((text) => text !== ""))
      expect(line).toMatch(/^cut short after \d+\.\d s: T, iteration \d+, seed /);
    expect(stdout).toContain("(interrupted)");
    expect(stdout).toMatch(/\n0 passed, 1 failed$/);
    expect(await sleepers(tag)).toBe(0);
    expect(readdirSync(join(cwd, "logs")).toSorted()).toEqual(["T_0.log", "runs.json"]);
    expect(readFileSync(join(cwd, "logs", "T_0.log"), "utf8")).toMatch(/^raft-stress log, format 1\n.*\n\n/s);
  });

  it("a second time ends at once, and no process stays", async () => {
    const child = start(["--exec", script(8), "T", "-n", "50", "-p", "4"]);
    await until(async () => (await sleepers(8)) >= 6);
    child.kill("SIGINT");
    await sleep(50);
    child.kill("SIGINT");
    expect((await child).exitCode).toBe(130);
    expect(await sleepers(8)).toBe(0);
  });
});
