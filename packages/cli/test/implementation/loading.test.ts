import { readdirSync, readFileSync, realpathSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { bundleRaft } from "../../src/implementation/bundle.ts";
import { saysStrict } from "../../src/implementation/strictness.ts";
import { logsIn, newDirectory, runLines, start } from "../support/command.ts";
import { project } from "../support/project.ts";
import { fileOf } from "../support/rafts.ts";

const passes = `import { makeRaft as builtIn } from "@raft-stress/raft";\nexport const makeRaft = (env) => builtIn(env);\n`;
const passesAsCommonJs = `const { makeRaft } = require("@raft-stress/raft");\nexports.makeRaft = (env) => makeRaft(env);\n`;

/** One run of the Raft, and its log. */
async function runOf(raft: string, cwd: string, ...more: readonly string[]) {
  const { stdout, stderr, exitCode } = await start(
    ["TestBasicAgree2B", "-n", "1", "--seed", "1", "--raft", raft, "-a", "-o", "logs", ...more],
    { cwd },
  );
  const log = exitCode === 3 ? "" : readFileSync(join(cwd, "logs", "TestBasicAgree2B_0.log"), "utf8");
  return { stdout, stderr, exitCode, log };
}

async function load(raft: string, cwd: string): Promise<{ readonly exitCode: number | undefined; readonly stderr: string }> {
  const { exitCode, stderr } = await start(["TestBasicAgree2B", "-n", "1", "--raft", raft, "-o", "logs"], { cwd });
  return { exitCode, stderr };
}

describe("what --raft takes", () => {
  it("takes settings that extend what is not there, with a warning", async () => {
    const cwd = project({ "raft.ts": passes, "tsconfig.json": '{\n  "extends": "./base.json"\n}' });
    const { exitCode, stderr } = await load("raft.ts", cwd);
    expect(stderr).toBe('raft-stress: tsconfig.json:2:14: Cannot find base config file "./base.json": its settings are not in force');
    expect(exitCode).toBe(0);
  });

  it.each([
    ["raft.ts", passes.replace("(env)", "(env: any)")],
    ["raft.mts", passes.replace("(env)", "(env: any)")],
    ["raft.cts", `import raft = require("@raft-stress/raft");\nexport = (env: any) => raft.makeRaft(env);\n`],
    ["raft.tsx", passes.replace("(env)", "(env: any)")],
    ["raft.js", passes],
    ["raft.js", passesAsCommonJs],
    ["raft.mjs", passes],
    ["raft.cjs", passesAsCommonJs],
    ["raft.cjs", `module.exports = require("@raft-stress/raft").makeRaft;\n`],
    ["raft.cjs", `module.exports = { default: require("@raft-stress/raft").makeRaft };\n`],
    ["raft.mjs", `export { default } from "@raft-stress/raft";\n`],
    ["raft with spaces (and more).ts", passes],
    ["a * directory?/[raft].mjs", passes],
    ["raft.mjs", `${passes}${Array.from({ length: 5000 }, (_, i) => `export const a${i} = ${i};`).join("\n")}`],
    ["raft.mjs", `#!/usr/bin/env node\n${passes}`],
    ["raft.cjs", `#!/usr/bin/env node\n${passesAsCommonJs}`],
  ])("%.40s", async (name, text) => {
    expect(await load(name, project({ [name]: text }))).toEqual({ exitCode: 0, stderr: "" });
  });

  it("a directory: its index, or the main of its package.json", async () => {
    const cwd = project({
      "one/index.ts": passes,
      "two/package.json": '{ "main": "./lib" }',
      "two/lib/index.mjs": passes,
      "three/package.json": '{ "main": "gone.js" }',
      "four/package.json": "{",
    });
    expect(await load("one", cwd)).toEqual({ exitCode: 0, stderr: "" });
    expect(await load(join(cwd, "two"), cwd)).toEqual({ exitCode: 0, stderr: "" });
    const missing = "package.json of the directory 'three' has the main 'gone.js', which does not exist";
    expect(await load("three", cwd)).toEqual({ exitCode: 3, stderr: `raft-stress: --raft: ${missing}` });
    expect(await load("four", cwd)).toEqual({
      exitCode: 3,
      stderr: "raft-stress: --raft: package.json of the directory 'four' cannot be read as JSON",
    });
  });

  it("a link, whose imports are those of the file it leads to", async () => {
    const cwd = project({ "real/raft.ts": `export * from "./other";\n`, "real/other.ts": passes });
    symlinkSync(join(cwd, "real", "raft.ts"), join(cwd, "link.ts"));
    expect(await load("link.ts", cwd)).toEqual({ exitCode: 0, stderr: "" });
  });

  it("no file: the nearest ones are named", async () => {
    const cwd = project({ "my-raft.ts": passes, "notes.md": "", "raft.py": "", "empty/x": "" });
    const sentence = async (raft: string) => (await load(raft, cwd)).stderr.replace("raft-stress: --raft: ", "");
    expect(await sentence("my-raft.js")).toBe("the file 'my-raft.js' does not exist; nearest: my-raft.ts");
    expect(await sentence("./nowhere/my-raft.ts")).toBe(
      "the file './nowhere/my-raft.ts' does not exist, nor does the directory './nowhere'",
    );
    expect(await sentence("empty/y.ts")).toBe("the file 'empty/y.ts' does not exist");
    expect(await sentence("my-raft.ts/x.ts")).toBe("the file 'my-raft.ts/x.ts' does not exist: 'my-raft.ts' is a file");
    expect(await sentence("raft.py")).toMatch(/^'raft\.py' is no TypeScript or JavaScript: expected a file with \.ts, /);
    expect(await sentence("file:///a%20b/raft.ts")).toBe("'file:///a%20b/raft.ts' is a URL: expected a path, such as '/a b/raft.ts'");
    expect(await sentence("file://%/")).toBe("'file://%/' is a URL: expected a path");
    expect(await load("@scope/raft", project({}))).toEqual({
      exitCode: 3,
      stderr: "raft-stress: --raft: the file '@scope/raft' does not exist, nor does the directory '@scope'",
    });
    expect((await load("some-raft", project({}))).stderr).toContain("(it takes a file, not the name of a package)");
  });
});

/** TypeScript as people write it, and every kind of import. */
const everything = {
  "tsconfig.json": `{ // with a comment
    "compilerOptions": { "baseUrl": ".", "paths": { "~/*": ["src/*"] }, "experimentalDecorators": true, },
  }`,
  "node_modules/esm-dep/package.json": '{ "name": "esm-dep", "type": "module", "exports": { ".": { "import": "./index.mjs" } } }',
  "node_modules/esm-dep/index.mjs": "export const fromEsm = 'esm';",
  "node_modules/cjs-dep/package.json": '{ "name": "cjs-dep", "main": "main.js", "sideEffects": false }',
  "node_modules/cjs-dep/main.js": "leaked = 1; var os = require('os'); module.exports = { fromCjs: 'cjs' + typeof os.EOL + leaked };",
  "src/raft.ts": `
    import type { MakeRaft, RaftEnv } from "@raft-stress/raft";
    import { makeRaft as builtIn } from "@raft-stress/raft";
    import { basename } from "node:path";
    import * as util from "util";
    import { fromEsm } from "esm-dep";
    import cjs from "cjs-dep";
    import config from "./config.json";
    import { plain } from "./plain.js";
    import { index } from "./folder";
    import { Aliased } from "~/aliased";
    enum Role { Follower, Leader = "lead" }
    const enum Level { High = 3 }
    namespace Tools { export const twice = (n: number) => 2 * n; }
    function logged(_target: object, _name: string, descriptor: PropertyDescriptor) { descriptor.enumerable = true; }
    class Told<T extends object = {}> {
      static readonly kind = "told" as const;
      declare never: string;
      constructor(private readonly env: RaftEnv, protected made?: T) {}
      @logged tell(): void {
        const parts = [Role.Follower, Role[0], Role.Leader, Level.High, Tools.twice(4), Told.kind, fromEsm, cjs.fromCjs, config.name, plain, index];
        this.env.log("INFO", [...parts, new Aliased(7).n, basename("/a/b"), util.format("%d", 1), basename(import.meta.url)].join(" ") satisfies string);
      }
    }
    export const makeRaft: MakeRaft = (env) => {
      new Told(env).tell();
      void import("node:os").then(({ EOL }) => env.log("INFO", "late " + EOL.length));
      return builtIn(env)!;
    };
  `,
  "src/config.json": '{ "name": "configured" }',
  "src/plain.ts": "export const plain: string = 'plain';",
  "src/folder/index.ts": "export const index = 'folder';",
  "src/aliased.ts": "export class Aliased { constructor(public n: number) {} }",
};

describe("a module of Node's", () => {
  it("is asked for what it may not have, in every way that Node allows", async () => {
    const text = `
      import { makeRaft as builtIn } from "@raft-stress/raft";
      import * as path from "node:path";
      import fs, { constants, type PathLike } from "node:fs";
      import { default as os } from "node:os";
      import { type AddressInfo } from "node:net";
      import { on } from "node:process";
      export { AddressInfo } from "node:net";
      export { type Socket } from "node:net";
      const { nothing } = path;
      export const makeRaft = (env: any, given: AddressInfo | PathLike) => {
        env.log("INFO", [path.nope, fs.nope, os.nope, nothing, constants.nope, typeof on].join());
        return builtIn(env);
      };`;
    expect((await runOf("raft.ts", project({ "raft.ts": text }))).log).toContain("INFO S0 ,,,,,function\n");
  });
});

describe("TypeScript and CommonJS", () => {
  it.each(["module", "commonjs", undefined])("of every kind, in a folder of type %s", async (type) => {
    const cwd = project({ ...everything, "package.json": JSON.stringify({ type }) });
    const before = readdirSync(cwd, { recursive: true }).length;
    const { stderr, exitCode, log } = await runOf("src/raft.ts", cwd);
    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
    expect(log).toContain("INFO S2 0 Follower lead 3 8 told esm cjsstring1 configured plain folder 7 b 1 raft.ts\n");
    expect(log).toContain("INFO S0 late 1\n");
    // The log and its directory, and nothing else.
    expect(readdirSync(cwd, { recursive: true })).toHaveLength(before + 2);
  });

  it("is loaded with the settings that are in force for it, and these alone are needed", async () => {
    const cwd = project({
      "tsconfig.json": '{ "extends": "./nowhere.json", "compilerOptions": { "emitDecoratorMetadata": true } }',
      "src/tsconfig.json": '{ "compilerOptions": { "experimentalDecorators": true, "emitDecoratorMetadata": false } }',
      "src/raft.ts": `${passes}
        const typeOf = (t: any, k: string) => { (Reflect as any).getMetadata?.("design:type", t, k); };
        export class A { @typeOf n = 1; }`,
    });
    expect(await load("src/raft.ts", cwd)).toEqual({ exitCode: 0, stderr: "" });
  });

  it("has the module.require of CommonJS, of Node's modules", async () => {
    const asks = "(module.require && module.require('util').types.isMap(new Map())) || process.binding('util')";
    const cwd = project({
      "raft.cjs": `const asked = [${asks}, require("./asks.cjs")];
        exports.makeRaft = (env) => { env.log("INFO", asked.join()); return require("@raft-stress/raft").makeRaft(env); };`,
      "asks.cjs": `module.exports = ${asks};`,
    });
    expect((await runOf("raft.cjs", cwd)).log).toContain("INFO S0 true,true\n");
  });

  it("that is an ECMAScript module is strict, and CommonJS that does not say so is not", async () => {
    const strictness = `(function () { return this === undefined; })()`;
    const cwd = project({
      "raft.ts": `import { makeRaft as m } from "@raft-stress/raft";\nexport const makeRaft = (env: any) => { env.log("INFO", "strict: " + ${strictness}); return m(env); };`,
      "raft.cjs": `const { makeRaft } = require("@raft-stress/raft");\nexports.makeRaft = (env) => { env.log("INFO", "strict: " + ${strictness}); undeclared = 1; return makeRaft(env); };`,
    });
    expect((await runOf("raft.ts", cwd)).log).toContain("INFO S0 strict: true\n");
    expect((await runOf("raft.cjs", cwd)).log).toContain("INFO S0 strict: false\n");
  });
});

describe("a file says that it is strict", () => {
  it.each<[text: string, says: boolean]>([
    ["'use strict'; x = 1;", true],
    ['#!/usr/bin/env node\n// one\n/* two\n * three */ /**/\n\t"use strict"', true],
    ["x = 1; 'use strict';", false],
    ["// 'use strict'", false],
    ["/* 'use strict'", false],
    ["", false],
  ])("%j: %s", (text, says) => expect(saysStrict(text)).toBe(says));

  it.each(["/* one */\n", "// one\n", "/* 1 */ ", "\n \t", "/**/"])("or not, after ten thousand of %j", (comment) => {
    expect(saysStrict(`${comment.repeat(10_000)}"use strict";`)).toBe(true);
    expect(saysStrict(`${comment.repeat(10_000)}var strict;`)).toBe(false);
  });
});

describe("module-level state", () => {
  /** Runs twice as many as workers, twice: each run must be the same whatever came before it. */
  async function factsOf(text: string, name = "raft.mjs") {
    const cwd = project({ [name]: text });
    const args = ["TestReElection2A", "TestPersist12C", "--seed", "3", "-n", "4", "--raft", name, "--json", "-", "-a", "-o", "logs"];
    const { stdout, stderr, exitCode } = await start(args, { cwd });
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0, stderr: expect.stringMatching(/\n8 passed, 0 failed$/) });
    const logs = readdirSync(join(cwd, "logs")).map((log) => readFileSync(join(cwd, "logs", log), "utf8"));
    const alone = await start([...args.slice(0, 2), "--seed", "3", "-n", "4", "-p", "4", "--check-determinism", ...args.slice(6, 10)], {
      cwd,
    });
    const facts = (lines: string) => runLines(lines).map(({ test, seed, outcome, traceHash }) => ({ test, seed, outcome, traceHash }));
    expect(facts(alone.stdout)).toEqual(facts(stdout));
    return { logs, numbers: logs.flatMap((log) => [...log.matchAll(/INFO S\d number (\d+)/g)].map(([, number]) => Number(number))) };
  }

  const raft = (declarations: string, number: string) => `
    import { makeRaft as builtIn } from "@raft-stress/raft";
    ${declarations}
    export const makeRaft = (env) => {
      const number = ${number};
      env.log("INFO", "number " + number);
      for (let i = 0; i < number; i++) env.random.next();
      return builtIn(env);
    };`;

  it.each([
    ["a counter", raft("let n = 0;", "++n")],
    ["a cache", raft("const cache = new Map();", "cache.set(env, 1).size")],
    ["a private static field", raft("class Id { static #n = 0; static next() { return ++Id.#n; } }", "Id.next()")],
  ])("%s is new for each server at each boot", async (_, text) => {
    const { numbers } = await factsOf(text);
    expect(new Set(numbers)).toEqual(new Set([1]));
    expect(numbers.length).toBeGreaterThan(8 * 3 + 4);
  });

  /** Without an import of the built-in Raft, whose top level makes one: a bundle that is shared. */
  const idle = `({ start: () => ({ index: -1, term: 0, isLeader: false }), getState: () => ({ term: 0, isLeader: false }), snapshot() {}, kill() {}, handlers: {} })`;

  it("that was held to be constant, and turns out not to be, is new for each server all the same", async () => {
    const text = `
      const take = (o) => o;
      function count() { const c = take(count); c.calls = (c.calls ?? 0) + 1; return c.calls; }
      export const makeRaft = (env) => { env.log("INFO", "number " + count()); return ${idle}; };`;
    const cwd = project({ "raft.mjs": text });
    const { stdout } = await start(["TestInitialElection2A", "-n", "3", "--raft", "raft.mjs", "-o", "logs"], { cwd });
    expect(stdout).toMatch(/\n0 passed, 3 failed$/);
    expect(stdout).toContain("3 × expected one leader, got none");
    for (const name of logsIn(join(cwd, "logs"))) {
      const log = readFileSync(join(cwd, "logs", name), "utf8");
      expect([...log.matchAll(/number \d+/g)].map(([number]) => number)).toEqual(["number 1", "number 1", "number 1"]);
      expect(log).toContain("replayed once: the same run");
    }
  });

  it.each([
    [
      "in a getter that replaces itself by a value",
      `class Count {
        static get shared() { const value = new Map(); Object.defineProperty(this, "shared", { value }); return value; }
        next() { return this.constructor.shared.set({}, 1).size; }
      }`,
      "new Count().next()",
    ],
    [
      "under a symbol of a class",
      `const seen = Symbol("seen"); class Count { next() { return (this.constructor[seen] ??= new Set()).add({}).size; } }`,
      "new Count().next()",
    ],
    [
      "in a function that a Map holds",
      `const counts = new Map([["next", () => {}]]); function next() { const f = counts.get("next"); return (f.n = (f.n ?? 0) + 1); }`,
      "next()",
    ],
    ["in a regular expression", `const word = /a/; function next() { const w = word; return ++w.lastIndex; }`, "next()"],
  ])("%s, of a Raft held to be constant, is new in each run and for each server that boots again", async (_, declarations, next) => {
    const { numbers } = await factsOf(`
      import { LabRaft } from "${fileOf("examples/lab-style/raft.ts")}";
      ${declarations}
      export const makeRaft = (env) => { env.log("INFO", "number " + ${next}); return new LabRaft(env); };`);
    expect(new Set(numbers)).toEqual(new Set([1]));
    expect(numbers.length).toBeGreaterThan(8 * 3 + 4);
  });

  it("on a prototype of the language fails the run, and the next finds nothing of it", async () => {
    const text = `
      export const makeRaft = (env) => {
        const language = Object.getPrototypeOf([]);
        env.log("INFO", "boots " + language.boots);
        if (env.me === 2) language.boots = 1;
        return ${idle};
      };`;
    const cwd = project({ "raft.mjs": text });
    await start(["TestInitialElection2A", "-n", "2", "--raft", "raft.mjs", "-o", "logs"], { cwd });
    expect(logsIn(join(cwd, "logs"))).toHaveLength(2);
    for (const name of logsIn(join(cwd, "logs"))) {
      const log = readFileSync(join(cwd, "logs", name), "utf8");
      expect(log).not.toContain("boots 1");
      expect(log).toMatch(/^reason: S2 added Array\.prototype\.boots: /m);
      expect(log).toMatch(/^ +at makeRaft \(raft\.mjs:5:\d+\)$/m);
    }
  });

  it("on the global object ends with the run", async () => {
    const cwd = project({ "raft.mjs": raft("", "(globalThis.boots = (globalThis.boots ?? 0) + 1)") });
    const args = ["TestReElection2A", "--seed", "3", "-n", "4", "-p", "1", "--raft", "raft.mjs", "-a", "-o", "logs"];
    expect((await start(args, { cwd })).exitCode).toBe(0);
    const logs = logsIn(join(cwd, "logs")).map((name) => readFileSync(join(cwd, "logs", name), "utf8"));
    expect(logs.map((log) => [...log.matchAll(/number \d+/g)].join())).toEqual(Array(4).fill("number 1,number 2,number 3"));
  });

  it("on the global object must not be there when a server boots again", async () => {
    const cwd = project({ "raft.mjs": raft("", "(globalThis.boots = (globalThis.boots ?? 0) + 1)") });
    const args = ["TestPersist12C", "--seed", "3", "-n", "1", "--raft", "raft.mjs", "-o", "logs"];
    expect((await start(args, { cwd })).exitCode).toBe(1);
    const log = readFileSync(join(cwd, "logs", logsIn(join(cwd, "logs"))[0]!), "utf8");
    expect(log).toMatch(/^reason: S\d kept something in the global boots: a server that boots again must find what its persister holds/m);
    expect(log).toMatch(/^ +at makeRaft \(raft\.mjs:5:\d+\)$/m);
  });
});

