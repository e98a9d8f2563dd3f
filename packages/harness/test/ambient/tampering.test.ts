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
