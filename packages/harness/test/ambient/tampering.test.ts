import type { RaftEnv } from "@raft-stress/raft/api";
import { describe, expect, test } from "vitest";
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

describe("what a module adds when it is evaluated", () => {
  test("stays, and is no change", async () => {
    await withAmbient(async (ambient) => {
      const before = Error.stackTraceLimit;
      ambient.evaluate(() => {
        Reflect.set(Array.prototype, "lastOf", () => 1);
        Reflect.set(globalThis, "settings", { debug: true });
        Error.stackTraceLimit = 30;
      });
      const seen: unknown[] = [];
      const look = () => seen.push([Reflect.get([], "lastOf") !== undefined, Reflect.get(globalThis, "settings"), Error.stackTraceLimit]);
      for (let i = 0; i < 2; i++) expect((await run(lab, doing(look))).outcome).toBe("pass");
      expect(seen).toEqual([
        [true, { debug: true }, 30],
        [true, { debug: true }, 30],
      ]);
      Reflect.deleteProperty(Array.prototype, "lastOf");
      Reflect.deleteProperty(globalThis, "settings");
      Error.stackTraceLimit = before;
    });
  });
});