describe("a stack", () => {
  const files = {
    "src/raft.ts": `import { fail } from "./fail";
interface Unused { readonly a: number }

export function makeRaft(env: { log(topic: string, message: string): void }) {
  try {
    fail(1);
  } catch (error) {
    env.log("INFO", (error as Error).stack!);
  }
  return fail(2);
}
`,
    "src/fail.ts": `type Also = string;
export const fail = (n: number): never => { throw new Error(\`no \${n}\`); };
`,
  };

  it("shows the lines of the sources, relative to where the user is, and no frame of ours", async () => {
    const cwd = project(files);
    const { log } = await runOf("src/raft.ts", cwd);
    const stack = /\n {6}Error: no 2\n((?: {10}at .*\n)+)/.exec(log)?.[1];
    expect(stack).toBe("          at fail (src/fail.ts:2:51)\n          at makeRaft (src/raft.ts:10:10)\n");
    expect(log).toMatch(/INFO S0 Error: no 1 \| {5}at fail \(src\/fail\.ts:2:51\) \| {5}at makeRaft \(src\/raft\.ts:6:5\)/);
    expect(log).not.toContain("raft-stress:/");
  });

  it("is shown so in the reason of a failure too, when it is part of what was thrown", async () => {
    const cwd = project({ "raft.ts": "export const makeRaft = () => {\n  throw { why: new Error('inner') };\n};\n" });
    const { stdout } = await start(["TestBasicAgree2B", "-n", "1", "--raft", "raft.ts", "--json", "-", "-o", "logs"], { cwd });
    expect(runLines(stdout)[0]!.reason).toMatch(/Error: inner\s+at makeRaft \(raft\.ts:2:16\)/);
  });

  it("shows the right lines of a file whose first one is for the shell", async () => {
    const text = "#!/usr/bin/env node\n'use strict';\nexports.makeRaft = () => {\n  throw new Error('no');\n};\n";
    const { log } = await runOf("raft.cjs", project({ "raft.cjs": text }));
    expect(log).toContain("at exports.makeRaft (raft.cjs:4:9)\n");
  });

  it("shows whole paths outside of the current directory", async () => {
    const cwd = project(files);
    const { log } = await runOf("raft.ts", join(cwd, "src"));
    expect(log).toContain("at makeRaft (raft.ts:10:10)");
    const away = newDirectory();
    expect((await runOf(join(cwd, "src", "raft.ts"), away)).log).toContain(`at makeRaft (${join(cwd, "src", "raft.ts")}:10:10)`);
  });
});

