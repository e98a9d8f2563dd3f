import { describe, expect, it } from "vitest";
import { InvariantError } from "../src/assert.ts";
import { Bench, commandAt, entriesFrom, SNAPSHOT } from "./support/core.ts";

const OTHER_SNAPSHOT = Uint8Array.of(1, 2, 3, 4);

describe("AppendEntries, receiver implementation (Figure 2)", () => {
  it("1. replies false if term < currentTerm, and changes nothing", () => {
    const bench = new Bench({ terms: [1], currentTerm: 3 });
    const { saves } = bench;
    const reply = bench.append({ term: 2, entries: entriesFrom(1, [2]), leaderCommit: 1 });
    expect(reply).toEqual({ term: 3, success: false, conflictIndex: 0, conflictTerm: 0 });
    expect(bench.terms).toEqual([1]);
    expect(bench.view.commitIndex).toBe(0);
    expect(bench.saves).toBe(saves);
  });

  it("2. replies false if the log has no entry at prevLogIndex", () => {
    const bench = new Bench({ terms: [1, 1] });
    const reply = bench.append({ prevLogIndex: 3, prevLogTerm: 1, entries: entriesFrom(4, [1]) });
    expect(reply).toEqual({ term: 1, success: false, conflictIndex: 2, conflictTerm: 1 });
    expect(bench.terms).toEqual([1, 1]);
  });

  it("2. replies false if the entry at prevLogIndex has another term than prevLogTerm", () => {
    const bench = new Bench({ terms: [1, 2, 2], currentTerm: 4 });
    const reply = bench.append({ prevLogIndex: 2, prevLogTerm: 3, entries: entriesFrom(3, [3]) });
    expect(reply).toMatchObject({ success: false });
    expect(bench.terms).toEqual([1, 2, 2]);
  });

  it("3. deletes the existing entry that conflicts with a new one, and all that follow it", () => {
    const bench = new Bench({ terms: [1, 1, 2, 2, 2], currentTerm: 3 });
    expect(bench.append({ prevLogIndex: 1, prevLogTerm: 1, entries: entriesFrom(2, [1, 3]) }).success).toBe(true);
    expect(bench.terms).toEqual([1, 1, 3]);
    expect(bench.restart().terms).toEqual([1, 1, 3]);
  });

  it("3. deletes nothing without a conflict: a late request that holds less than the log takes nothing away", () => {
    const bench = new Bench({ terms: [1, 1, 1] });
    const { saves } = bench;
    expect(bench.append({ prevLogIndex: 0, prevLogTerm: 0, entries: entriesFrom(1, [1]) }).success).toBe(true);
    expect(bench.append({ prevLogIndex: 1, prevLogTerm: 1, entries: [] }).success).toBe(true);
    expect(bench.terms).toEqual([1, 1, 1]);
    expect(bench.saves).toBe(saves);
  });

  it("4. appends any new entries not already in the log, and persists them before it answers", () => {
    const bench = new Bench({ terms: [1, 1] });
    expect(bench.append({ prevLogIndex: 1, prevLogTerm: 1, entries: entriesFrom(2, [1, 1, 1]) }).success).toBe(true);
    expect(bench.terms).toEqual([1, 1, 1, 1]);
    expect(bench.restart().terms).toEqual([1, 1, 1, 1]);
  });

  it("4. a repeated request changes nothing and is not saved again", () => {
    const bench = new Bench({ terms: [1] });
    const request = { prevLogIndex: 1, prevLogTerm: 1, entries: entriesFrom(2, [1, 1]), leaderCommit: 2 };
    bench.append(request);
    const { saves, applied } = bench;
    expect(bench.append(request).success).toBe(true);
    expect(bench.saves).toBe(saves);
    expect(bench.applied).toEqual(applied);
    expect(bench.terms).toEqual([1, 1, 1]);
  });

  it.each([
    { leaderCommit: 2, commitIndex: 2, why: "leaderCommit is smaller" },
    { leaderCommit: 9, commitIndex: 3, why: "the index of the last new entry is smaller" },
  ])("5. sets commitIndex to the smaller of leaderCommit and the last new entry's index: $why", ({ leaderCommit, commitIndex }) => {
    const bench = new Bench({ terms: [1] });
    bench.append({ prevLogIndex: 1, prevLogTerm: 1, entries: entriesFrom(2, [1, 1]), leaderCommit });
    expect(bench.view.commitIndex).toBe(commitIndex);
  });

  it("5. what lies beyond the last new entry may conflict, and is not committed", () => {
    const bench = new Bench({ terms: [1, 1, 2, 2], currentTerm: 3 });
    bench.append({ prevLogIndex: 2, prevLogTerm: 1, entries: [], leaderCommit: 4 });
    expect(bench.view.commitIndex).toBe(2);
  });

  it("commitIndex never decreases", () => {
    const bench = new Bench({ terms: [1, 1, 1] });
    bench.append({ prevLogIndex: 3, prevLogTerm: 1, leaderCommit: 3 });
    bench.append({ prevLogIndex: 1, prevLogTerm: 1, leaderCommit: 1 });
    bench.append({ prevLogIndex: 3, prevLogTerm: 1, leaderCommit: 0 });
    expect(bench.view.commitIndex).toBe(3);
  });

  it("if commitIndex > lastApplied: applies the entries in log order, each once", () => {
    const bench = new Bench({ terms: [1, 1, 1] });
    bench.append({ prevLogIndex: 3, prevLogTerm: 1, leaderCommit: 2 });
    bench.append({ prevLogIndex: 3, prevLogTerm: 1, leaderCommit: 3 });
    expect(bench.applied).toEqual([1, 2, 3].map((index) => ({ type: "command", index, command: commandAt(index, 1) })));
    expect(bench.view.lastApplied).toBe(3);
  });

  it("a committed entry is never overwritten: that would be a bug, and it says where", () => {
    const bench = new Bench({ terms: [1, 1], currentTerm: 2 });
    bench.append({ prevLogIndex: 2, prevLogTerm: 1, leaderCommit: 2 });
    expect(() => bench.append({ prevLogIndex: 1, prevLogTerm: 1, entries: entriesFrom(2, [2]) })).toThrow(
      "committed entry 2 of term 1 would be overwritten by the leader S1 of term 2",
    );
    expect(() => bench.append({ prevLogIndex: 2, prevLogTerm: 2 })).toThrow(
      "committed entry 2 of term 1 has term 2 at the leader S1 of term 2",
    );
  });

  it("§5.2 Election Safety: a second leader in its own term is a bug that a leader does not accept", () => {
    const bench = new Bench().winElection();
    expect(() => bench.append({ term: 1 })).toThrow(InvariantError);
    expect(() => bench.install({ term: 1 })).toThrow("two leaders in term 1: this server 0, and server 1");
  });
});

