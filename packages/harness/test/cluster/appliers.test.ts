import type { ApplyMessage, Raft } from "@raft-stress/raft/api";
import { describe, expect, it } from "vitest";
import { encodeSnapshot, plainApplier, SnapshotApplier } from "../../src/cluster/appliers.ts";
import { ServiceLogs } from "../../src/cluster/service-log.ts";
import { TestFailure } from "../../src/failure.ts";
import { commandsUpTo } from "../support/commands.ts";

const command = (index: number, value: unknown = index * 100): ApplyMessage => ({ type: "command", index, command: value });
const snapshot = (index: number, bytes: Uint8Array): ApplyMessage => ({ type: "snapshot", index, term: 1, snapshot: bytes });
const nothingSaved = new Uint8Array(0);

/** A Raft that only notes the snapshots it is handed. */
function notingRaft(): { raft: Raft; taken: { index: number; bytes: Uint8Array }[] } {
  const taken: { index: number; bytes: Uint8Array }[] = [];
  const raft: Raft = {
    start: () => ({ index: -1, term: 0, isLeader: false }),
    getState: () => ({ term: 0, isLeader: false }),
    snapshot: (index, bytes) => void taken.push({ index, bytes }),
    kill() {},
    handlers: {},
  };
  return { raft, taken };
}

function failureOf(act: () => void): TestFailure {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof TestFailure) return thrown;
    throw thrown;
  }
  throw new Error("expected a TestFailure, got none");
}

describe("the plain applier", () => {
  it("records commands in order and tolerates that one is delivered again", () => {
    const logs = new ServiceLogs(2);
    const applier = plainApplier(0, logs);
    for (const index of [1, 2, 1, 2, 3]) applier.take(command(index), undefined);
    expect(commandsUpTo(logs, 0, 3)).toEqual([null, 100, 200, 300]);
    expect(logs.maxIndex).toBe(3);
  });

  it("goes on where its server was before a restart", () => {
    const logs = new ServiceLogs(2);
    plainApplier(0, logs).take(command(1), undefined);
    plainApplier(0, logs).take(command(2), undefined);
    expect(logs.has(0, 2)).toBe(true);
  });

  it("fails at a gap", () => {
    const logs = new ServiceLogs(2);
    const applier = plainApplier(1, logs);
    applier.take(command(1), undefined);
    const failure = failureOf(() => applier.take(command(3), undefined));
    expect(failure.message).toBe("S1 applied index 3 before index 2");
    expect(failure.details).toEqual({
      cause: "a server applied out of order",
      expected: "index 2 first",
      seen: "index 3",
      server: 1,
      aspect: "safety",
    });
  });

  it("fails when it begins after index 1, whatever others have applied", () => {
    const logs = new ServiceLogs(2);
    plainApplier(0, logs).take(command(1), undefined);
    expect(failureOf(() => plainApplier(1, logs).take(command(2), undefined)).details.cause).toBe("a server applied out of order");
  });

  it("fails when it differs from another server, or from its own past", () => {
    const logs = new ServiceLogs(2);
    plainApplier(0, logs).take(command(1, "a"), undefined);
    expect(failureOf(() => plainApplier(1, logs).take(command(1, "b"), undefined)).details.seen).toBe('"b"');
    expect(failureOf(() => plainApplier(0, logs).take(command(1, "c"), undefined)).details.seen).toBe('"c"');
  });

  it("ignores snapshots", () => {
    const logs = new ServiceLogs(1);
    plainApplier(0, logs).take(snapshot(5, encodeSnapshot(5, [null, 1, 2, 3, 4, 5])), undefined);
    expect(logs.has(0, 5)).toBe(false);
  });

  it.each([0, -1, -5])("fails at index %d: the first is 1", (index) => {
    expect(failureOf(() => plainApplier(0, new ServiceLogs(1)).take(command(index), undefined)).details.server).toBe(0);
  });
});