describe("what is imported for nothing but its effect", () => {
  const dependency = {
    "node_modules/dependency/package.json": '{ "sideEffects": false, "module": "index.js", "main": "index.js" }',
    "node_modules/dependency/index.js": "export * from './used.js'; export * from './unused.js';",
    "node_modules/dependency/used.js": "export const used = 'used'; globalThis.told = 'used';",
    "node_modules/dependency/unused.js": "export const unused = 1; globalThis.told = 'unused';",
  };
  const tells = (imports: string) =>
    `${imports}\nimport { makeRaft as m } from "@raft-stress/raft";\nexport const makeRaft = (env) => { env.log("INFO", "told " + globalThis.told); return m(env); };`;

  it.each<[what: string, told: string, files: Readonly<Record<string, string>>]>([
    [
      "is left out of a package that says it has none",
      "used",
      { "raft.mjs": tells('import { used } from "dependency"; globalThis.kept = used;') },
    ],
    [
      "runs when the package says nothing",
      "unused",
      {
        "raft.mjs": tells('import { used } from "dependency"; globalThis.kept = used;'),
        "node_modules/dependency/package.json": '{ "module": "index.js", "main": "index.js" }',
      },
    ],
    ["runs when the user asks for it, whatever the package says", "unused", { "raft.mjs": tells('import "dependency";') }],
    [
      "runs in the user's own package, whatever that says",
      "mine",
      { "raft.mjs": tells('import "./mine.mjs";'), "mine.mjs": "globalThis.told = 'mine';", "package.json": '{ "sideEffects": false }' },
    ],
    [
      "runs in another package of the user's, whatever that says",
      "mine",
      {
        "app/raft.mjs": tells('import { x } from "../lib/index.mjs"; x;'),
        "lib/index.mjs": "export const x = 1; export * from './mine.mjs';",
        "lib/mine.mjs": "export const y = 1; globalThis.told = 'mine';",
        "lib/package.json": '{ "sideEffects": false }',
      },
    ],
    [
      "runs when a comment says that it has none",
      "mine",
      { "raft.mjs": tells("const f = () => { globalThis.told = 'mine'; }; /* @__PURE__ */ f();") },
    ],
  ])("%s", async (_, told, files) => {
    const raft = Object.keys(files)[0]!;
    const { log } = await runOf(raft, project({ ...dependency, ...files }));
    expect(log).toContain(`INFO S0 told ${told}\n`);
  });
});

