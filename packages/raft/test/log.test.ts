import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvariantError } from "../src/assert.ts";
import { decodeState } from "../src/codec.ts";
import { RaftLog } from "../src/log.ts";
import type { Entry } from "../src/messages.ts";

function logOf(snapshotIndex: number, snapshotTerm: number, terms: readonly number[]): RaftLog {
  const log = new RaftLog(snapshotIndex, snapshotTerm);
  for (const term of terms) log.append({ term, command: log.lastIndex + 1 });
  return log;
}

function termsOf(log: RaftLog): number[] {
  return log.slice(log.firstIndex, log.lastIndex + 1).map(({ term }) => term);
}

describe("RaftLog", () => {
  it("begins at index 1, after a snapshot point of index 0 and term 0", () => {
    const log = new RaftLog(0, 0);
    expect([log.firstIndex, log.lastIndex, log.lastTerm, log.termAt(0)]).toEqual([1, 0, 0, 0]);
  });

  it.each([
    { from: 1, left: [] },
    { from: 2, left: [1] },
    { from: 4, left: [1, 1, 2] },
    { from: 5, left: [1, 1, 2, 3] },
  ])("truncateFrom($from) leaves terms $left", ({ from, left }) => {
    const log = logOf(0, 0, [1, 1, 2, 3]);
    log.truncateFrom(from);
    expect(termsOf(log)).toEqual(left);
    expect(log.lastTerm).toBe(left.at(-1) ?? 0);
  });

  it.each([
    { to: 5, first: 6, left: [1, 1, 2, 3] },
    { to: 6, first: 7, left: [1, 2, 3] },
    { to: 9, first: 10, left: [] },
  ])("compactTo($to) keeps the indices of what follows", ({ to, first, left }) => {
    const log = logOf(5, 1, [1, 1, 2, 3]);
    const term = log.termAt(to);
    log.compactTo(to);
    expect([log.snapshotIndex, log.snapshotTerm, log.firstIndex]).toEqual([to, term, first]);
    expect(termsOf(log)).toEqual(left);
    expect(log.lastIndex).toBe(9);
    expect(log.lastTerm).toBe(3);
  });

  it.each([
    { term: 1, atMost: 9, index: 7 },
    { term: 2, atMost: 9, index: 8 },
    { term: 5, atMost: 9, index: 9 },
    { term: 5, atMost: 6, index: 6 },
    { term: 5, atMost: 99, index: 9 },
    { term: 0, atMost: 9, index: 5 },
  ])("the last index up to term $term, at most $atMost, is $index", ({ term, atMost, index }) => {
    expect(logOf(5, 1, [1, 1, 2, 3]).lastIndexUpToTerm(term, atMost)).toBe(index);
  });

  it("says what was asked and what there is when an index is out of range", () => {
    const log = logOf(5, 1, [1, 2]);
    expect(() => log.termAt(4)).toThrow("no entry 4 in a log of [6, 8)");
    expect(() => log.entryAt(5)).toThrow("no entry 5 in a log of [6, 8)");
    expect(() => log.entryAt(8)).toThrow(InvariantError);
    expect(() => log.slice(5, 7)).toThrow("no entries [5, 7) in a log of [6, 8)");
    expect(() => log.slice(6, 9)).toThrow(InvariantError);
    expect(() => log.truncateFrom(5)).toThrow("cannot truncate from 5 a log of [6, 8)");
    expect(() => log.truncateFrom(9)).toThrow(InvariantError);
    expect(() => log.compactTo(4)).toThrow(InvariantError);
    expect(() => log.compactTo(8)).toThrow(InvariantError);
    expect(() => log.append({ term: 1, command: 0 })).toThrow("entry 8 of term 1 after an entry of term 2");
  });

  it("is unchanged by a command that cannot be stored", () => {
    const log = logOf(0, 0, [1, 1]);
    const before = log.encodeWith(1, 0).slice();
    expect(() => log.append({ term: 1, command: { deep: [1n] } })).toThrow(TypeError);
    expect(log.lastIndex).toBe(2);
    expect(log.encodeWith(1, 0)).toEqual(before);
  });
});

/** The same log, as simply as it can be said: all entries ever, and a mark up to which they count as compacted. */
class NaiveLog {
  snapshotIndex: number;
  entries: Entry[];

  constructor(snapshotIndex: number, snapshotTerm: number) {
    this.snapshotIndex = snapshotIndex;
    this.entries = Array.from({ length: snapshotIndex }, () => ({ term: snapshotTerm, command: null }));
  }

  termAt(index: number): number {
    return index === 0 ? 0 : this.entries[index - 1]!.term;
  }

  lastIndexUpToTerm(term: number, atMost: number): number {
    let index = Math.min(atMost, this.entries.length);
    while (index > this.snapshotIndex && this.termAt(index) > term) index -= 1;
    return index;
  }
}

const step = fc.oneof(
  fc.record({ kind: fc.constant("append" as const), termStep: fc.nat(2), command: fc.jsonValue() }),
  fc.record({ kind: fc.constant("truncate" as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
  fc.record({ kind: fc.constant("compact" as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
  fc.record({ kind: fc.constant("reset" as const), ahead: fc.nat(5) }),
);

describe("RaftLog against a naive twin", () => {
  it("holds the same entries, terms and bytes after any changes", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const log = new RaftLog(0, 0);
        let twin = new NaiveLog(0, 0);
        for (const change of steps) {
          const first = log.firstIndex;
          const count = log.lastIndex - first + 1;
          if (change.kind === "append") {
            const entry = { term: Math.max(1, log.lastTerm + change.termStep), command: change.command };
            log.append(entry);
            twin.entries.push(entry);
          } else if (change.kind === "truncate") {
            const index = first + Math.floor(change.share * count);
            log.truncateFrom(index);
            twin.entries.length = index - 1;
          } else if (change.kind === "compact") {
            const index = first - 1 + Math.floor(change.share * count);
            log.compactTo(index);
            twin.snapshotIndex = index;
          } else {
            const index = log.lastIndex + 1 + change.ahead;
            const term = Math.max(1, log.lastTerm);
            log.reset(index, term);
            twin = new NaiveLog(index, term);
          }
          expectSame(log, twin);
        }
      }),
    );
  });
});

function expectSame(log: RaftLog, twin: NaiveLog): void {
  const { snapshotIndex, entries } = twin;
  expect([log.snapshotIndex, log.lastIndex]).toEqual([snapshotIndex, entries.length]);
  expect(log.slice(log.firstIndex, log.lastIndex + 1)).toEqual(entries.slice(snapshotIndex));
  for (let index = snapshotIndex; index <= entries.length; index += 1) expect(log.termAt(index)).toBe(twin.termAt(index));
  expect(log.lastTerm).toBe(twin.termAt(entries.length));
  for (const term of [0, 1, 2, 5]) {
    expect(log.lastIndexUpToTerm(term, log.lastIndex - 1)).toBe(
      log.lastIndex === snapshotIndex ? snapshotIndex : twin.lastIndexUpToTerm(term, log.lastIndex - 1),
    );
  }
  const currentTerm = log.lastTerm + 3;
  expect(decodeState(log.encodeWith(currentTerm, 1))).toEqual({
    currentTerm,
    votedFor: 1,
    snapshotIndex,
    snapshotTerm: twin.termAt(snapshotIndex),
    entries: entries.slice(snapshotIndex),
  });
}
