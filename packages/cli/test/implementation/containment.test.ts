import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { logsIn, runLines, start } from "../support/command.ts";
import { project } from "../support/project.ts";

/**
 * The built-in Raft with a fault of conduct on S1, 20 ms of virtual time into each run whose first random number is below one half: the other runs must
 * not notice. `deed` is code; line 8 of the module is its first.
 */
function badly(deed: string): string {
  return `import { makeRaft as builtIn } from "@raft-stress/raft";
import type { RaftEnv } from "@raft-stress/raft/api";

export function makeRaft(env: RaftEnv) {
  const raft = builtIn(env);
  const isBad = env.me === 1 && Math.random() < 0.5;
  const misbehave = () => {
    ${deed}
  };
  if (isBad) setTimeout(misbehave, 20);
  return raft;
}
`;
}

/** The same for what a server answers with: \`changes\` are members of the Raft. */
function answering(changes: string): string {
  return `import { makeRaft as builtIn } from "@raft-stress/raft";
import type { RaftEnv } from "@raft-stress/raft/api";

export function makeRaft(env: RaftEnv) {
  const raft = builtIn(env);
  const whole = { start: (c: unknown) => raft.start(c), getState: () => raft.getState(), snapshot() {}, kill: () => raft.kill(), handlers: raft.handlers };
  if (env.me !== 1 || Math.random() < 0.5) return whole;
  return { ...whole, ${changes} };
}
`;
}

async function runsOf(source: string, { timeout = "20s", test = "TestBasicAgree2B", count = 8, seed = "5" } = {}) {
  const cwd = project({ "raft.ts": source });
  const { stdout, exitCode } = await start(
    [test, "-n", `${count}`, "-p", "2", "--seed", seed, "-T", timeout, "--raft", "raft.ts", "--json", "-", "-o", "logs"],
    { cwd },
  );
  const runs = runLines(stdout);
  expect(runs).toHaveLength(count);
  expect(exitCode).toBe(1);
  const failed = runs.filter(({ outcome }) => outcome !== "pass");
  expect(failed.length).toBeGreaterThan(0);
  expect(failed.length).toBeLessThan(count);
  expect(logsIn(join(cwd, "logs"))).toHaveLength(failed.length);
  const log = readFileSync(join(cwd, failed[0]!.log!), "utf8");
  return { outcome: failed[0]!.outcome, reason: failed[0]!.reason!, place: failed[0]!.place, log, cwd, stdout };
}

/** For misdeeds that take seconds: of these runs one or two have it. */
const few = { count: 3, seed: "10", timeout: "60s" };

const inLine8 = /raft\.ts:8:\d+/;