describe("functions and classes have the names of their sources", () => {
  const declared = `
    class Vote { static kind = Vote.name; static make() { return new Vote(); } fail() { throw new Error("vote"); } }
    class Plain {}
    class Own { static name = "mine"; static make() { return new Own(); } }
    const sleep = () => {};
    const spelled = function sleep() {};
    function hello() { class Vote { static make() { return new Vote(); } } return Vote.make(); }
    const names = () => [Vote.make().constructor, Plain, Own, sleep, spelled, hello, hello().constructor].map(({ name }) => name).join() + Vote.kind;
  `;
  const shown = "Vote,Plain,mine,sleep,sleep,hello,VoteVote";

  it("though other modules have the same, in whichever way they are imported", async () => {
    const cwd = project({
      "raft.ts": `
        import { makeRaft as builtIn } from "@raft-stress/raft";
        import { other } from "./other";
        import common from "./common.cjs";
        import anonymous from "./anonymous";
        import Shown from "./class";
        ${declared}
        export default (env: any) => { for (const n of [names(), other(), common.names(), anonymous.name, Shown.name]) env.log("INFO", n); return builtIn(env); };`,
      "other.ts": `${declared}\nexport const other = names;`,
      "common.cjs": `"use strict";${declared}\nmodule.exports = { names };`,
      "anonymous.ts": "export default () => {};",
      "class.ts": "export default class { static one = 1 };",
    });
    const { log } = await runOf("raft.ts", cwd);
    const told = [...log.matchAll(/ INFO S0 (.*)/g)].map(([, text]) => text);
    expect(told.slice(0, 5)).toEqual([shown, shown, shown, "default", "default"]);
  });

  it("in stacks, too", async () => {
    const cwd = project({
      "raft.mjs": `import { later } from "./other.mjs";\n${declared}\nexport const makeRaft = () => {\n  later(() => new Vote().fail());\n};\n`,
      "other.mjs": `${declared}\nfunction sleep2() {}\nexport const later = (act) => [act(), sleep2, names];\nfunction act() {}`,
    });
    const { log } = await runOf("raft.mjs", cwd);
    expect(log).toMatch(/ {10}at Vote\.fail \(raft\.mjs:3:95\)\n {10}at raft\.mjs:12:26\n {10}at later \(other\.mjs:11:32\)\n/);
  });

  it("and what is shared stays so", async () => {
    const simple = "class Plain {} function hello() { return [Plain, hello]; }";
    const cwd = project({
      "raft.ts": `import { hello as other } from "./other"; ${simple}; export const makeRaft = () => [hello, other];`,
      "other.ts": `${simple} export { hello };`,
    });
    const { head, code, state } = await bundleRaft(join(cwd, "raft.ts"), "raft.ts");
    expect(head).toContain('"hello"');
    expect(code).toContain('"Plain"');
    expect(state.kind).toBe("shared");
  });
});