describe("§5.3 the follower can include the term of the conflicting entry and where to go on", () => {
  it.each([
    { why: "log too short", terms: [1, 1], prev: [5, 1], hint: [2, 1] },
    { why: "log too short, and its end newer than the leader's entry", terms: [1, 2, 2], prev: [5, 1], hint: [1, 1] },
    { why: "empty log", terms: [], prev: [5, 1], hint: [0, 0] },
    { why: "newer terms at the end are skipped at once, whatever their number", terms: [1, 2, 3, 3, 4], prev: [5, 2], hint: [2, 2] },
    { why: "an older term at prevLogIndex is named", terms: [1, 2, 2], prev: [3, 4], hint: [3, 2] },
    { why: "nothing can match", terms: [3, 3], prev: [2, 1], hint: [0, 0] },
  ])("$why", ({ terms, prev, hint }) => {
    const bench = new Bench({ terms, currentTerm: 9 });
    const [prevLogIndex, prevLogTerm] = prev as [number, number];
    const [conflictIndex, conflictTerm] = hint as [number, number];
    expect(bench.append({ prevLogIndex, prevLogTerm })).toEqual({ term: 9, success: false, conflictIndex, conflictTerm });
  });
});

describe("§7 AppendEntries to a follower with a compacted log", () => {
  const compacted = { snapshotIndex: 5, snapshotTerm: 2, terms: [2, 3], currentTerm: 4 };

  it.each([
    { why: "entries entirely below the snapshot point", prev: [1, 1], terms: [1, 1], after: [2, 3] },
    { why: "entries up to the snapshot point", prev: [2, 1], terms: [1, 2, 2], after: [2, 3] },
    { why: "entries across the snapshot point, in line with the log", prev: [3, 1], terms: [2, 2, 2], after: [2, 3] },
    { why: "entries across the snapshot point, with a conflict above it", prev: [3, 1], terms: [2, 2, 2, 4, 4], after: [2, 4, 4] },
    { why: "entries right after the snapshot point", prev: [5, 2], terms: [4], after: [4] },
    { why: "none, at the snapshot point", prev: [5, 2], terms: [], after: [2, 3] },
  ])("$why", ({ prev, terms, after }) => {
    const bench = new Bench(compacted);
    const [prevLogIndex, prevLogTerm] = prev as [number, number];
    expect(bench.append({ prevLogIndex, prevLogTerm, entries: entriesFrom(prevLogIndex + 1, terms) }).success).toBe(true);
    expect(bench.terms).toEqual(after);
  });

  it("a hint never goes below the snapshot point", () => {
    const bench = new Bench({ ...compacted, terms: [3, 3] });
    expect(bench.append({ prevLogIndex: 7, prevLogTerm: 2 })).toMatchObject({ success: false, conflictIndex: 5, conflictTerm: 2 });
  });
});

