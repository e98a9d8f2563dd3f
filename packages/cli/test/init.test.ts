import { chmodSync, mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { labTests } from "@raft-stress/harness";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { environment, newDirectory, runLines, start } from "./support/command.ts";
import { fileOf } from "./support/rafts.ts";

const template = readFileSync(fileOf("packages/cli/templates/my-raft.ts"), "utf8");

async function init(cwd: string, ...words: readonly string[]) {
  const { stdout, stderr, exitCode } = await start(["init", ...words], { cwd });
  return { stdout, stderr, exitCode };
}

describe("init", () => {
  it("writes a file and says what to do with it", async () => {
    const cwd = newDirectory();
    const stdout = [
      "Wrote my-raft.ts: a Raft with nothing in it yet, and hints where the work is.",
      `Its first test:  ${relative(realpathSync(cwd), fileOf("raft-stress"))} --raft my-raft.ts TestInitialElection2A`,
    ].join("\n");
    expect(await init(cwd, "my-raft.ts")).toEqual({ exitCode: 0, stderr: "", stdout });
    expect(readdirSync(cwd)).toEqual(["my-raft.ts"]);
  });

  it("prints a command that a shell takes as it is meant", async () => {
    const cwd = newDirectory();
    const { stdout } = await init(cwd, "it's my raft.ts");
    const command = /Its first test: {2}(.*)$/.exec(stdout)?.[1];
    const ran = await execa(command!, ["--dry-run"], { cwd, shell: true, reject: false, env: environment });
    expect(ran).toMatchObject({ exitCode: 0, stderr: "", stdout: expect.stringContaining("TestInitialElection2A") });
  });

  it("holds the contract in place of an import of it, word for word", async () => {
    const cwd = newDirectory();
    await init(cwd, "my-raft.ts");
    const written = readFileSync(join(cwd, "my-raft.ts"), "utf8");
    const [code, types] = written.split("\n// ---- The contract ----\n\n");
    expect(`import type { MakeRaft, Raft, RaftEnv, StartResult } from "@raft-stress/raft/api";\n\n${code}`).toBe(template);
    const words = (text: string) => text.split(/\s+/).filter((word) => word !== "");
    expect(words(types!)).toEqual(words(readFileSync(fileOf("packages/raft/dist/api.d.ts"), "utf8")));
    expect(types).not.toMatch(/\n\n\n|\n\n$/);
  });

  it("takes any name of a TypeScript file, and has one of its own", async () => {
    const cwd = newDirectory();
    mkdirSync(join(cwd, "src"));
    for (const words of [[], ["src/raft.mts"], [join(cwd, "it's a raft.ts")]])
      expect(await init(cwd, ...words)).toMatchObject({ exitCode: 0 });
    expect(readdirSync(cwd).toSorted()).toEqual(["it's a raft.ts", "my-raft.ts", "src"]);
    expect(readdirSync(join(cwd, "src"))).toEqual(["raft.mts"]);
  });

  it("never overwrites what is there, whatever it is", async () => {
    const cwd = newDirectory();
    writeFileSync(join(cwd, "work.ts"), "years of work\n");
    mkdirSync(join(cwd, "folder.ts"));
    symlinkSync(join(cwd, "elsewhere.ts"), join(cwd, "link.ts"));
    for (const name of ["work.ts", "folder.ts", "link.ts"]) {
      const stderr = `raft-stress: '${name}' exists already: give the name of a file that is to be made`;
      expect(await init(cwd, name)).toEqual({ exitCode: 2, stdout: "", stderr });
    }
    expect(readFileSync(join(cwd, "work.ts"), "utf8")).toBe("years of work\n");
    expect(readdirSync(cwd).toSorted()).toEqual(["folder.ts", "link.ts", "work.ts"]);
  });

  it.each([
    ["raft.js", "init writes TypeScript: give a name that ends in .ts, got 'raft.js'"],
    ["raft", "init writes TypeScript: give a name that ends in .ts, got 'raft'"],
    [".ts", "init writes TypeScript: give a name that ends in .ts, got '.ts'"],
    ["nowhere/raft.ts", "'nowhere/raft.ts' cannot be written: the directory 'nowhere' does not exist"],
    ["file/raft.ts", "'file/raft.ts' cannot be written: 'file' is no directory"],
    ["/proc/raft.ts", "'/proc/raft.ts' cannot be written: nothing can be made in '/proc'"],
  ])("refuses %s in one sentence", async (name, sentence) => {
    const cwd = newDirectory();
    writeFileSync(join(cwd, "file"), "");
    expect(await init(cwd, name)).toEqual({ exitCode: 2, stdout: "", stderr: `raft-stress: ${sentence}` });
    expect(readdirSync(cwd)).toEqual(["file"]);
  });

  it("says so when it may not write there", async () => {
    const cwd = newDirectory();
    chmodSync(cwd, 0o555);
    const stderr = "raft-stress: 'raft.ts' cannot be written: permission denied";
    // The superuser may write anywhere.
    const expected = process.getuid?.() === 0 ? { exitCode: 0 } : { exitCode: 2, stdout: "", stderr };
    expect(await init(cwd, "raft.ts")).toMatchObject(expected);
  });
});

describe("the file that init writes", () => {
  it("fails the first test for the right reason: nobody leads", async () => {
    const cwd = newDirectory();
    await init(cwd, "my-raft.ts");
    const { stdout, stderr, exitCode } = await start(["--raft", "my-raft.ts", "TestInitialElection2A", "--progress", "none"], { cwd });
    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 1 });
    expect(stdout).toMatch(/\nTestInitialElection2A: 10 of 10 failed, .*\n {2}10 × expected one leader, got none\n {6}log: /);
  });

  it("makes no other mistake in any test", async () => {
    const cwd = newDirectory();
    await init(cwd, "my-raft.ts");
    const { stdout } = await start(["--raft", "my-raft.ts", "-n", "1", "--check-determinism", "--json", "-"], { cwd });
    const runs = runLines(stdout);
    expect(runs).toHaveLength(labTests.length);
    for (const { test, outcome, reason } of runs) {
      expect(`${test} ${outcome}: ${reason}`).toMatch(
        / fail: (expected one leader, got none|one\(\d+\) failed to reach agreement within 10 s: no server applied it, wanted \d)$/,
      );
    }
  });

  const tsc = (cwd: string, ...args: readonly string[]) =>
    execa(process.execPath, [fileOf("node_modules/typescript/bin/tsc"), ...args], { cwd, reject: false });

  it("needs nothing to have no type errors", async () => {
    const cwd = newDirectory();
    await init(cwd, "my-raft.ts");
    const { stdout, exitCode } = await tsc(cwd, "--strict", "--noEmit", "my-raft.ts");
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 0 });
  });

  it("has no type errors under the strictest rules", async () => {
    const cwd = newDirectory();
    await init(cwd, "my-raft.ts");
    const options = { strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true, erasableSyntaxOnly: true };
    const more = { isolatedModules: true, verbatimModuleSyntax: true, noUnusedLocals: true, noUnusedParameters: true };
    const compilerOptions = { ...options, ...more, noEmit: true, target: "es2022", lib: ["es2022", "dom"], module: "nodenext" };
    writeFileSync(join(cwd, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["my-raft.ts"] }));
    writeFileSync(join(cwd, "package.json"), '{ "type": "module" }');
    const { stdout, exitCode } = await tsc(cwd, "-p", cwd);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 0 });
  });
});