describe("a module's place is its own", () => {
  it.each([
    "import.meta.filename",
    "__filename",
    "fileURLToPath(import.meta.url)",
    "join(import.meta.dirname, name)",
    "join(__dirname, name)",
  ])("%s", async (expression) => {
    const place = (name: string) =>
      `import { fileURLToPath } from "node:url"; import { join } from "node:path"; const name = "${name}"; export const place = () => ${expression};`;
    const cwd = project({
      "src/raft.ts": `
          import { makeRaft as builtIn } from "@raft-stress/raft";
          import * as lib from "../lib/lib.mts"; import common from "./common.cjs"; import { place as dependency } from "dependency";
          ${place("raft.ts")}
          export const makeRaft = (env: any) => { for (const f of [place, lib.place, common, dependency]) env.log("INFO", f()); return builtIn(env); };`,
      "lib/lib.mts": place("lib.mts"),
      "src/common.cjs": "module.exports = () => __dirname + '/' + __filename.slice(__dirname.length + 1);",
      "node_modules/dependency/index.js": place("index.js"),
    });
    const { log } = await runOf("src/raft.ts", cwd);
    const files = [...log.matchAll(/ INFO S0 (.*)/g)].map(([, text]) => text).slice(0, 4);
    expect(files).toEqual(
      ["src/raft.ts", "lib/lib.mts", "src/common.cjs", "node_modules/dependency/index.js"].map((name) => join(realpathSync(cwd), name)),
    );
  });

  it("import.meta.resolve: of paths, and of Node's modules", async () => {
    const resolved = (specifier: string) => `import.meta.resolve("${specifier}")`;
    const cwd = project({
      "raft.mjs": `import { tell } from "./lib/tell.mjs"; export const makeRaft = tell;`,
      "lib/tell.mjs": `export const tell = (env) => {
        env.log("INFO", [${resolved("../x.js")}, ${resolved("fs")}, ${resolved("node:fs")}].join());
        ${resolved("rxjs")};
      };`,
    });
    const { log } = await runOf("raft.mjs", cwd);
    expect(log).toContain(`INFO S0 ${pathToFileURL(join(realpathSync(cwd), "x.js")).href},node:fs,node:fs\n`);
    expect(log).toContain(
      "Error: import.meta.resolve('rxjs'): a Raft is loaded as one script, in which only relative paths can be resolved",
    );
    expect(log).toContain("at tell (lib/tell.mjs:3:9)");
  });
});