describe("InstallSnapshot, receiver implementation (Figure 13)", () => {
  it("1. replies immediately if term < currentTerm", () => {
    const bench = new Bench({ terms: [1], currentTerm: 3 });
    expect(bench.install({ term: 2, lastIncludedIndex: 5, lastIncludedTerm: 2 })).toEqual({ term: 3 });
    expect(bench.view.firstIndex).toBe(1);
    expect(bench.applied).toEqual([]);
  });

  it("2.-5. stores the whole snapshot, in place of any older one, together with the log", () => {
    const bench = new Bench({ snapshotIndex: 2, snapshotTerm: 1, terms: [1], currentTerm: 2 });
    expect(bench.install({ lastIncludedIndex: 8, lastIncludedTerm: 2, data: OTHER_SNAPSHOT })).toEqual({ term: 2 });
    expect(bench.stored.snapshot).toEqual(OTHER_SNAPSHOT);
    expect(bench.restart().view).toMatchObject({ firstIndex: 9, lastIndex: 8, commitIndex: 8, lastApplied: 8 });
  });

  it("6. if the log has the entry of last included index and term, retains what follows it", () => {
    const bench = new Bench({ terms: [1, 1, 2, 2, 2] });
    bench.install({ lastIncludedIndex: 3, lastIncludedTerm: 2 });
    expect(bench.view).toMatchObject({ firstIndex: 4, lastIndex: 5, commitIndex: 3 });
    expect(bench.terms).toEqual([2, 2]);
    expect(bench.restart().terms).toEqual([2, 2]);
  });

  it.each([
    { why: "the entry at that index has another term", terms: [1, 1, 1, 1, 1] },
    { why: "the log ends before that index", terms: [1, 1] },
    { why: "the log is empty", terms: [] },
  ])("7. otherwise discards the entire log: $why", ({ terms }) => {
    const bench = new Bench({ terms, currentTerm: 2 });
    bench.install({ lastIncludedIndex: 3, lastIncludedTerm: 2 });
    expect(bench.view).toMatchObject({ firstIndex: 4, lastIndex: 3, commitIndex: 3, lastApplied: 3 });
    expect(bench.view.termAt(3)).toBe(2);
  });

  it("8. resets the service with the snapshot, before any later entry", () => {
    const bench = new Bench({ terms: [1, 1, 1, 1] });
    bench.install({ lastIncludedIndex: 3, lastIncludedTerm: 1, data: OTHER_SNAPSHOT });
    bench.append({ prevLogIndex: 3, prevLogTerm: 1, leaderCommit: 4, entries: entriesFrom(4, [1]) });
    expect(bench.applied).toEqual([
      { type: "snapshot", index: 3, term: 1, snapshot: OTHER_SNAPSHOT },
      { type: "command", index: 4, command: commandAt(4, 1) },
    ]);
  });

  it.each([
    { why: "older than what is committed", lastIncludedIndex: 2 },
    { why: "what is committed exactly", lastIncludedIndex: 3 },
  ])("a snapshot that is $why is answered and ignored: the service never goes back", ({ lastIncludedIndex }) => {
    const bench = new Bench({ terms: [1, 1, 1] });
    bench.append({ prevLogIndex: 3, prevLogTerm: 1, leaderCommit: 3 });
    bench.applied = [];
    const { saves } = bench;
    expect(bench.install({ lastIncludedIndex, lastIncludedTerm: 1 })).toEqual({ term: 1 });
    expect(bench.applied).toEqual([]);
    expect(bench.view).toMatchObject({ firstIndex: 1, lastIndex: 3, commitIndex: 3 });
    expect(bench.saves).toBe(saves);
  });

  it("a repeated snapshot is applied once", () => {
    const bench = new Bench({ currentTerm: 1 });
    const request = { lastIncludedIndex: 3, lastIncludedTerm: 1 };
    bench.install(request);
    bench.install(request);
    expect(bench.applied).toHaveLength(1);
  });
});

