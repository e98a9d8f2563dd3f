import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { fixtures, newDirectory, runLines, start } from "./support/command.ts";

describe("a command that passes", () => {
  it("prints header, table, what it proves, throughput and counts, and leaves nothing behind", async () => {
    const cwd = newDirectory();
    const { stdout, stderr, exitCode } = await start(["TestBackup2B", "-n", "50", "-p", "4", "--seed", "5e1f"], { cwd });
    const lines = stdout.split("\n");
    expect(exitCode).toBe(0);
    expect(stderr).toBe("");
    expect(lines[0]).toMatch(
      /^raft-stress \d+\.\d+\.\d+ · TestBackup2B × 50 · 4 at a time · seed 0000000000005e1f · virtual clock · built-in Raft$/,
    );
    expect(lines[1]).toMatch(/^┏━{14}┳━{8}┳━{7}┳━{13,14}┓$/);
    expect(lines[4]).toMatch(/^│ TestBackup2B │ {6}0 │ {4}50 │ {1,2}\d{1,2}\.\d\d ± \d\.\d\d │$/);
    expect(lines[6]).toBe("0 of 50: failure rate below 5.8% (95%); 249 more clean runs for 1%");
    expect(lines[7]).toMatch(
      /^invariants held at every event, with the number of looks: Election Safety [\d,]+, One Vote per Term [\d,]+,/,
    );
    expect(lines.at(-3)).toBe("without occasion: Stable Storage, Snapshot Consistency");
    expect(lines.at(-2)).toMatch(
      /^50 runs in \d+\.\d\d s: \d+\.\d virtual s, [\d,]+ times as fast as real time, \d+(\.\d)? runs a second$/,
    );
    expect(lines.at(-1)).toBe("50 passed, 0 failed");
    expect(readdirSync(cwd)).toEqual([]);
  });

  it("keeps every log with --archive, numbered by the runs that had finished before", async () => {
    const cwd = newDirectory();
    await start(["TestBasicAgree2B", "TestCount2B", "-n", "2", "-a", "-o", "logs"], { cwd });
    expect(readdirSync(join(cwd, "logs")).toSorted()).toEqual(
      ["TestBasicAgree2B_0.log", "TestBasicAgree2B_2.log", "TestCount2B_1.log", "TestCount2B_3.log"].toSorted(),
    );
    const text = readFileSync(join(cwd, "logs", "TestBasicAgree2B_0.log"), "utf8");
    expect(text).toMatch(/^raft-stress log, format 1\ntest: TestBasicAgree2B\n/);
    expect(text).toMatch(/\n {2}\.\.\. Passed -- +\d+\.\d +3 +\d+ +\d+ +3\n/);
    expect(text).toMatch(/\n\d{6} [A-Z0-9]{4} /);
  });

  it("writes less into the logs with RAFT_LOG=none, more with -v", async () => {
    const size = async (args: readonly string[], env: Record<string, string>) => {
      const cwd = newDirectory();
      await start(["TestBasicAgree2B", "-n", "1", "-a", "-o", "logs", "--seed", "1", ...args], { cwd, env });
      return readFileSync(join(cwd, "logs", "TestBasicAgree2B_0.log"), "utf8").length;
    };
    const [none, debug, trace] = await Promise.all([size([], { RAFT_LOG: "none" }), size([], {}), size(["-v"], {})]);
    expect(none).toBeLessThan(debug);
    expect(debug).toBeLessThan(trace);
  });

  it("does what was asked for in the environment and in a configuration file", async () => {
    const cwd = newDirectory();
    writeFileSync(join(cwd, "raft-stress.config.json"), '{ "iter": 3, "profiles": { "more": { "iter": 7 } } }');
    const total = async (args: readonly string[], env = {}) =>
      (await start(["TestBasicAgree2B", ...args], { cwd, env })).stdout.split("\n").at(-1);
    expect(await total([])).toBe("3 passed, 0 failed");
    expect(await total(["--profile", "more"])).toBe("7 passed, 0 failed");
    expect(await total([], { RAFT_STRESS_ITER: "5" })).toBe("5 passed, 0 failed");
    expect(await total(["-n", "1"], { RAFT_STRESS_ITER: "5" })).toBe("1 passed, 0 failed");
  });

  it("goes on round after round with --loop until --for ends it", async () => {
    const { stdout, exitCode } = await start(["TestBasicAgree2B", "-l", "-g", "2", "-n", "1", "--for", "3s", "--json", "-"]);
    const runs = runLines(stdout);
    expect(exitCode).toBe(0);
    // More than one round, on however slow a machine.
    expect(runs.length).toBeGreaterThan(1);
    expect(runs.map(({ iteration }) => iteration)).toEqual([...runs.keys()]);
  });

  it("makes as many runs as the evidence asked for needs", async () => {
    const { stdout, exitCode } = await start(["TestBasicAgree2B", "--until", "2%@95%"]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain("shown: every test's failure rate is below 2%@95%");
    expect(stdout).toMatch(/\n149 passed, 0 failed$/);
  });

  it("exits 5 when the runs do not show what --require asks", async () => {
    const { stdout, exitCode } = await start(["TestBasicAgree2B", "-n", "20", "--require", "1%@95%", "-q"]);
    expect(exitCode).toBe(5);
    expect(stdout).toContain("not shown: 1%@95% needs 299 clean runs of each test");
  });

  it("runs on the real clock, where many runs wait side by side", async () => {
    const { stdout, exitCode } = await start(["TestBasicAgree2B", "-n", "8", "-p", "8", "--clock", "real"]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/8 runs in \d+\.\d\d s: \d+\.\d s of test time, \d+\.\d runs side by side\n8 passed, 0 failed$/);
  });
});

describe("checked mode", () => {
  const lineBelowHeader =
    "checked mode: every invariant after every event; adversarial order of simultaneous events (random ties, priorities, extra delays)";

  it("is told below the header, in the JSON lines and in each log, and by the replay line", async () => {
    const cwd = newDirectory();
    const { stdout, exitCode } = await start(["TestBasicAgree2B", "-r", "-n", "12", "-a", "-o", "logs", "--json", "out"], { cwd });
    expect(exitCode).toBe(0);
    expect(stdout.split("\n")[1]).toBe(lineBelowHeader);
    const json = readFileSync(join(cwd, "out"), "utf8");
    expect(JSON.parse(json.split("\n")[0]!)).toMatchObject({ type: "start", race: true });
    const runs = runLines(json);
    expect(new Set(runs.map(({ schedule }) => schedule)).size).toBeGreaterThan(4);
    for (const { log, schedule, seed } of runs) {
      const text = readFileSync(join(cwd, log!), "utf8");
      expect(text).toContain(`\nmode: checked\nschedule: ${schedule}\n`);
      expect(text).toMatch(new RegExp(`\nreplay: \\S*raft-stress TestBasicAgree2B --seed ${seed} -n 1 -r\n`));
    }
  });

  it("repeats a failed run from its log and from its seed: the same trace hash", async () => {
    const cwd = newDirectory();
    const args = ["TestReElection2A", "-r", "--raft", fixtures.sometimesDeaf];
    const { stdout, exitCode } = await start([...args, "-n", "20", "--seed", "5", "-o", "logs", "--json", "-"], { cwd });
    expect(exitCode).toBe(1);
    const run = runLines(stdout).find(({ outcome }) => outcome === "fail")!;
    const [again, bySeed, plain] = await Promise.all([
      start(["replay", run.log!], { cwd }),
      start([...args, "--seed", run.seed, "-n", "1", "--json", "-"]),
      start(["replay", run.seed, "TestReElection2A", "--raft", fixtures.sometimesDeaf, "--json", "-"]),
    ]);
    expect(again.stdout).toContain(`the same run as in the log: trace hash ${run.traceHash}, `);
    expect(again.stdout).toContain(lineBelowHeader);
    expect(runLines(bySeed.stdout)).toMatchObject([{ traceHash: run.traceHash, reason: run.reason, schedule: run.schedule }]);
    expect(runLines(plain.stdout)[0]!.schedule).toBeUndefined();
    expect(runLines(plain.stdout)[0]!.traceHash).not.toBe(run.traceHash);
  });

  it("passes on safety alone what an unfair schedule leaves no time for, and says how often", async () => {
    const { stdout, stderr, exitCode } = await start([
      "TestInitialElection2A",
      "-r",
      "-n",
      "40",
      "--raft",
      fixtures.neverElects,
      "--json",
      "-",
    ]);
    const runs = runLines(stdout);
    const excused = runs.filter(({ excused }) => excused !== undefined);
    expect(exitCode).toBe(1);
    expect(excused.length).toBeGreaterThan(0);
    for (const { outcome, schedule } of runs) {
      expect(outcome).toBe(schedule!.endsWith("(unfair: safety alone is judged)") ? "pass" : "fail");
    }
    expect(stderr).toContain(`\n${excused.length} runs passed on safety alone: `);
  });

  it("is the same whatever -p is, and with --check-determinism", async () => {
    const args = ["TestPersist12C", "TestReElection2A", "-r", "-n", "6", "--seed", "7", "--json", "-"];
    const [one, four, checked] = await Promise.all([
      start(args),
      start([...args, "-p", "4"]),
      start([...args, "-p", "2", "--check-determinism"]),
    ]);
    const hashes = (stdout: string) => runLines(stdout).map(({ outcome, traceHash }) => [outcome, traceHash]);
    expect(hashes(one!.stdout)).toHaveLength(12);
    expect(hashes(four!.stdout)).toEqual(hashes(one!.stdout));
    expect(hashes(checked!.stdout)).toEqual(hashes(one!.stdout));
  });

  it("can be asked for in a configuration file and in the environment; -R takes it back", async () => {
    const cwd = newDirectory();
    writeFileSync(join(cwd, "raft-stress.config.json"), '{ "race": true, "profiles": { "quick": { "race": false } } }');
    const told = async (args: readonly string[], options = {}) =>
      (await start(["TestBasicAgree2B", "-n", "1", ...args], options)).stdout.includes(lineBelowHeader);
    expect(await told([], { cwd })).toBe(true);
    expect(await told(["--profile", "quick"], { cwd })).toBe(false);
    expect(await told(["-R"], { cwd })).toBe(false);
    expect(await told([], { env: { RAFT_STRESS_RACE: "1" } })).toBe(true);
    expect(await told(["-q"], { cwd })).toBe(false);
  });

  it("--dry-run names it, --resume keeps it apart, and the real clock has none", async () => {
    const cwd = newDirectory();
    expect((await start(["2A", "-r", "--dry-run"])).stdout).toContain(", virtual clock, checked mode:\n");
    await start(["TestBasicAgree2B", "-n", "2", "-r", "--resume", "night"], { cwd });
    const { stderr, exitCode } = await start(["TestBasicAgree2B", "-n", "4", "--resume", "night"], { cwd });
    expect(exitCode).toBe(2);
    expect(stderr).toContain("is of runs of 'built-in, checked mode', and this command runs 'built-in'");
    expect((await start(["TestBasicAgree2B", "-n", "4", "-r", "--resume", "night"], { cwd })).stdout).toContain("2 more runs in");
    const real = await start(["TestBasicAgree2B", "-r", "--clock", "real"]);
    expect([real.exitCode, real.stderr]).toEqual([
      2,
      "raft-stress: --race needs the virtual clock: on --clock real nobody can choose the order of simultaneous events",
    ]);
  });
});

describe("a command that finds failures", () => {
  const args = ["TestBasicAgree2B", "TestReElection2A", "-n", "20", "-p", "2", "--seed", "5", "--raft", fixtures.sometimesDeaf];

  it("tells each one as it happens, saves its log, explains them below the table, exits 1", async () => {
    const cwd = newDirectory();
    const { stdout, exitCode } = await start([...args, "-o", "logs"], { cwd });
    expect(exitCode).toBe(1);
    const told = [...stdout.matchAll(/^Failed test (\w+) - (logs\/\w+\.log)$/gm)];
    const failed = Number(/(\d+) failed$/.exec(stdout)?.[1]);
    expect(failed).toBeGreaterThan(0);
    expect(told).toHaveLength(failed);
    for (const [, test, log] of told) expect(readFileSync(join(cwd, log!), "utf8")).toContain(`\ntest: ${test}\n`);
    expect(stdout).toMatch(
      /\nTestReElection2A: \d+ of 20 failed, [\d.]+% \(95% interval [\d.]+ to [\d.]+%\)\n {2}\d+ × expected one leader/,
    );
    expect(stdout).toMatch(/\n {6}replay: \S*raft-stress TestReElection2A --seed [0-9a-f]{16} -n 1 --raft \S+sometimes-deaf\.mjs\n/);
  });

  it("repeats a failed run from its log and from its seed: the same trace hash", async () => {
    const cwd = newDirectory();
    const { stdout } = await start([...args, "-o", "logs", "--json", "-"], { cwd });
    const run = runLines(stdout).find(({ outcome }) => outcome === "fail")!;
    const again = await start(["replay", run.log!, "-o", "again"], { cwd });
    expect(again.exitCode).toBe(1);
    expect(again.stdout).toContain(`the same run as in the log: trace hash ${run.traceHash}, `);
    const log = readFileSync(join(cwd, "again", `${run.test}_0.log`), "utf8");
    expect(log.split("\n\n").slice(1)).toEqual(readFileSync(join(cwd, run.log!), "utf8").split("\n\n").slice(1));

    const bySeed = await start([run.test, "--seed", run.seed, "-n", "1", "--raft", fixtures.sometimesDeaf, "--json", "-"], { cwd });
    expect(runLines(bySeed.stdout)).toMatchObject([{ traceHash: run.traceHash, reason: run.reason, seed: run.seed, iteration: 0 }]);
    const replayed = await start(["replay", run.seed, run.test, "--raft", fixtures.sometimesDeaf], { cwd });
    expect(replayed.stdout).toMatch(/\n0 passed, 1 failed$/);
  });

  it("says so when a replay is another run than the log's", async () => {
    const cwd = newDirectory();
    const { stdout } = await start([...args, "--json", "-"], { cwd });
    const run = runLines(stdout).find(({ outcome }) => outcome === "fail")!;
    const again = await start(["replay", run.log!, "--raft", fixtures.neverElects], { cwd });
    expect(again.stdout).toContain(`not the same run as in the log: trace hash `);
    expect(again.stdout).toContain(`the log has ${run.traceHash}`);
  });

  const commandSeed = "0000000000000005";

  it("makes a run twice that was not the same when it was made twice, with those beside which it was another one", async () => {
    const cwd = newDirectory();
    const { stdout } = await start([...args, "--json", "-"], { cwd });
    const { log } = runLines(stdout).find(({ iteration, outcome }) => outcome === "fail" && iteration > 0)!;
    const text = readFileSync(join(cwd, log!), "utf8");
    const iteration = Number(/^iteration: (\d+)$/m.exec(text)![1]);
    const beside = text
      .replace(/^outcome: fail$/m, "outcome: nondeterministic")
      .replace(/^(replay: .*) --seed [0-9a-f]+ -n 1 (.*)$/m, `$1 --seed ${commandSeed} -n ${iteration + 1} -p 1 $2 --check-determinism`);
    writeFileSync(join(cwd, "beside.log"), beside);
    const again = await start(["replay", "beside.log", "--json", "runs.jsonl"], { cwd });
    expect(again.stdout).toContain(`× ${iteration + 1} · 1 at a time · seed ${commandSeed} · `);
    expect(again.stdout).toContain("the same run as in the log: ");
    const runs = runLines(readFileSync(join(cwd, "runs.jsonl"), "utf8"));
    expect(runs).toHaveLength(iteration + 1);
    expect(runs.at(-1)).toMatchObject({ iteration, outcome: "fail" });
  });

  it("gives the same runs whatever -p is", async () => {
    const [one, four] = await Promise.all(
      ["1", "4"].map((workers) => start([...args.slice(0, 4), "-p", workers, ...args.slice(6), "--json", "-"])),
    );
    const facts = (stdout: string) =>
      runLines(stdout).map(({ test, seed, outcome, traceHash, rpcs, bytes }) => ({ test, seed, outcome, traceHash, rpcs, bytes }));
    expect(facts(one!.stdout)).toHaveLength(40);
    expect(facts(four!.stdout)).toEqual(facts(one!.stdout));
  });

  it("stops a test at its first failure with -x, and prints no rate for it", async () => {
    const { stdout, exitCode } = await start(["TestReElection2A", "-n", "500", "-x", "--raft", fixtures.sometimesDeaf]);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/\nTestReElection2A: first failure at run \d+\n/);
    expect(Number(/(\d+) passed/.exec(stdout)?.[1])).toBeLessThan(400);
    expect(stdout).not.toContain("95%");
  });

  it("finds runs that differ with --check-determinism, and shows where", async () => {
    const { stdout, exitCode } = await start([
      "TestBasicAgree2B",
      "-n",
      "3",
      "--check-determinism",
      "--raft",
      fixtures.remembers,
      "--json",
      "-",
    ]);
    expect(exitCode).toBe(1);
    expect(runLines(stdout)).toMatchObject([
      { outcome: "nondeterministic" },
      { outcome: "nondeterministic" },
      { outcome: "nondeterministic" },
    ]);
    expect(runLines(stdout)[0]!.reason).toMatch(/event \d+ differs/);
  });
});

