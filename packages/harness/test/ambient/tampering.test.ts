import type { MakeRaft, RaftEnv } from "@raft-stress/raft/api";
import { describe, expect, test } from "vitest";
import type { Ambient } from "../../src/ambient/install.ts";
import type { IterationResult } from "../../src/result.ts";
import { withAmbient } from "../support/ambient.ts";
import { FixedLeader, fixedLeader } from "../support/fixed-leader.ts";
import { identity, run } from "../support/runs.ts";

const lab = "TestBasicAgree2B";

/** A Raft that does something in the handler of its first Append, on server 1. */
function doing(deed: (env: RaftEnv) => unknown) {
  return (env: RaftEnv) => {
    const raft = new FixedLeader(env);
    const append = raft.handlers.Append;
    let done = false;
    raft.handlers.Append = (args) => {
      if (env.me === 1 && !done) {
        done = true;
        deed(env);
      }
      return append(args);
    };
    return raft;
  };
}

function expectLocated({ outcome, failure, log }: IterationResult, deed: string, located: "at its line" | "at its event"): void {
  expect(outcome).toBe("crash");
  expect(failure?.reason).toBe(`S1 ${deed}: the built-in objects belong to all servers, and to all runs of this thread`);
  expect(failure?.server).toBe(1);
  expect(failure?.event).toBeGreaterThan(0);
  expect(log).toContain("replayed once, up to the event that did it");
  const frames = failure?.stack?.split("\n").filter((line) => line.startsWith("    at ")) ?? [];
  if (located === "at its line") expect(frames.find((frame) => !frame.includes("<anonymous>"))).toContain("tampering.test.ts");
  else expect(frames).toEqual([]);
}

describe("a change of a built-in object fails the run, names server, event and line, and is undone", () => {
  const hidden = { value: () => 0, configurable: true };
  const traps: Record<string, () => unknown> = {
    "changed Array.prototype.at": () => Reflect.set(Array.prototype, "at", () => 0),
    "added Array.prototype.last": () => Object.assign(Array.prototype, { last: () => 0 }),
    "added Object.prototype.isAdmin": () => {
      const prototype = Reflect.get(JSON.parse("{}") as object, "__proto__") as Record<string, unknown>;
      prototype.isAdmin = true;
    },
    "changed Math.random": () => (Math.random = () => 0.5),
    "changed the global setTimeout": () => Reflect.set(globalThis, "setTimeout", () => 0),
    "changed Date.now": () => (Date.now = () => 0),
    "changed console.log": () => (console.log = () => {}),
    "changed process.exitCode": () => (process.exitCode = 1),
    "added Map.prototype[Symbol(mine)]": () => Object.defineProperty(Map.prototype, Symbol("mine"), hidden),
    "added Promise.prototype.also": () => Reflect.defineProperty(Promise.prototype, "also", hidden),
    "added Set.prototype.plus": () => Object.defineProperties(Set.prototype, { plus: hidden }),
    "deleted Array.prototype.flat": () => Reflect.deleteProperty(Array.prototype, "flat"),
    "changed the prototype of Error.prototype": () => Object.setPrototypeOf(Error.prototype, {}),
  };
  for (const [deed, change] of Object.entries(traps)) {
    test(`${deed}, at its line`, async () => {
      await withAmbient(async () => {
        expectLocated(await run(lab, doing(change)), deed, "at its line");
        expect((await run(lab, fixedLeader)).outcome).toBe("pass");
      });
    });
  }

  test("a property named by a symbol that each run makes anew is told with its event", async () => {
    await withAmbient(async () => {
      expectLocated(
        await run(
          lab,
          doing(() => Reflect.set(Map.prototype, Symbol("tag"), 1)),
        ),
        "added Map.prototype[Symbol(tag)]",
        "at its event",
      );
    });
  });

  test("what is deleted is told with its event", async () => {
    await withAmbient(async () => {
      const remove = (): boolean => delete (Array.prototype as { flatMap?: unknown }).flatMap;
      expectLocated(await run(lab, doing(remove)), "deleted Array.prototype.flatMap", "at its event");
      expect((await run(lab, fixedLeader)).outcome).toBe("pass");
    });
  });

  test("also when the code catches everything", async () => {
    await withAmbient(async () => {
      const change = (): void => {
        try {
          Reflect.set(String.prototype, "shout", () => "!");
        } catch {}
      };
      expectLocated(await run(lab, doing(change)), "added String.prototype.shout", "at its line");
    });
  });

  test("that the code takes back itself is none", async () => {
    await withAmbient(async () => {
      const change = (): void => {
        const { random } = Math;
        Math.random = () => 0.5;
        Math.random = random;
      };
      expect((await run(lab, doing(change))).outcome).toBe("pass");
    });
  });

  test("of the other runs of a thread nothing shows", async () => {
    await withAmbient(async () => {
      const alone = identity(await run(lab, fixedLeader));
      for (const change of Object.values(traps)) await run(lab, doing(change));
      expect(identity(await run(lab, fixedLeader))).toEqual(alone);
    });
  });

  test("with --check-determinism it is told as well", async () => {
    await withAmbient(async () => {
      const { outcome, failure } = await run(
        lab,
        doing(() => (Math.random = () => 0)),
        { checkDeterminism: true },
      );
      expect(outcome).toBe("crash");
      expect(failure?.reason).toContain("changed Math.random");
    });
  });
});