describe("a Raft that misbehaves fails its own runs, with what it did and where, and no others", () => {
  it.each([
    ["throws in a timer", "throw new Error('no');", "crash", /^S1 threw in a setTimeout callback: Error: no$/],
    [
      "leaves a rejection unhandled",
      "void Promise.reject(new Error('no'));",
      "crash",
      /^S1 threw in a promise whose rejection nobody handles: Error: no$/,
    ],
    [
      "throws in a microtask",
      "queueMicrotask(() => { throw new Error('no'); });",
      "crash",
      /^S1 threw in a microtask or timer: Error: no$/,
    ],
    [
      "throws in a nextTick",
      "process.nextTick(() => { throw new Error('no'); });",
      "crash",
      /^S1 threw in a process\.nextTick callback: Error: no$/,
    ],
    ["exits", "process.exit(4);", "crash", /^S1 called process\.exit\(4\): /],
    [
      "reads a file",
      "(process as any).getBuiltinModule('fs').readFileSync('/etc/hostname');",
      "crash",
      /^S1 called fs\.readFileSync\(\): /,
    ],
    ["opens a connection", "void fetch('http://127.0.0.1:9');", "crash", /^S1 called fetch\(\): /],
    [
      "compiles WebAssembly",
      "void (globalThis as any).WebAssembly.compile(new Uint8Array(8));",
      "crash",
      /^S1 called WebAssembly\.compile\(\): /,
    ],
    ["waits in Atomics.wait", "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);", "crash", /^S1 called Atomics\.wait\(\): /],
    [
      "never ends a chain of ticks",
      "const again = () => process.nextTick(again); again();",
      "crash",
      /^S1 queued 1000000 ticks in one event: the event never ends; /,
    ],
    [
      "never ends a chain of microtasks",
      "const again = () => queueMicrotask(again); again();",
      "crash",
      /^S1 queued 1000000 microtasks in one event: the event never ends; /,
    ],
    ["waits for time to pass", "while (Date.now() > 0);", "crash", /^S1 asked for the time 1000000 times in one event: /],
    ["prints 10 MB", "for (let i = 0; i < 200; i++) console.log('x'.repeat(60_000));", "crash", /^S1 wrote 10 MB to the console: /],
    ["pollutes a prototype", "(Array.prototype as any).last = () => 1;", "crash", /^S1 added Array\.prototype\.last: /],
    ["changes a built-in function", "Map.prototype.get = () => undefined;", "crash", /^S1 changed Map\.prototype\.get: /],
    ["changes what everybody uses", "Array.prototype.push = () => 1;", "crash", /^S1 changed Array\.prototype\.push: /],
    [
      "freezes what all servers use",
      "Object.freeze(Array.prototype);",
      "crash",
      /^S1 froze Array\.prototype: it belongs to all servers, and to all runs of this thread$/,
    ],
    [
      "adds a getter that cannot be deleted",
      "Object.defineProperty(Array.prototype, 'last', { get() { return (this as any).at(-1); } });",
      "crash",
      /^S1 added Array\.prototype\.last: /,
    ],
    [
      "replaces a getter",
      "Object.defineProperty(Array, Symbol.species, { value: Map });",
      "crash",
      /^S1 changed Array\[Symbol\(Symbol\.species\)\]: it belongs to all servers, and to all runs of this thread$/,
    ],
    [
      "replaces a global",
      "(globalThis as any).Promise = class {};",
      "crash",
      /^S1 threw in a setTimeout callback: TypeError: Cannot assign to read only property 'Promise' /,
    ],
  ])("%s", async (_, deed, expectedOutcome, reason) => {
    const { outcome, reason: given, place, log } = await runsOf(badly(deed));
    expect(given).toMatch(reason);
    expect(outcome).toBe(expectedOutcome);
    expect(place).toMatch(inLine8);
    expect(log).toMatch(inLine8);
    expect(log).toMatch(/^ +at: +\d+\.\d{3} ms, event \d+$/m);
  });

  it("prints an object that says itself how it is shown, and throws there, with a trace and without", async () => {
    const deed = "console.log({ [Symbol.for('nodejs.util.inspect.custom')]() { throw new Error('no'); } });";
    const { outcome, reason, place } = await runsOf(badly(deed));
    expect(`${outcome}: ${reason}`).toBe("crash: S1 threw in a setTimeout callback: Error: no");
    expect(place).toMatch(inLine8);
  });

  it("changes what the tester itself needs, which is told though no trap can find where", async () => {
    const { outcome, reason } = await runsOf(badly("(Uint8Array.prototype as any).set = () => {};"));
    expect(`${outcome}: ${reason}`).toMatch(/^crash: (a server|S1) (changed|added) Uint8Array\.prototype\.set: /);
  });

  it("throws what is no Error, or text that a terminal would obey, without a place of ours", async () => {
    const nothing = await runsOf(badly("throw null;"));
    expect(nothing.reason).toBe("S1 threw in a setTimeout callback: a value that is no Error (null)");
    expect(nothing.log).not.toMatch(/harness|engine\.cjs/);
    const text = await runsOf(badly("throw new Error('\\x1b[2J\\x07no');"));
    expect(text.reason).toBe("S1 threw in a setTimeout callback: Error: \\x1b[2J\\x07no");
  });

  it.each([
    [
      "never ends a loop",
      "for (;;);",
      /^event \d+ \(S1: a setTimeout callback\), .* never ended: .*; its code was at misbehave \(raft\.ts:8:\d+\)$/,
    ],
    [
      "never ends a chain of promises",
      "void (async () => { for (;;) await null; })();",
      /^event \d+ \(S1: a setTimeout callback\), .* never ended: .*; its code was at .*raft\.ts:8:\d+\)?$/,
    ],
  ])("%s", async (_, deed, reason) => {
    const { outcome, reason: given, log } = await runsOf(badly(deed), { ...few, timeout: "1s" });
    expect(outcome).toBe("timeout");
    expect(given).toMatch(reason);
    expect(log).toMatch(inLine8);
  });

  it("sets immediates without end", async () => {
    const { outcome, reason } = await runsOf(badly("setImmediate(misbehave);"));
    expect(outcome).toBe("stuck");
    expect(reason).toMatch(/^time stands still: events without end at one instant \(.* now S1: a setImmediate callback\)/);
  });

  it("takes memory without end", async () => {
    const { outcome, reason } = await runsOf(badly("const all = []; for (;;) all.push(new Array(1e6).fill(1));"), few);
    expect(outcome).toBe("crash");
    expect(reason).toMatch(
      /^the run's thread ran out of memory; event \d+ .* was under way; its code was at misbehave \(raft\.ts:8:\d+\)$/,
    );
  });

  it("takes more memory at once than V8 can give, which ends its process", async () => {
    const { outcome, reason, log } = await runsOf(badly("void (async () => { await null; })();\n    'x'.repeat(2 ** 27).split('');"), few);
    expect(outcome).toBe("crash");
    expect(reason).toMatch(
      /^the run's thread ran out of memory \(V8: invalid .*\); event \d+ \(S1: a setTimeout callback\), at 0\.020 s of the test's time, was under way; its code was at misbehave \(raft\.ts:9:\d+\)$/,
    );
    expect(log).toMatch(/^000000 TEST agree on command 100\nthe run's thread ran out of memory/m);
  });

  it("ends its process in a constructor, which costs runs and no more", async () => {
    const source = `import { makeRaft as builtIn } from "@raft-stress/raft";
export function makeRaft(env) {
  "x".repeat(2 ** 27).split("");
  return builtIn(env);
}
`;
    const cwd = project({ "raft.js": source });
    const { stdout, exitCode } = await start(["TestBasicAgree2B", "-n", "2", "--raft", "raft.js", "--json", "-"], { cwd });
    expect(exitCode).toBe(1);
    const reasons = runLines(stdout).map(({ reason }) => reason);
    expect(reasons).toHaveLength(2);
    for (const reason of reasons) expect(reason).toMatch(/; event 1 \(S0: MakeRaft\), .*; its code was at makeRaft \(raft\.js:3:\d+\)$/);
  });

  it("never comes back from a native call", async () => {
    const deed = "(process as any).getBuiltinModule('crypto').pbkdf2Sync('a', 'b', 2e9, 64, 'sha512');";
    const { outcome, reason } = await runsOf(badly(deed), { ...few, timeout: "1s" });
    expect(outcome).toBe("timeout");
    expect(reason).toMatch(
      /^event \d+ \(S1: a setTimeout callback\), at 0\.020 s of the test's time, never ended: .*; its code was at misbehave \(raft\.ts:8:\d+\)$/,
    );
  });

  it("ends its process on the real clock, beside others that wait", async () => {
    const cwd = project({ "raft.ts": badly("'x'.repeat(2 ** 27).split('');").replace("Math.random() < 0.5", "env.random.next() < 0.5") });
    const args = [
      "TestInitialElection2A",
      "-n",
      "4",
      "-p",
      "4",
      "--seed",
      "5",
      "--clock",
      "real",
      "--raft",
      "raft.ts",
      "--json",
      "-",
      "-o",
      "logs",
    ];
    const { stdout } = await start(args, { cwd });
    const outcomes = runLines(stdout).map(({ outcome, reason }) => reason ?? outcome);
    expect(outcomes).toHaveLength(4);
    const crashed = outcomes.filter((told) => told !== "pass");
    expect(crashed.length).toBeGreaterThan(0);
    expect(crashed.length).toBeLessThan(4);
    for (const reason of crashed) expect(reason).toMatch(/^the run's thread ran out of memory \(V8: .*\); event \d+ \(S1\), /);
  });

  it.each([
    [
      "a handler that throws",
      "handlers: { ...raft.handlers, RequestVote() { throw new Error('no'); } }",
      "crash",
      /^S1 threw in the handler of RequestVote: Error: no$/,
    ],
    [
      "a handler that rejects",
      "handlers: { ...raft.handlers, async RequestVote() { throw new Error('no'); } }",
      "crash",
      /^S1 threw in the handler of RequestVote: Error: no$/,
    ],
    [
      "a reply that cannot be copied",
      "handlers: { ...raft.handlers, RequestVote: () => ({ term: 1, vote: { granted: () => true } }) }",
      "crash",
      /^S1 threw in the reply of RequestVote: .*vote\.granted/,
    ],
    [
      "a start() that returns a promise",
      "start: async (c: unknown) => raft.start(c)",
      "crash",
      /^S1 answered start\(\) with a promise, expected \{ index, term, isLeader \} at once$/,
    ],
    [
      "an apply in kill()",
      "kill() { raft.kill(); void env.apply({ type: 'command', index: 99, command: 1 }); }",
      "crash",
      /^S1 called env\.apply\(\) after it was killed: a dead server delivers nothing$/,
    ],
    [
      "an apply of a promise that kill() wakes",
      "async kill() { raft.kill(); await null; void env.apply({ type: 'command', index: 99, command: 1 }); }",
      "crash",
      /^S1 called env\.apply\(\) after it was killed: a dead server delivers nothing$/,
    ],
    [
      "an inspect() that leaves a rejection behind",
      "inspect() { void Promise.reject(new Error('no')); return raft.inspect!(); }",
      "crash",
      /^S1 threw in a promise whose rejection nobody handles: Error: no$/,
    ],
    [
      "an inspect() that leaves a throw to a tick",
      "inspect() { process.nextTick(() => { throw new Error('no'); }); return raft.inspect!(); }",
      "crash",
      /^S1 threw in a process\.nextTick callback: Error: no$/,
    ],
    ["a constructor that throws", "get handlers(): never { throw new Error('no'); }", "crash", /^S1 threw in MakeRaft: Error: no$/],
  ])("%s", async (_, changes, expectedOutcome, reason) => {
    const { outcome, reason: given, log } = await runsOf(answering(changes));
    expect(given).toMatch(reason);
    expect(outcome).toBe(expectedOutcome);
    expect(log).toMatch(/^ +at: +\d+\.\d{3} ms, event \d+$/m);
  });

  it("is told on the screen with its place and its event, and in the log with what caused the error", async () => {
    const deed = "throw new Error('no', { cause: new TypeError('bad bytes', { cause: 'disk' }) });";
    const cwd = project({ "raft.ts": badly(deed) });
    const { stdout } = await start(["TestBasicAgree2B", "-n", "8", "--seed", "5", "--raft", "raft.ts", "-o", "logs"], { cwd });
    expect(stdout).toMatch(/\n {6}at: {5}raft\.ts:8:11 \(Timeout\.misbehave\), event \d+ at 0\.020 s\n/);
    const log = readFileSync(join(cwd, "logs", logsIn(join(cwd, "logs"))[0]!), "utf8");
    expect(log).toMatch(
      /\n +Error: no\n +at .*raft\.ts:8:11\)\n +caused by: TypeError: bad bytes\n +at .*raft\.ts:8:36\)\n +caused by: disk\n/,
    );
  });

  it("never answers, which is told when the cluster cannot get on for it", async () => {
    const source = `import { makeRaft as builtIn } from "@raft-stress/raft";
export const makeRaft = (env) => {
  const raft = builtIn(env);
  return { start: raft.start.bind(raft), getState: raft.getState.bind(raft), snapshot() {}, kill() {}, handlers: { RequestVote: () => new Promise(() => {}) } };
};`;
    const cwd = project({ "raft.js": source });
    const { stdout, exitCode } = await start(["TestInitialElection2A", "-n", "1", "--raft", "raft.js"], { cwd });
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(
      /expected one leader, got none\n {6}note: {3}S\d has not answered RequestVote of S\d, which it received at \d\.\d{3} s\n/,
    );
  });

  it("replays from its seed", async () => {
    const { log, cwd } = await runsOf(badly("throw new Error('no');"));
    const name = logsIn(join(cwd, "logs"))[0]!;
    const { stdout } = await start(["replay", join("logs", name)], { cwd });
    expect(stdout).toContain("S1 threw in a setTimeout callback: Error: no");
    expect(stdout).toContain(/trace hash: ([0-9a-f]{16})/.exec(log)![1]!);
  });
});

describe("what a Raft may do without harm", () => {
  it.each([
    [
      "it mutates the arguments it received",
      "handlers: { ...raft.handlers, AppendEntries(args: any) { const reply = (raft.handlers as any).AppendEntries({ ...args, entries: [...args.entries] }); args.entries.length = 0; args.term = -1; return reply; } }",
    ],
    ["it sets a timer when it is killed", "kill() { raft.kill(); setTimeout(() => { throw new Error('late'); }, 1); }"],
    ["it leaves a call unanswered now and then", "handlers: { ...raft.handlers, Unused: () => new Promise(() => {}) }"],
  ])("%s", async (_, changes) => {
    const cwd = project({ "raft.ts": answering(changes) });
    const { stdout, exitCode } = await start(["TestBasicAgree2B", "TestPersist12C", "-n", "4", "--raft", "raft.ts"], { cwd });
    expect(stdout).toMatch(/\n8 passed, 0 failed$/);
    expect(exitCode).toBe(0);
  });
});