describe("what cannot be loaded is told in one sentence, with its place", () => {
  it.each<[what: string, files: Readonly<Record<string, string>>, sentence: string]>([
    ["a syntax error", { "raft.ts": "export const a = 1;\nexport const makeRaft = ;\n" }, 'cannot be loaded: raft.ts:2:25: Unexpected ";"'],
    [
      "several",
      { "raft.ts": 'import "./a";\nimport "./b";\n' },
      'cannot be loaded: raft.ts:1:8: Could not resolve "./a" (and 1 more errors)',
    ],
    [
      "one in an imported file",
      { "raft.ts": 'import "./lib/b";', "lib/b.ts": "let 1;" },
      'cannot be loaded: lib/b.ts:1:5: Expected ";" but found "1"',
    ],
    [
      "a missing file",
      { "raft.ts": '\nimport { x } from "./nowhere";\nexport const makeRaft = x;' },
      'cannot be loaded: raft.ts:2:19: Could not resolve "./nowhere"',
    ],
    [
      "a missing package",
      { "raft.ts": 'import x from "no-such-package"; x();' },
      'cannot be loaded: raft.ts:1:15: Could not resolve "no-such-package"',
    ],
    [
      "a missing export",
      { "raft.ts": 'import { y } from "./b";\nexport const makeRaft = y;', "b.ts": "export const x = 1;" },
      'cannot be loaded: raft.ts:1:10: No matching export in "b.ts" for import "y"',
    ],
    [
      "a missing export of a module of Node's",
      {
        "raft.ts": 'import "./b.mjs";\nexport const makeRaft = 1;',
        "b.mjs": 'import { join, nope } from "node:path";\njoin("a");\nexport const f = () => nope("b");\nf();',
      },
      'cannot be loaded: b.mjs:3:24: No matching export in "node:path" for import "nope"',
    ],
    [
      "one beside the default",
      { "raft.cts": 'import fs, { nada } from "fs";\nfs.existsSync(nada);' },
      'cannot be loaded: raft.cts:2:15: No matching export in "fs" for import "nada"',
    ],
    [
      "broken settings, though more is wrong",
      { "raft.ts": 'import "~/a";\nimport "~/b";', "tsconfig.json": '{\n  "compilerOptions": {' },
      "cannot be loaded: tsconfig.json:2:23: Expected string in JSON but found end of file (and 2 more errors)",
    ],
    [
      "decorators that read types",
      {
        "src/raft.ts": 'export { makeRaft } from "@raft-stress/raft"; import { typeOf } from "./types"; export class A { @typeOf n = 1; }',
        "src/types.ts": 'export const typeOf = (t: any, k: string) => { (Reflect as any).getMetadata("design:type", t, k); };',
        "tsconfig.json": '{ "extends": ["./base"] }',
        "base.json": '{ "compilerOptions": { "experimentalDecorators": true, "emitDecoratorMetadata": true, /* both */ }, }',
      },
      'cannot be loaded: tsconfig.json sets emitDecoratorMetadata, and the code reads "design:type", but types are dropped when it is loaded: give the decorators what they need as arguments, or compile with tsc and give the JavaScript',
    ],
    [
      "a top-level await",
      { "raft.ts": "export const makeRaft = () => {};\nawait null;\n" },
      "cannot be loaded: raft.ts:2:1: an await at the top level of a module: a server boots within one event and cannot wait; move it into an async function that makeRaft starts",
    ],
    [
      "a native addon",
      { "raft.cjs": 'const a = require("./addon.node");\nexports.makeRaft = a;', "addon.node": "" },
      "cannot be loaded: raft.cjs:1:19: a native addon (.node) cannot be part of a Raft under test: what it does cannot be repeated",
    ],
    [
      "no export",
      { "raft.ts": "const makeRaft = () => {};" },
      "has no function makeRaft among its exports, and no function as its default export: it exports nothing",
    ],
    [
      "a number",
      { "raft.ts": "\n\nexport const makeRaft: number = 5;" },
      "exports makeRaft as a number, not as a function that makes a Raft (raft.ts:3:14)",
    ],
    [
      "an object",
      { "raft.ts": "export default { makeRaft() {} };" },
      "exports default as an object, not as a function that makes a Raft (raft.ts:1:8)",
    ],
    [
      "a promise",
      { "raft.cjs": "exports.makeRaft = Promise.resolve();" },
      "exports makeRaft as a promise, not as a function that makes a Raft (raft.cjs:1:20)",
    ],
    [
      "a class",
      { "raft.ts": "interface A {}\nexport default class MyRaft {\n  static made = new MyRaft();\n}" },
      "exports default as a class (raft.ts:2:22): export a function that makes one, such as (env) => new MyRaft(env)",
    ],
    [
      "an error",
      { "raft.ts": "import './b';", "b.ts": "const f = () => {\n  throw new RangeError('one\\ntwo');\n};\nf();" },
      "cannot be loaded: RangeError: one (b.ts:2:9)",
    ],
    ["a thrown text", { "raft.ts": "throw 'tantrum';" }, "cannot be loaded: it threw 'tantrum'"],
    ["a thrown nothing", { "raft.ts": "throw undefined;" }, "cannot be loaded: it threw undefined"],
    [
      "a getter that throws",
      { "raft.cjs": "module.exports = {\n  get makeRaft() { throw new Error('not yet'); },\n};" },
      "cannot be loaded: Error: not yet (raft.cjs:2:26)",
    ],
    ["a file whose name is a pattern", { "*.ts": passes }, "has a * in its name, which would stand for other files: rename it"],
    [
      "something thrown that throws",
      { "raft.ts": "throw new Proxy(new Error('x'), { get() { throw 1; }, getPrototypeOf() { throw 2; } });" },
      "cannot be loaded: it threw a value that cannot be described: looking at it throws",
    ],
    [
      "a rejection",
      { "raft.ts": "export const makeRaft = () => {};\nasync function f() {\n  throw new Error('later');\n}\nf();" },
      "cannot be loaded: Error: later (raft.ts:3:9)",
    ],
    [
      "a package that only Node has",
      { "raft.cjs": "const name = './x' + 1;\nexports.makeRaft = require(name);" },
      "cannot be loaded: Error: Cannot find module './x1' (raft.cjs:2:20)",
    ],
  ])("%s", async (_, files, sentence) => {
    const cwd = project(files);
    const raft = Object.keys(files)[0]!;
    expect(await load(raft, cwd)).toEqual({ exitCode: 3, stderr: `raft-stress: --raft: '${raft}' ${sentence}` });
    expect(readdirSync(cwd).toSorted()).toEqual([...new Set(Object.keys(files).map((name) => name.split("/")[0]))].toSorted());
  });

  const whole =
    "start: () => ({ index: -1, term: 0, isLeader: false }), getState: () => ({ term: 0, isLeader: false }), snapshot() {}, kill() {}, handlers: {}";

  it.each([
    ["nothing", "{}", "MakeRaft must return a Raft, got undefined"],
    ["no start", `({ ${whole}, start: undefined })`, "MakeRaft must return a Raft with a method start(), got undefined"],
    ["no kill", `({ ${whole}, kill: 1 })`, "MakeRaft must return a Raft with a method kill(), got number"],
    ["no handlers", `({ ${whole}, handlers: null })`, "MakeRaft must return a Raft with `handlers`, RPC handlers by method name"],
    [
      "a handler that is none",
      `({ ${whole}, handlers: { Vote: "yes" } })`,
      "MakeRaft must return a Raft whose handlers are functions, got string for the handler of Vote",
    ],
    [
      "an inspect that is none",
      `({ ${whole}, inspect: 5 })`,
      "MakeRaft must return a Raft whose inspect is a method or not there, got number",
    ],
    [
      "handlers in a Map",
      `({ ${whole}, handlers: new Map([["Vote", () => {}]]) })`,
      "MakeRaft must return a Raft whose handlers are properties of an object, got a Map",
    ],
    [
      "a list of handlers",
      `({ ${whole}, handlers: [() => {}] })`,
      "MakeRaft must return a Raft whose handlers are properties of an object, got an array",
    ],
    [
      "no state",
      `({ ${whole}, getState() {} })`,
      "MakeRaft must return a Raft whose getState() answers { term, isLeader } at once, got undefined",
    ],
    [
      "a state that comes later",
      `({ ${whole}, async getState() {} })`,
      "MakeRaft must return a Raft whose getState() answers { term, isLeader } at once, got a promise",
    ],
    [
      "a pair for a state",
      `({ ${whole}, getState: () => [1, true] })`,
      "MakeRaft must return a Raft whose getState() answers { term, isLeader } at once, got [ 1, true ]",
    ],
    [
      "a promise",
      `Promise.resolve({ ${whole} })`,
      "MakeRaft must return a Raft, got a promise of one: do asynchronous work after returning",
    ],
  ])("a MakeRaft that returns %s", async (_, body, sentence) => {
    const cwd = project({
      "raft.ts": 'export { boot as makeRaft } from "./boot";',
      "boot.ts": `\nexport const boot = (env: unknown) => ${body};`,
    });
    const expected = `raft-stress: --raft: 'raft.ts' does not fit the contract: ${sentence} (boot.ts:2:14)`;
    expect(await load("raft.ts", cwd)).toEqual({ exitCode: 3, stderr: expected });
  });

  it("but a MakeRaft that throws, rejects, exits or never returns is a Raft whose runs fail", async () => {
    const cwd = project({
      "throws.ts": "export const makeRaft = () => { throw new Error('today'); };",
      "rejects.ts": `export const makeRaft = () => { void Promise.reject(new Error("today")); return { ${whole} }; };`,
      "exits.ts": "export const makeRaft = () => process.exit(9);",
      "spins.ts": "export const makeRaft = () => { for (;;); };",
    });
    const told = async (raft: string) => {
      const { stdout, exitCode } = await start(["TestBasicAgree2B", "-n", "1", "-T", "1s", "--raft", raft, "-o", "logs"], { cwd });
      return { exitCode, cause: /\n {2}1 × (.*)\n/.exec(stdout)?.[1] };
    };
    expect(await told("throws.ts")).toEqual({ exitCode: 1, cause: "threw in MakeRaft: Error: today" });
    expect(await told("rejects.ts")).toEqual({ exitCode: 1, cause: "threw in a promise whose rejection nobody handles: Error: today" });
    expect(await told("exits.ts")).toEqual({ exitCode: 1, cause: "called process.exit(#): a server of a Raft runs until it is killed" });
    expect(await told("spins.ts")).toEqual({ exitCode: 1, cause: "an event never ended: endless loop?" });
  });
});