type Get = <T = Record<string, unknown>>(module: string) => T;

describe("what Node's modules are made of is no place for state", () => {
  /** Looks at what is there and then does its deed, which throws or is told by its name. */
  const running = async (deed: (get: Get) => unknown, runs = 2) => {
    const found: unknown[] = [];
    const results: IterationResult[] = [];
    await withAmbient(async (ambient) => {
      const get: Get = (module) => ambient.requireBuiltin(module) as never;
      for (let i = 0; i < runs; i++)
        results.push(
          await run(
            lab,
            doing(() => found.push(deed(get))),
          ),
        );
    });
    return { results, found };
  };
  const put = (owner: object, key: string | symbol = "n") => {
    const before: unknown = Reflect.get(owner, key);
    Reflect.set(owner, key, 1);
    return before;
  };

  const changes: Record<string, (get: Get) => unknown> = {
    "added fs.n": (get) => put(get("fs")),
    "added path.n": (get) => put(get<typeof import("node:path")>("node:path").posix),
    "added path.win32.n": (get) => put(get<typeof import("node:path")>("path").win32),
    "added path[Symbol(nodejs.dispose)]": (get) => put(get("path"), Symbol.for("nodejs.dispose")),
    "added util.inspect.n": (get) => put(get<typeof import("node:util")>("util").inspect),
    "changed util.format": (get) => put(get("util"), "format"),
    "added stream.Readable.prototype.n": (get) => put(get<typeof import("node:stream")>("stream").Readable.prototype),
    "added EventEmitter.n": (get) => put(get("events")),
    "added JSON.hidden": () => Object.defineProperty(JSON, "hidden", { value: 1, configurable: true }),
    "changed querystring.unescape": (get) => put(get("querystring"), "unescape"),
    "added crypto.Hash.prototype.n": (get) => put(get<{ Hash: typeof Map }>("crypto").Hash.prototype),
  };
  for (const [deed, change] of Object.entries(changes)) {
    test(`${deed}: fails each run that did it, and none finds it`, async () => {
      const { results, found } = await running(change);
      for (const result of results) {
        expect(result.outcome).toBe("crash");
        expect(result.failure?.reason).toBe(`S1 ${deed}: the built-in objects belong to all servers, and to all runs of this thread`);
      }
      expect(found.every((before) => before !== 1)).toBe(true);
    });
  }

  test("functions take no properties, and constants no others", async () => {
    const refused = (set: () => unknown): unknown => {
      try {
        return set();
      } catch (error) {
        return (error as Error).message;
      }
    };
    const { results, found } = await running((get) => {
      const holders = [
        get<typeof import("node:fs")>("fs").readFile,
        get<typeof import("node:path")>("path").join,
        get<typeof import("node:util")>("util").types.isMap,
        get<typeof import("node:events")>("events").prototype.on,
        Array.prototype.push,
        get<typeof import("node:os")>("os").constants.signals,
        get<typeof import("node:fs")>("fs").constants,
        get<typeof import("node:zlib")>("zlib").constants,
        get<typeof import("node:http")>("http").METHODS,
        get("constants"),
      ];
      return holders.map((holder) => refused(() => Object.assign(holder, { n: 1 })));
    }, 1);
    expect(results.map(({ outcome }) => outcome)).toEqual(["pass"]);
    expect(found.flat()).toEqual(Array(10).fill("Cannot add property n, object is not extensible"));
  });

  test("settings are made for the run", async () => {
    const { results, found } = await running((get) => {
      const events = get<typeof import("node:events")>("events");
      const util = get<typeof import("node:util")>("util");
      const stream = get<typeof import("node:stream")>("stream");
      const buffer = get<typeof import("node:buffer")>("buffer") as { INSPECT_MAX_BYTES: number };
      const before = [
        events.defaultMaxListeners,
        util.inspect({ a: { b: { c: { d: 1 } } } }),
        util.inspect(1, { colors: true }),
        Object.keys(util.inspect.colors).length,
        stream.getDefaultHighWaterMark(false),
        buffer.INSPECT_MAX_BYTES,
      ];
      events.defaultMaxListeners = 99;
      util.inspect.defaultOptions.depth = 0;
      util.inspect.styles.number = "red";
      util.inspect.colors.mine = [1, 2];
      stream.setDefaultHighWaterMark(false, 7);
      buffer.INSPECT_MAX_BYTES = 3;
      return before;
    }, 3);
    expect(results.map(({ outcome }) => outcome)).toEqual(["pass", "pass", "pass"]);
    expect((found[0] as unknown[]).slice(0, 3)).toEqual([10, "{ a: { b: { c: [Object] } } }", "\x1B[33m1\x1B[39m"]);
    for (const before of found) expect(before).toEqual(found[0]);
  });

  test("a module may patch them while it is evaluated, for its run", async () => {
    await withAmbient(async (ambient) => {
      const seen: unknown[] = [];
      const makeRaft: MakeRaft = (env) => {
        ambient.evaluate(() => {
          const fs = ambient.requireBuiltin("fs") as Record<string, unknown>;
          seen.push(fs.close === 1, fs.patched);
          Object.assign(fs, { close: 1, patched: true });
        });
        return new FixedLeader(env);
      };
      for (let i = 0; i < 2; i++) expect((await run(lab, makeRaft)).outcome).toBe("pass");
      expect(new Set(seen)).toEqual(new Set([false, undefined]));
    });
  });
});