describe("the snapshot applier", () => {
  it("hands over a snapshot after index 9, 19, 29, of all up to there", () => {
    const logs = new ServiceLogs(1);
    const { raft, taken } = notingRaft();
    const applier = new SnapshotApplier(0, logs, nothingSaved);
    for (let index = 1; index <= 30; index++) {
      applier.take(command(index), raft);
      expect(taken).toHaveLength(Math.floor((index + 1) / 10));
    }
    expect(taken.map(({ index }) => index)).toEqual([9, 19, 29]);
    expect(taken[1]!.bytes).toEqual(encodeSnapshot(19, commandsUpTo(logs, 0, 19)));
  });

  it.each([
    [1, [1, 2, 3, 4, 5, 6]],
    [2, [1, 3, 5]],
    [4, [3]],
    [Number.POSITIVE_INFINITY, []],
  ])("hands over a snapshot every %d commands if its plan says so", (snapshotInterval, indices) => {
    const { raft, taken } = notingRaft();
    const applier = new SnapshotApplier(0, new ServiceLogs(1), nothingSaved, { snapshotInterval });
    for (let index = 1; index <= 6; index++) applier.take(command(index), raft);
    expect(taken.map(({ index }) => index)).toEqual(indices);
  });

  it("fails unless every command is the next one: no gap, no repetition", () => {
    for (const index of [1, 2, 4]) {
      const applier = new SnapshotApplier(0, new ServiceLogs(1), nothingSaved);
      applier.take(command(1), undefined);
      applier.take(command(2), undefined);
      const failure = failureOf(() => applier.take(command(index), undefined));
      expect(failure.message).toBe(`S0 applied index ${index}, expected 3`);
      expect(failure.details.cause).toBe("a server applied out of order");
    }
  });

  it("goes on after the snapshot on disk", () => {
    const logs = new ServiceLogs(2);
    for (let index = 1; index <= 9; index++) logs.apply(1, index, index);
    const saved = encodeSnapshot(9, commandsUpTo(logs, 1, 9));
    const applier = new SnapshotApplier(0, logs, saved);
    expect(logs.committed(9)).toEqual({ count: 2, command: 9 });
    expect(failureOf(() => applier.take(command(1), undefined)).details.expected).toBe("index 10");
    applier.take(command(10), undefined);
    expect(logs.has(0, 10)).toBe(true);
  });

  it("takes a delivered snapshot: its contents replace all, and the next command is the one after it", () => {
    const logs = new ServiceLogs(2);
    const applier = new SnapshotApplier(0, logs, nothingSaved);
    applier.take(command(1, 1), undefined);
    const bytes = encodeSnapshot(4, [null, 1, 2, 3, 4]);
    applier.take(snapshot(4, bytes), undefined);
    expect(commandsUpTo(logs, 0, 4)).toEqual([null, 1, 2, 3, 4]);
    applier.take(command(5, 5), undefined);
    applier.take(snapshot(4, bytes), undefined);
    expect(logs.has(0, 5)).toBe(false);
    expect(failureOf(() => applier.take(command(6, 6), undefined)).details.expected).toBe("index 5");
  });

  it("fails when a snapshot holds another index than was delivered with it", () => {
    const applier = new SnapshotApplier(2, new ServiceLogs(3), nothingSaved);
    const failure = failureOf(() => applier.take(snapshot(10, encodeSnapshot(9, [null, 1])), undefined));
    expect(failure.message).toBe("S2 delivered a snapshot as of index 10 that holds index 9");
    expect(failure.details).toEqual({
      cause: "a snapshot was delivered with another index than it holds",
      expected: "index 9",
      seen: "index 10",
      server: 2,
      aspect: "safety",
    });
  });

  it.each([
    ["no JSON", new Uint8Array([0xff, 1, 2])],
    ["no list", new TextEncoder().encode('{"index":9}')],
    ["a list without an index", new TextEncoder().encode('["nine"]')],
    ["cut in the middle", encodeSnapshot(9, [null, 1, 2]).subarray(0, 5)],
    ["empty", new Uint8Array(0)],
  ])("fails when a snapshot can't be read: %s", (_, bytes) => {
    const applier = new SnapshotApplier(0, new ServiceLogs(1), nothingSaved);
    const failure = failureOf(() => applier.take(snapshot(9, bytes), undefined));
    expect(failure.message).toBe(`S0 delivered a snapshot of ${bytes.length} bytes that can't be read`);
    expect(failure.details.cause).toBe("a snapshot can't be read");
  });

  it("fails at the boot when the one on disk can't be read", () => {
    expect(() => new SnapshotApplier(0, new ServiceLogs(1), new Uint8Array([1]))).toThrow(TestFailure);
  });

  it.each([
    ["numbers", (index: number) => index * 1000],
    ["texts", (index: number) => `command ${index}`],
    ["records", (index: number) => ({ key: "k", value: [index, null] })],
    ["bytes", (index: number) => new Uint8Array([index])],
  ])("brings %s back as they were", (_, commandAt) => {
    const logs = new ServiceLogs(2);
    const { raft, taken } = notingRaft();
    const applier = new SnapshotApplier(0, logs, nothingSaved);
    for (let index = 1; index <= 9; index++) applier.take(command(index, commandAt(index)), raft);
    new SnapshotApplier(1, logs, nothingSaved).take(snapshot(9, taken[0]!.bytes), undefined);
    for (let index = 1; index <= 9; index++) expect(logs.committed(index)).toEqual({ count: 2, command: commandAt(index) });
  });
});