describe("a module that misbehaves while it is loaded", () => {
  const surplus = "for (const key in {}) throw new Error(key); Object.prototype.surplus = 1; Array.prototype.more = () => {};";

  it.each([
    ["prints a lot", 'process.stdout.write("x".repeat(9_000_000));'],
    ["adds to the language, and finds nothing there before", surplus],
  ])("%s", async (_, text) => {
    const cwd = project({ "raft.mjs": `${passes}${text}\n` });
    const { stdout, exitCode } = await start(["TestBasicAgree2B", "-n", "2", "--raft", "raft.mjs", "-o", "logs"], { cwd });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/\n2 passed, 0 failed$/);
  });

  it.each([
    ["replaces what nothing works without", "globalThis.Object = undefined;", "Cannot assign to read only property 'Object'"],
    ["replaces a timer", "globalThis.setImmediate = undefined;", "changed the global setImmediate while it was evaluated: "],
    ["replaces a method", "Map.prototype.get = () => 1;", "changed Map.prototype.get while it was evaluated: "],
    ["freezes what all objects inherit", "Object.freeze(Object.prototype);", "froze Object.prototype: it belongs to all servers"],
    [
      "freezes all at once",
      "for (const name of ['Object', 'Array', 'Map', 'Promise']) Object.freeze(globalThis[name].prototype);",
      "froze Object.prototype: it belongs to all servers",
    ],
    [
      "replaces what the tester itself needs",
      "Promise.prototype.then = () => {}; Array.prototype.push = () => 0; Object.freeze(Array.prototype);",
      "froze Array.prototype: it belongs to all servers",
    ],
  ])("%s", async (_, text, deed) => {
    const cwd = project({ "raft.mjs": `${passes}${text}` });
    const { exitCode, stderr } = await load("raft.mjs", cwd);
    expect(exitCode).toBe(3);
    expect(stderr).toContain(`raft-stress: --raft: 'raft.mjs' cannot be loaded: `);
    expect(stderr).toMatch(/cannot be loaded: (?:Type)?Error: /);
    expect(stderr).toContain(`Error: ${deed}`);
    expect(stderr).not.toContain("\n");
  });
});