describe("a property that could not be deleted", () => {
  const forEver = { value: new Map() };

  test("of the global object can be, and goes with its run", async () => {
    await withAmbient(async () => {
      const found: unknown[] = [];
      const deeds = [
        () => Object.defineProperty(globalThis, "one", forEver),
        () => Reflect.defineProperty(globalThis, "two", { get: () => 1 }),
        () => Object.defineProperties(globalThis, { three: forEver, four: { value: 1, enumerable: true } }),
      ];
      for (let i = 0; i < 2; i++) {
        for (const deed of deeds) {
          const { outcome } = await run(
            lab,
            doing(() =>
              found.push(
                ["one", "two", "three", "four"].filter((name) => name in globalThis),
                deed() && 0,
              ),
            ),
          );
          expect(outcome).toBe("pass");
        }
      }
      expect(new Set(found.flat())).toEqual(new Set([0]));
    });
  });

  test("of the language is told, and gone for the next run", async () => {
    await withAmbient(async () => {
      const deed = () => Object.defineProperty(Array.prototype, "last", forEver);
      expectLocated(await run(lab, doing(deed)), "added Array.prototype.last", "at its line");
      expect("last" in []).toBe(false);
    });
  });

  test("is not made by freezing what belongs to all", async () => {
    await withAmbient(async () => {
      for (const [deed, name] of [
        [() => Object.freeze(Array.prototype), "Array.prototype"],
        [() => Object.seal(globalThis), "the global object"],
        [() => Reflect.preventExtensions(Map), "Map"],
      ] as const) {
        const { outcome, failure } = await run(lab, doing(deed));
        expect([outcome, failure?.reason]).toEqual([
          "crash",
          `S1 froze ${name}: it belongs to all servers, and to all runs of this thread`,
        ]);
        expect(failure?.stack).toContain("tampering.test.ts");
      }
      expect([Object.isExtensible(Array.prototype), Object.isExtensible(Map)]).toEqual([true, true]);
    });
  });

  test("of an object of the code's own is as it was asked for", async () => {
    await withAmbient(async () => {
      const own = Object.defineProperties(Object.defineProperty({}, "a", { value: 1 }), { b: { value: 2 } });
      expect(Object.getOwnPropertyDescriptor(own, "a")).toEqual({ value: 1, writable: false, enumerable: false, configurable: false });
      expect(Object.isFrozen(Object.freeze({ ...own }))).toBe(true);
      expect([Object.defineProperty.length, Object.freeze.name]).toEqual([3, "freeze"]);
    });
  });
});

