import { EventEmitter } from "node:events";
import util from "node:util";
import { describe, expect, test } from "vitest";
import { boot, onServer, type Program, realAndSimulated, runServer, runServers, withAmbient } from "../support/ambient.ts";

const sleep = (delayMs: number): Promise<void> => new Promise((done) => setTimeout(done, delayMs));

/** The trace that a program leaves. */
async function traceOf(program: Program<unknown>): Promise<string[]> {
  const { trace, error } = await runServer(program, { traceLevel: "debug" });
  expect(error).toBeUndefined();
  return trace.split("\n").slice(0, -1);
}

describe("console", () => {
  test("writes into the trace: time, topic, server, text", async () => {
    const lines = await traceOf(async () => {
      console.log("term %d", 3, { votedFor: 1 });
      await sleep(12);
      console.info("info");
      console.debug("debug");
      console.warn("warn");
      console.error(new RangeError("error").message);
      console.assert(1 > 2, "impossible");
      console.dir([1]);
      console.table([{ a: 1 }]);
    });
    expect(lines.slice(0, 7)).toEqual([
      "000000 INFO S0 term 3 { votedFor: 1 }",
      "000012 INFO S0 info",
      "000012 INFO S0 debug",
      "000012 WARN S0 warn",
      "000012 ERRO S0 error",
      "000012 WARN S0 Assertion failed: impossible",
      "000012 INFO S0 [ 1 ]",
    ]);
    expect(lines[7]).toContain("(index)");
  });

  test("groups, counters and stopwatches are a server's own and end with it", async () => {
    const say = async (): Promise<void> => {
      console.count("calls");
      console.time("t");
      console.group("group");
      await sleep(5);
      console.log("inside");
      console.warn("inside, too");
      console.timeEnd("t");
    };
    const sayInTwoLives: Program<void> = async ({ simulation }) => {
      await say();
      await simulation.enter(boot(simulation, 2), "again", say);
    };
    const { trace } = await runServers([say, say, sayInTwoLives], { traceLevel: "debug" });
    const of = (server: number) =>
      trace
        .split("\n")
        .filter((line) => line.includes(` S${server} `))
        .map((line) => line.slice(7).replace(` S${server} `, " "));
    const said = ["INFO calls: 1", "INFO group", "INFO   inside", "WARN   inside, too", "INFO   t: 5.000ms"];
    expect(of(0)).toEqual(said);
    expect(of(1)).toEqual(said);
    expect(of(2)).toEqual([...said, ...said]);
  });

  test("has every member of the real one", async () => {
    const names = Object.keys(console).filter((name) => !name.startsWith("_"));
    const { real, simulated } = await realAndSimulated(() => names.map((name) => `${name}: ${typeof Reflect.get(console, name)}`));
    expect(simulated).toEqual(real);
  });

  test("recording changes nothing", async () => {
    const program = async (): Promise<number> => {
      for (let i = 0; i < 20; i++) {
        console.log("line", i, [Math.random()]);
        process.stdout.write("text\n");
        await sleep(1);
      }
      return Math.random();
    };
    const { trace: quiet, ...first } = await runServer(program);
    const { trace: loud, ...second } = await runServer(program, { traceLevel: "debug" });
    expect(second).toEqual(first);
    expect([quiet, loud.length > 100]).toEqual(["", true]);
  });

  test.each([
    ["console.log", (text: string) => console.log(text)],
    ["console.error", (text: string) => console.error("%s", text)],
    ["process.stdout.write", (text: string) => process.stdout.write(text)],
  ])("10 MB through %s end the run, with or without a trace", async (_name, write) => {
    for (const traceLevel of ["none", "debug"] as const) {
      const { error } = await runServer(
        () => {
          for (let i = 0; i < 20; i++) write("x".repeat(2 ** 19));
        },
        { traceLevel },
      );
      expect(error?.message).toBe("S0 wrote 10 MB to the console: a run's trace is for reading");
      expect(error?.stack?.split("\n").find((line) => line.startsWith("    at "))).toContain("console-and-process.test.ts");
    }
  });
});