describe("an implementation that takes its thread with it", () => {
  it("loses only the run that spins: its log shows the way to the event that never ended", async () => {
    const cwd = newDirectory();
    const args = [
      "TestBasicAgree2B",
      "-n",
      "6",
      "-p",
      "2",
      "--seed",
      "5",
      "-T",
      "700ms",
      "--raft",
      fixtures.spins,
      "--json",
      "-",
      "-o",
      "logs",
    ];
    const { stdout, exitCode } = await start(args, { cwd });
    const runs = runLines(stdout);
    const spun = runs.filter(({ outcome }) => outcome === "timeout");
    expect(exitCode).toBe(1);
    expect(runs).toHaveLength(6);
    expect(spun.length).toBeGreaterThan(0);
    expect(runs.length - spun.length).toBe(runs.filter(({ outcome }) => outcome === "pass").length);
    expect(spun[0]!.reason).toMatch(
      /^event \d+ \(request RequestVote S\d -> S\d .*\), at 0\.\d+ s of the test's time, never ended: the run was stopped after 700ms of real time/,
    );
    const log = readFileSync(join(cwd, spun[0]!.log!), "utf8");
    expect(log).toContain("VOTE");
    const place = String.raw`RequestVote \(.*spins\.mjs:14:\d+\)`;
    expect(log).toMatch(
      new RegExp(
        String.raw`\nevent \d+ \(request RequestVote S\d -> S\d .*\), at .* never ended.*; its code was at ${place}\n    at ${place}\n`,
      ),
    );
    expect(log).toContain("\ntrace hash: none\n");
    const replayed = await start(["replay", spun[0]!.log!, "-T", "700ms"], { cwd });
    expect(replayed.stdout).toContain("the log is of a run that was stopped and has no trace hash; this run: timeout");
  });

  it("loses only the run that calls process.exit", async () => {
    const { stdout, exitCode } = await start([
      "TestBasicAgree2B",
      "-n",
      "30",
      "-p",
      "2",
      "--seed",
      "5",
      "--raft",
      fixtures.exits,
      "--json",
      "-",
    ]);
    const runs = runLines(stdout);
    const crashed = runs.filter(({ outcome }) => outcome === "crash");
    expect(exitCode).toBe(1);
    expect(runs).toHaveLength(30);
    expect(crashed.length).toBeGreaterThan(0);
    expect(crashed.length).toBeLessThan(30);
    expect(crashed[0]!.reason).toMatch(/^S\d called process\.exit\(7\): /);
  });

  it("loses only the run that takes all memory", async () => {
    const { stdout, exitCode } = await start([
      "TestBasicAgree2B",
      "-n",
      "8",
      "-p",
      "2",
      "--seed",
      "5",
      "--raft",
      fixtures.hoards,
      "--json",
      "-",
    ]);
    const runs = runLines(stdout);
    const starved = runs.filter(({ outcome }) => outcome === "crash");
    expect(exitCode).toBe(1);
    expect(runs).toHaveLength(8);
    expect(starved.length).toBeGreaterThan(0);
    expect(starved.length).toBeLessThan(8);
    expect(starved[0]!.reason).toMatch(/^the run's thread ran out of memory; event \d+/);
  });

  const onRealClock = async (raft: string, runs: number, ...args: string[]) => {
    const command = ["TestBasicAgree2B", "-n", `${runs}`, "-p", `${runs}`, "--clock", "real", "--raft", raft, "--json", "-", ...args];
    const { stdout } = await start(command);
    const failed = runLines(stdout).filter(({ outcome }) => outcome !== "pass");
    expect(runLines(stdout)).toHaveLength(runs);
    expect(failed.length).toBeGreaterThan(0);
    expect(failed.length).toBeLessThan(runs);
    return failed;
  };

  it("on the real clock too, where its exit would end a thread that runs share", async () => {
    for (const { outcome, reason, place } of await onRealClock(fixtures.exits, 8, "--seed", "5")) {
      expect(outcome).toBe("crash");
      expect(reason).toMatch(/^S\d called process\.exit\(7\): a server of a Raft runs until it is killed$/);
      expect(place).toMatch(/exits\.mjs:16:\d+/);
    }
  });

  it("that changes the language is found on the real clock, too: the runs that share its thread are made again alone", async () => {
    const cwd = newDirectory();
    const file = join(cwd, "pollutes.mjs");
    const builtIn = JSON.stringify(fileURLToPath(new URL("../../raft/dist/index.js", import.meta.url)));
    const deed = "if (env.me === 1 && env.random.int(0, 2) === 0) setTimeout(() => { Array.prototype.push = () => 0; }, 100);";
    writeFileSync(
      file,
      `import { makeRaft as builtIn } from ${builtIn};\nexport const makeRaft = (env) => {\n${deed}\nreturn builtIn(env);\n};\n`,
    );
    for (const { outcome, reason } of await onRealClock(file, 5, "--seed", "5")) {
      expect(outcome).toBe("crash");
      expect(reason).toMatch(/^a server changed Array\.prototype\.push: /);
    }
  });

  it("that never ends an event on the real clock is told by it, and the runs that share its thread are made again", async () => {
    const failed = await onRealClock(fixtures.spins, 4, "--seed", "6", "-T", "8s");
    expect(failed).toHaveLength(1);
    expect(failed[0]!.outcome).toBe("timeout");
    expect(failed[0]!.reason).toMatch(/^event \d+, at .* never ended: .*; its code was at .*spins\.mjs:\d+:\d+/);
  });

  it("that throws or never elects is a failed run like any other", async () => {
    const causes = async (raft: string) => (await start(["TestBasicAgree2B", "-n", "2", "--raft", raft])).stdout;
    expect(await causes(fixtures.throws)).toMatch(/2 × threw in MakeRaft: Error: no such Raft\n/);
    expect(await causes(fixtures.neverElects)).toMatch(/2 × one\(\) failed to reach agreement within 10 s\n/);
  });

  it("is shown by the lines of its source, if it was compiled", async () => {
    const cwd = newDirectory();
    // Line 3 of the module is line 12 of its source.
    const map = { version: 3, sources: ["my-raft.ts"], names: [], mappings: ";;AAWA" };
    const comment = `//# sourceMappingURL=data:application/json;base64,${Buffer.from(JSON.stringify(map)).toString("base64")}`;
    writeFileSync(join(cwd, "my-raft.mjs"), `export const makeRaft = () => {\n\nthrow new Error("in line 3");\n};\n${comment}\n`);
    await start(["TestBasicAgree2B", "-n", "1", "--raft", "my-raft.mjs", "-o", "logs"], { cwd });
    expect(readFileSync(join(cwd, "logs", "TestBasicAgree2B_0.log"), "utf8")).toMatch(/my-raft\.ts:12:\d+/);
  });

  it.each(["virtual", "real"])("cannot get between the JSON lines what it prints on the %s clock", async (clock) => {
    const { stdout } = await start(["TestBasicAgree2B", "-n", "2", "--raft", fixtures.prints, "--clock", clock, "--json", "-"]);
    expect(runLines(stdout)).toHaveLength(2);
    expect(stdout).not.toContain("printed");
  });

  it("prints into its log", async () => {
    const cwd = newDirectory();
    await start(["TestBasicAgree2B", "-n", "1", "-a", "--raft", fixtures.prints, "-o", "logs"], { cwd });
    expect(readFileSync(join(cwd, "logs", "TestBasicAgree2B_0.log"), "utf8")).toMatch(/^\d{6} INFO S2 printed by a run$/m);
  });
});

describe("bad input: one sentence, the right exit status, nothing run", () => {
  const cwd = newDirectory();
  writeFileSync(join(cwd, "file"), "no log\n");
  writeFileSync(join(cwd, "syntax.mjs"), "export const makeRaft = () => {\n  return {{;\n};\n");

  it.each<[readonly string[], number, RegExp]>([
    [["TestBakup2B"], 4, /no test is named or matched by 'TestBakup2B'; nearest: TestBackup2B, /],
    [["list", "Zebra"], 4, /no test is named or matched by 'Zebra'; nearest: /],
    [["kv:3A"], 4, /there is no suite 'kv'/],
    [["Test("], 2, /Unterminated group/],
    [["-n", "0"], 2, /--iter must be a whole number of at least 1, got '0'/],
    [["-p", "-1"], 2, /--workers must be a whole number of at least 1, got '-1'/],
    [["-n", "x"], 2, /--iter must be a whole number of at least 1, got 'x'/],
    [["-n"], 2, /option '-n, --iter <N>' argument missing/],
    [["--for", "5"], 2, /--for must be a duration above zero with its unit, such as 90s, 2m or 8h, got '5'/],
    [["--iterations", "5"], 2, /unknown option '--iterations'.*--help lists the options/],
    [["-r", "--clock", "real"], 2, /--race needs the virtual clock/],
    [["-o", "file"], 2, /--output must be a directory, and 'file' is a file/],
    [["-o", "file/below"], 2, /logs cannot be written to 'file\/below': a part of the path is a file/],
    [["-o", "/proc/nowhere"], 2, /logs cannot be written to '\/proc\/nowhere'/],
    [["--json", "nowhere/x"], 2, /--json: 'nowhere\/x' cannot be written/],
    [["replay", "file"], 2, /'file' is not the log of a run/],
    [["replay", "nonsense"], 2, /'nonsense' is neither a file nor a seed/],
    [["replay", "abc"], 2, /the seed 'abc' needs a test/],
    [["replay"], 2, /replay: give the log of a run/],
    [["--raft", "nowhere.mjs"], 3, /--raft: the file 'nowhere.mjs' does not exist/],
    [["--raft", "."], 3, /'\.' is a directory without an index file and without a main in its package.json/],
    [["--raft", "syntax.mjs"], 3, /'syntax.mjs' cannot be loaded: syntax.mjs:2:11: Expected /],
    [["--raft", fixtures.noExport], 3, /has no function makeRaft among its exports.*it exports raft/],
    [["--raft", fixtures.throwsOnLoad], 3, /cannot be loaded: TypeError: not today \(\S*throws-on-load.mjs:1:7\)/],
    [["--raft", fixtures.exitsOnLoad], 3, /cannot be loaded: Error: called process\.exit\(3\): .*exits-on-load\.mjs:1:9\)$/],
    [["--raft", fixtures.hangsOnLoad, "-T", "300ms"], 3, /did not load within 300ms; its code was at .*hangs-on-load\.mjs:1:\d+$/],
    [["--config", "nowhere.json"], 2, /configuration file 'nowhere.json' does not exist/],
  ])("%j exits %i", async (args, status, sentence) => {
    const { stdout, stderr, exitCode } = await start(args, { cwd });
    expect(stderr).toMatch(sentence);
    expect(stderr).toMatch(/^raft-stress: [^\n]+$/);
    expect({ exitCode, stdout }).toEqual({ exitCode: status, stdout: "" });
    expect(readdirSync(cwd).toSorted()).toEqual(["file", "syntax.mjs"]);
  });

  it("an environment variable that cannot be read is named", async () => {
    expect((await start([], { env: { RAFT_LOG: "all" } })).stderr).toBe("raft-stress: RAFT_LOG must be none, debug or trace, got 'all'");
    expect((await start([], { env: { RAFT_STRESS_ITER: "many" } })).stderr).toMatch(
      /^raft-stress: RAFT_STRESS_ITER must be a whole number/,
    );
  });
});

