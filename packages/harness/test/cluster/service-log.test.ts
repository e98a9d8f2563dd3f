import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ServiceLogs, sameCommand, showCommand } from "../../src/cluster/service-log.ts";
import { TestFailure } from "../../src/failure.ts";
import { commandsUpTo } from "../support/commands.ts";

const servers = 3;

/** The same with a map for each server. */
class NaiveLogs {
  maxIndex = 0;
  readonly logs = Array.from({ length: servers }, () => new Map<number, unknown>());

  /** Whether the command fits what others have at the index. */
  apply(server: number, index: number, command: unknown): boolean {
    if (this.logs.some((log) => log.has(index) && !isDeepStrictEqual(log.get(index), command))) return false;
    this.logs[server]!.set(index, command);
    this.maxIndex = Math.max(this.maxIndex, index);
    return true;
  }

  count(index: number): number {
    return this.logs.filter((log) => log.has(index)).length;
  }
}

describe("ServiceLogs", () => {
  it("agrees with a map for each server", () => {
    const command = fc.constantFrom<unknown>(1, 2, "1", "x", null, { a: 1 }, { a: 2 });
    const apply = fc.record({ server: fc.nat(servers - 1), index: fc.integer({ min: 1, max: 8 }), command });
    fc.assert(
      fc.property(fc.array(apply, { maxLength: 40 }), (applies) => {
        const logs = new ServiceLogs(servers);
        const naive = new NaiveLogs();
        for (const { server, index, command: value } of applies) {
          if (naive.apply(server, index, structuredClone(value))) logs.apply(server, index, structuredClone(value));
          else expect(() => logs.apply(server, index, value)).toThrow(TestFailure);
          expect(logs.maxIndex).toBe(naive.maxIndex);
          for (let at = 0; at <= 9; at++) {
            expect(logs.committed(at).count).toBe(naive.count(at));
            for (let who = 0; who < servers; who++) expect(logs.has(who, at)).toBe(naive.logs[who]!.has(at));
          }
        }
      }),
    );
  });

  it("tells who applied what when two servers differ", () => {
    const logs = new ServiceLogs(servers);
    logs.apply(0, 1, 100);
    logs.apply(2, 1, 100);
    let failure: unknown;
    try {
      logs.apply(1, 1, "other");
    } catch (thrown) {
      failure = thrown;
    }
    expect(failure).toBeInstanceOf(TestFailure);
    expect((failure as TestFailure).message).toBe('commit index 1: S1 applied "other", S0 had applied 100');
    expect((failure as TestFailure).details).toEqual({
      cause: "servers applied different commands at one index",
      expected: "S1 applies 100",
      seen: '"other"',
      server: 1,
      aspect: "safety",
    });
  });

  it("holds a server's command against its own former one too", () => {
    const logs = new ServiceLogs(servers);
    logs.apply(1, 1, 5);
    expect(() => logs.apply(1, 1, 6)).toThrow(TestFailure);
  });

  it("gives a server's commands up to an index, with null where there is none", () => {
    const logs = new ServiceLogs(servers);
    logs.apply(0, 1, 10);
    logs.apply(0, 3, 30);
    logs.apply(0, 4, 40);
    expect(commandsUpTo(logs, 0, 3)).toEqual([null, 10, null, 30]);
  });

  it("replaces a log by a snapshot's, also by a shorter one", () => {
    const logs = new ServiceLogs(servers);
    for (const index of [1, 2, 3]) logs.apply(0, index, index * 10);
    logs.replace(0, [null, 10, 20]);
    expect([logs.has(0, 0), logs.has(0, 2), logs.has(0, 3)]).toEqual([true, true, false]);
    expect(logs.committed(3).count).toBe(0);
  });

  it("notices when a snapshot brought in another command", () => {
    const logs = new ServiceLogs(servers);
    logs.apply(0, 1, 10);
    logs.replace(1, [null, 11]);
    expect(() => logs.committed(1)).toThrow("commit index 1: S1 applied 11, S0 had applied 10");
  });
});

describe("commands", () => {
  it("are compared by their contents, without conversions", () => {
    expect(sameCommand(1, 1)).toBe(true);
    expect(sameCommand(1, "1")).toBe(false);
    expect(sameCommand({ a: [1] }, { a: [1] })).toBe(true);
    expect(sameCommand(new Uint8Array([1]), new Uint8Array([1]))).toBe(true);
    expect(sameCommand(new Uint8Array([1]), new Uint8Array([2]))).toBe(false);
    expect(sameCommand(null, undefined)).toBe(false);
    expect(sameCommand(null, null)).toBe(true);
  });

  it("are shown on one short line", () => {
    expect(showCommand(7)).toBe("7");
    expect(showCommand("a\nb")).toBe('"a\\nb"');
    expect(showCommand({ key: 1 })).toBe('{"key":1}');
    expect(showCommand(new Uint8Array(5))).toBe("<5 bytes>");
    expect(showCommand(undefined)).toBe("undefined");
    expect(showCommand(null)).toBe("null");
    expect(showCommand(2n ** 70n)).toBe("1180591620717411303424");
    expect(showCommand("x".repeat(5000))).toHaveLength(63);
  });

  it("that hold what JSON can't write are shown all the same", () => {
    expect(showCommand({ big: 1n })).toEqual(expect.any(String));
  });
});