describe("process", () => {
  test("has every member of the real one: simulated, as it is, or forbidden", async () => {
    const functions = new Map<string, unknown>();
    const names: string[] = [];
    for (let owner: object = process; owner !== Object.prototype; owner = Object.getPrototypeOf(owner) as object) {
      for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(owner))) {
        names.push(name);
        if (typeof value === "function" && !functions.has(name)) functions.set(name, value);
      }
    }
    const passed = await onServer(() => {
      for (const name of names) expect(name in process, name).toBe(true);
      return [...functions.keys()].filter((name) => Reflect.get(process, name) === functions.get(name));
    });
    const harmless = ["cwd", "getuid", "geteuid", "getgid", "getegid", "getgroups", "assert", "hasUncaughtExceptionCaptureCallback"];
    expect(passed.filter((name) => !harmless.includes(name))).toEqual([]);
  });

  test.runIf("log" in util)("util.log writes into the trace", async () => {
    const lines = await traceOf(async ({ ambient }) => {
      await sleep(61_001);
      (ambient.requireBuiltin("util") as { log(...args: unknown[]): void }).log("term %d", 3);
    });
    expect(lines.map((line) => line.slice(7))).toEqual(["INFO S0 1 Jan 00:01:01 - term 3"]);
  });

  test("streams write into the trace and call back as Node's do", async () => {
    const lines = await traceOf(async () => {
      const order: string[] = [];
      process.stdout.write("one\n", () => order.push("written"));
      process.stderr.write(Buffer.from("two"));
      process.stdout.write("three", "utf8", () => order.push("written, too"));
      order.push("asked");
      await sleep(1);
      console.log(order.join(", "));
      process.emitWarning("careful");
      console.log(process.stdout.isTTY, process.stdout.fd, process.stdout.columns, process.stdin);
    });
    expect(lines.map((line) => line.slice(7))).toEqual([
      "INFO S0 one",
      "ERRO S0 two",
      "INFO S0 three",
      "INFO S0 asked, written, written, too",
      "WARN S0 careful",
      "INFO S0 false 1 80 undefined",
    ]);
  });

  test("its environment is each life's own copy", async () => {
    process.env.RAFT_STRESS_TEST = "real";
    const look = (): unknown => {
      const seen = process.env.RAFT_STRESS_TEST;
      process.env.RAFT_STRESS_TEST = "changed";
      process.env.RAFT_STRESS_NEW = "new";
      return [seen, process.env.RAFT_STRESS_TEST];
    };
    await withAmbient(async (ambient) => {
      for (let run = 0; run < 2; run++) {
        const { value } = await runServers<unknown>([look, look], {}, ambient);
        expect(value).toEqual([
          ["real", "changed"],
          ["real", "changed"],
        ]);
      }
    });
    expect([process.env.RAFT_STRESS_TEST, process.env.RAFT_STRESS_NEW]).toEqual(["real", undefined]);
    delete process.env.RAFT_STRESS_TEST;
  });

  test("its environment holds strings, whatever they were set to", async () => {
    const seen = await onServer(() => {
      const { env } = process as object as { env: Record<string | symbol, unknown> };
      env.NUMBER = 1;
      env.NOTHING = undefined;
      Object.assign(env, { OBJECT: {}, GONE: "x" });
      delete env.GONE;
      const refused = [() => (env.SYMBOL = Symbol("s")), () => (env[Symbol("s")] = "x")].map((set) => {
        try {
          return set();
        } catch (error) {
          return (error as Error).name;
        }
      });
      return [env.NUMBER, env.NOTHING, env.OBJECT, env.GONE, "GONE" in env, Object.keys(env).includes("NUMBER"), ...refused];
    });
    expect(seen).toEqual(["1", "undefined", "[object Object]", undefined, false, true, "TypeError", "TypeError"]);
  });

  test("has nothing real behind it", async () => {
    const real = process;
    const realMembers = new Set<unknown>();
    for (let owner: object = real; owner !== EventEmitter.prototype; owner = Object.getPrototypeOf(owner) as object) {
      for (const { value } of Object.values(Object.getOwnPropertyDescriptors(owner))) if (typeof value === "object") realMembers.add(value);
    }
    realMembers.delete(null);
    const seen = await onServer(() => {
      const chain: unknown[] = [];
      for (let owner: object | null = process; owner !== null; owner = Object.getPrototypeOf(owner) as object | null) chain.push(owner);
      const values = chain.slice(0, 2).flatMap((owner) => Reflect.ownKeys(owner as object).map((key) => Reflect.get(owner as object, key)));
      return {
        reachesReal: chain.includes(real) || chain.includes(Object.getPrototypeOf(real)) || values.includes(real),
        shared: values.filter((value) => realMembers.has(value)),
        names: [process.constructor.name, Object.prototype.toString.call(process), process instanceof EventEmitter],
        nothing: [process.mainModule, Reflect.get(process, "moduleLoadList"), Reflect.get(process, "_events")],
        frozen: [process.versions, process.release, process.config, process.features].every(Object.isFrozen),
        versions: [process.versions.node, process.allowedNodeEnvironmentFlags.has("--no-warnings")],
      };
    });
    expect(seen).toEqual({
      reachesReal: false,
      shared: [],
      names: ["process", "[object process]", true],
      nothing: [undefined, undefined, undefined],
      frozen: true,
      versions: [real.versions.node, true],
    });
  });

  test("each server is a process; its listeners hear nothing; nothing of it outlives it", async () => {
    const before = process.eventNames().map((name) => [name, process.listenerCount(name)]);
    const { value } = await runServers<unknown>([
      () => [process.pid, process.ppid, process.argv.length, process.execArgv, process.exitCode],
      ({ ambient }) => [
        process.pid,
        process.on("exit", () => {}) === process,
        process.listenerCount("exit"),
        process.emit("exit", 0),
        ambient.requireBuiltin("process") === process,
      ],
      () => [
        process.getBuiltinModule("node:timers").setTimeout === setTimeout,
        process.getBuiltinModule("no-such-module"),
        String(process),
        typeof process.version,
      ],
    ]);
    expect(value).toEqual([
      [1000, 1, 1, [], undefined],
      [1001, true, 0, false, true],
      [true, undefined, "[object process]", "string"],
    ]);
    expect(process.eventNames().map((name) => [name, process.listenerCount(name)])).toEqual(before);
    expect(process instanceof EventEmitter).toBe(true);
  });
});