describe("a global that running code has set", () => {
  const restarts = "TestPersist12C";
  const reason = (server: number, name: string): string =>
    `S${server} kept something in the global ${name}: a server that boots again must find what its persister holds, and nothing else`;
  const setting = (set: (env: RaftEnv) => unknown) => (env: RaftEnv) => {
    set(env);
    return new FixedLeader(env);
  };

  test("fails the run when a server boots again, with the line that set it", async () => {
    await withAmbient(async () => {
      const symbol = Symbol.for("saved");
      const sets: [name: string, set: () => unknown][] = [
        ["saved", () => Reflect.set(globalThis, "saved", [])],
        ["saved", () => Object.defineProperty(globalThis, "saved", { value: 1 })],
        ["Symbol(saved)", () => Reflect.set(globalThis, symbol, 1)],
      ];
      for (const [name, set] of sets) {
        const { outcome, failure } = await run(
          restarts,
          setting(({ me }) => me === 1 && set()),
        );
        expect([outcome, failure?.reason]).toEqual(["crash", reason(1, name)]);
        expect(failure?.stack).toContain("tampering.test.ts");
      }
      expect(Reflect.get(globalThis, "saved")).toBeUndefined();
    });
  });

  test("is none of a server's business that boots for the first time, nor when it is gone by then", async () => {
    await withAmbient(async () => {
      const set = setting(({ me }) => (me === 0 ? Reflect.set(globalThis, "shared", 1) : Reflect.get(globalThis, "shared")));
      expect((await run(lab, set)).outcome).toBe("pass");
      const { failure } = await run(
        restarts,
        setting(() => Reflect.set(globalThis, "brief", 1) && Reflect.deleteProperty(globalThis, "brief")),
      );
      expect(failure?.reason ?? "").not.toContain("brief");
    });
  });

  test("while a module was evaluated ends with the run, also one that no loop comes across", async () => {
    await withAmbient(async (ambient) => {
      const found: unknown[] = [];
      const define = (): void => {
        found.push(Reflect.get(globalThis, "registry"));
        if (!("registry" in globalThis)) Object.defineProperty(globalThis, "registry", { value: 1 });
      };
      for (let i = 0; i < 3; i++) {
        await run(
          lab,
          setting(({ me }) => me === 0 && ambient.evaluate(define)),
        );
      }
      expect(found).toEqual([undefined, undefined, undefined]);
    });
  });

  test("while a module was evaluated stays", async () => {
    await withAmbient(async (ambient) => {
      const found: unknown[] = [];
      const { failure } = await run(
        restarts,
        setting(() => {
          ambient.evaluate(() => Reflect.set(globalThis, "settings", { debug: true }));
          found.push(Reflect.get(globalThis, "settings"));
        }),
      );
      expect(failure?.reason ?? "").not.toContain("settings");
      expect(found.length).toBeGreaterThan(3);
    });
  });
});

describe("what a module does to the language when it is evaluated", () => {
  /** Evaluates the module anew for each server, as for a Raft with module-level state. */
  const evaluating =
    (ambient: Ambient, module: () => void, act: () => void = () => {}): MakeRaft =>
    (env) => {
      ambient.evaluate(module);
      return doing(act)(env);
    };

  test("by additions, is no change, and gone for the next run", async () => {
    await withAmbient(async (ambient) => {
      const found: unknown[] = [];
      const seen: unknown[] = [];
      const add = () => {
        found.push(Reflect.get([], "lastOf"));
        Reflect.set(Array.prototype, "lastOf", () => 1);
        Reflect.set(globalThis, "settings", { debug: true });
      };
      const look = () => seen.push([typeof Reflect.get([], "lastOf"), Reflect.get(globalThis, "settings")]);
      for (let i = 0; i < 2; i++) expect((await run(lab, evaluating(ambient, add, look))).outcome).toBe("pass");
      expect(new Set(found)).toEqual(new Set([undefined]));
      expect(seen.length).toBeGreaterThan(0);
      for (const each of seen) expect(each).toEqual(["function", { debug: true }]);
      expect([Reflect.get([], "lastOf"), Reflect.get(globalThis, "settings")]).toEqual([undefined, undefined]);
    });
  });

  test("by changes, is undone at once, and an error", async () => {
    await withAmbient(async (ambient) => {
      const { get } = Map.prototype;
      const change = () => void Reflect.set(Map.prototype, "get", () => 1);
      const { outcome, failure } = await run(lab, evaluating(ambient, change));
      expect(outcome).toBe("crash");
      expect(failure?.reason).toContain("TypeError: changed Map.prototype.get while it was evaluated: ");
      expect(Map.prototype.get).toBe(get);
    });
  });

  test("does not hide what a run did before", async () => {
    await withAmbient(async (ambient) => {
      const makeRaft: MakeRaft = (env) => {
        if (env.me === 1) Reflect.set(Array.prototype, "first", () => 1);
        return evaluating(ambient, () => void Reflect.set(Array.prototype, "lastOf", () => 1))(env);
      };
      const { outcome, failure } = await run(lab, makeRaft);
      expect(outcome).toBe("crash");
      expect(failure?.reason).toContain("added Array.prototype.first: ");
      expect(failure?.server).toBe(1);
    });
  });
});
