// The panel on a real terminal: tmux is one that a test can read.
import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bin, fixtures, newDirectory } from "./support/command.ts";

const hasTmux = spawnSync("tmux", ["-V"]).status === 0;
if (!hasTmux) process.stderr.write("tmux is not installed: the panel is not tested on a terminal\n");

const server = `raft-stress-test-${process.pid}`;

function tmux(...args: readonly string[]): string {
  const { stdout, status, stderr } = spawnSync("tmux", ["-L", server, "-f", "/dev/null", ...args], { encoding: "utf8" });
  if (status !== 0) throw new Error(`tmux ${args.join(" ")}: ${stderr}`);
  return stdout;
}

const screen = () => tmux("capture-pane", "-p");

/** Waits until the screen matches; returns it. */
async function shows(pattern: RegExp): Promise<string> {
  const deadlineMs = performance.now() + 20_000;
  for (;;) {
    const text = screen();
    if (pattern.test(text)) return text;
    if (performance.now() > deadlineMs) throw new Error(`the terminal never showed ${pattern}:\n${text}`);
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
}

function type(command: string): void {
  tmux("send-keys", "-l", command);
  tmux("send-keys", "Enter");
}

const command = `'${process.execPath}' '${bin}'`;

describe.skipIf(!hasTmux)("the panel", () => {
  beforeAll(async () => {
    const shell = ["env", "-u", "NODE_EXTRA_CA_CERTS", "-u", "CI", "-u", "NO_COLOR", "PS1=ready> ", "bash", "--norc", "--noprofile"];
    tmux("new-session", "-d", "-x", "100", "-y", "24", "-c", newDirectory(), ...shell);
    await shows(/ready>/);
  });
  afterAll(() => void spawnSync("tmux", ["-L", server, "kill-server"]));

  it("shows the total and each test while it runs, and gives way to the table", async () => {
    tmux("resize-window", "-x", "100", "-y", "24");
    type(`clear; ${command} 2A TestBackup2B -n 400 -p 2`);
    const live = await shows(/^. +Tests ━+ 0:00:\d\d 0:00:\d\d +\d+%$/m);
    expect(live).toMatch(/^[⠀-⣿✓] TestInitialElection2A +━+ +\d+\/400$/m);
    const after = await shows(/1600 passed, 0 failed/);
    expect(after).not.toMatch(/^. +Tests ━/m);
    expect(after).toContain("│ TestBackup2B");
    await shows(/ready>\s*$/);
    expect(tmux("display-message", "-p", "#{cursor_flag}").trim()).toBe("1");
  });

  it("fits into 40 columns, names and failures included, and follows the window when it grows", async () => {
    tmux("resize-window", "-x", "40", "-y", "14");
    type(`clear; ${command} 2A 2B -n 100000 -p 2 -o logs --raft ${fixtures.sometimesDeaf}`);
    const narrow = await shows(/^. TestReEle\S* +\d+\/100000 [1-9]\d* failed$/m);
    expect(narrow).toMatch(/… \d+ more/);
    tmux("resize-window", "-x", "100", "-y", "14");
    await shows(/^. TestReElection2A +━+ +\d+\/100000 \d+ failed$/m);
    tmux("send-keys", "C-c");
    await shows(/^\d+ passed, \d+ failed\n+ready>/m);
    expect(tmux("display-message", "-p", "#{cursor_flag}").trim()).toBe("1");
    type("clear; echo status $?");
  });

  it("is stopped by Ctrl-C with status 130", async () => {
    tmux("resize-window", "-x", "100", "-y", "30");
    type(`clear; ${command} 2A -n 1000000 -p 2; echo status $?`);
    await shows(/^. +Tests ━+/m);
    tmux("send-keys", "C-c");
    await shows(/^status 130$/m);
  });

  it("is not drawn on a dumb terminal", async () => {
    type(`clear; TERM=dumb ${command} 2A -n 300 -p 2`);
    const text = await shows(/900 passed, 0 failed/);
    expect(text).not.toContain("Tests ━");
  });

  it("without colours tells done from to do by shape", async () => {
    type(`clear; NO_COLOR=1 ${command} 2A -n 1000000 -p 2`);
    await shows(/^. +Tests ·+ /m);
    tmux("send-keys", "C-c");
    await shows(/\d+ passed, 0 failed/);
  });
});