describe("§7 servers take snapshots independently, covering just the committed entries", () => {
  function followerWithApplied(count: number): Bench {
    const bench = new Bench({ terms: [1, 1, 1, 1] });
    bench.append({ prevLogIndex: 4, prevLogTerm: 1, leaderCommit: count });
    return bench;
  }

  it("discards the log up to the last included index and any prior snapshot, and persists both at once", () => {
    const bench = followerWithApplied(3);
    bench.compact(2, SNAPSHOT);
    bench.compact(3, OTHER_SNAPSHOT);
    expect(bench.view).toMatchObject({ firstIndex: 4, lastIndex: 4 });
    const restarted = bench.restart();
    expect(restarted.view).toMatchObject({ firstIndex: 4, lastIndex: 4, commitIndex: 3, lastApplied: 3 });
    expect(restarted.core.snapshot).toEqual(OTHER_SNAPSHOT);
    expect(restarted.view.termAt(3)).toBe(1);
  });

  it("after a restart, a save for another reason keeps the snapshot", () => {
    const restarted = new Bench({ snapshotIndex: 3, terms: [1] }).restart();
    restarted.vote({ term: 7 });
    expect(restarted.saves).toBe(1);
    expect(restarted.stored.snapshot).toEqual(SNAPSHOT);
  });

  it("ignores a snapshot no newer than the present one", () => {
    const bench = followerWithApplied(3);
    bench.compact(2, OTHER_SNAPSHOT);
    const { saves } = bench;
    bench.compact(2, SNAPSHOT);
    bench.compact(1, SNAPSHOT);
    expect(bench.saves).toBe(saves);
    expect(bench.core.snapshot).toEqual(OTHER_SNAPSHOT);
  });

  it("refuses a snapshot of what was not applied, and one of nothing", () => {
    const bench = followerWithApplied(3);
    expect(() => bench.compact(4)).toThrow("snapshot up to index 4, but only 3 entries were applied");
    expect(() => bench.compact(1.5)).toThrow("snapshot up to index 1.5, expected a log index");
    expect(() => bench.compact(3, new Uint8Array(0))).toThrow("the snapshot up to index 3 is empty");
  });
});