describe("what else can be asked", () => {
  it("--help names every option, and loads little", async () => {
    const { stdout, exitCode } = await start(["--help"]);
    expect(exitCode).toBe(0);
    for (const flag of ["-p, --workers", "-n, --iter", "--check-determinism", "-R, --no-race", "list [PATTERN...]", "replay"])
      expect(stdout).toContain(flag);
  });

  it("--version is that of the package", async () => {
    const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { readonly version: string };
    expect((await start(["--version"])).stdout).toBe(version);
  });

  it("list prints names, aliases, parts, servers and descriptions", async () => {
    const lines = (await start(["list"])).stdout.split("\n");
    expect(lines.slice(0, 28).filter((line) => /^Test\w+2[A-D] +Test\w+3[A-D] +2[A-D] +\d servers +\S/.test(line))).toHaveLength(28);
    expect(lines.slice(28, 30)).toEqual(["", "Beyond the lab (run when named: 2X, a name or a pattern)"]);
    const beyond = lines.slice(30);
    expect(beyond.length).toBeGreaterThan(10);
    expect(beyond.filter((line) => /^Test\w+2X +Test\w+3X +2X +\d.* servers +\S/.test(line))).toEqual(beyond);
    expect(beyond[0]).toMatch(/^TestRandomWeather2X +TestRandomWeather3X +2X +3-7 servers +random weather$/);
    expect((await start(["list", "TestRandomWeather2X"])).stdout.split("\n")).toHaveLength(2);
    expect((await start(["list", "Backup"])).stdout).toBe(
      "TestBackup2B  TestBackup3B  2B  5 servers  leader backs up quickly over incorrect follower logs",
    );
  });

  it("--dry-run says what would be run, and runs nothing", async () => {
    const { stdout, exitCode } = await start(["2A", "-n", "7", "--seed", "1", "--dry-run"]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /^would make 7 runs of each of these tests, 21 in all, 1 at a time, seed 0000000000000001, virtual clock:\nTestInitialElection2A /,
    );
  });

  it("without a name the tests beyond the lab are not run; named, they are, and the JSON lines tell each run's servers", async () => {
    expect((await start(["-n", "1", "--dry-run"])).stdout).toMatch(/^would make 1 runs of each of these tests, 28 in all, /);
    const { stdout, stderr, exitCode } = await start(["2X", "-n", "4", "--seed", "5", "--json", "-"]);
    expect(exitCode, stderr).toBe(0);
    const runs = runLines(stdout);
    expect(new Set(runs.map(({ test }) => test)).size).toBeGreaterThan(10);
    const sizes = (test: string) => new Set(runs.filter((run) => run.test === test).map(({ servers }) => servers));
    expect([...sizes("TestEqualHalves2X")].every((size) => size === 4 || size === 6)).toBe(true);
    expect(sizes("TestRandomWeather2X").size).toBeGreaterThan(1);
  });

  it("--color paints names and headings, and NO_COLOR does not", async () => {
    const esc = String.fromCharCode(27);
    expect((await start(["TestBasicAgree2B", "-n", "1", "--color", "always"])).stdout).toContain(`${esc}[32mTestBasicAgree2B`);
    expect((await start(["TestBasicAgree2B", "-n", "1"], { env: { FORCE_COLOR: "1" } })).stdout).toContain(`${esc}[32m`);
    expect((await start(["TestBasicAgree2B", "-n", "1"], { env: { FORCE_COLOR: "1", NO_COLOR: "1" } })).stdout).not.toContain(esc);
  });

  it("a pipe is not painted, on CI neither", async () => {
    expect((await start(["TestBasicAgree2B", "-n", "1"], { env: { CI: "true" } })).stdout).not.toContain(String.fromCharCode(27));
  });

  it("--progress line tells on stderr how far the runs are", async () => {
    const { stderr, stdout } = await start(["TestFigure8Unreliable2C", "-l", "--for", "3s", "--progress", "line"]);
    expect(stderr).toMatch(/^0:00:0\d \d+ of \d+ runs, about /m);
    expect(stdout).not.toContain("about");
  });

  it("--progress panel without a terminal falls back to lines, with a warning", async () => {
    const { stderr, exitCode } = await start(["TestBasicAgree2B", "-n", "1", "--progress", "panel"]);
    expect(stderr).toBe("raft-stress: the panel needs a terminal; progress is shown in lines");
    expect(exitCode).toBe(0);
  });

  it("--json writes a file, and stdout stays as it is", async () => {
    const cwd = newDirectory();
    const { stdout } = await start(["TestBasicAgree2B", "-n", "3", "--json", "runs.jsonl"], { cwd });
    expect(stdout).toMatch(/\n3 passed, 0 failed$/);
    const lines = readFileSync(join(cwd, "runs.jsonl"), "utf8");
    expect(runLines(lines)).toHaveLength(3);
    expect(
      lines
        .trimEnd()
        .split("\n")
        .map((line) => (JSON.parse(line) as { type: string }).type),
    ).toEqual(["start", "run", "run", "run", "summary"]);
    expect(existsSync(join(cwd, "runs.jsonl"))).toBe(true);
  });
});
