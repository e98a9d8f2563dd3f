import { InvariantError } from "./assert.ts";
import { EncodedEntries } from "./codec.ts";
import type { Entry } from "./messages.ts";

/**
 * The replicated log: 1-based entries above a snapshot point, which stands in for everything up to `snapshotIndex`. Before the first
 * snapshot the point is index 0 of term 0. Terms never decrease from one entry to the next (§5.3), so they can be searched by halving.
 */
export class RaftLog {
  // Read by everyone, changed by the log alone. Fields, not computed: these are what is read most of all in a cluster.
  snapshotIndex: number;
  snapshotTerm: number;
  /** Index of the first entry kept. Invariant: snapshotIndex + 1 = firstIndex <= lastIndex + 1. */
  firstIndex: number;
  /** Index of the last entry, or the snapshot point if there is none: snapshotIndex + the number of entries. */
  lastIndex: number;
  /** Term at `lastIndex`. */
  lastTerm: number;
  private entries: Entry[];
  private encoded: EncodedEntries;

  /** `entries`: above the snapshot point, their terms in order; `encoded`: the same, which the log takes over. */
  constructor(snapshotIndex: number, snapshotTerm: number, entries: readonly Entry[] = [], encoded = new EncodedEntries()) {
    this.snapshotIndex = snapshotIndex;
    this.snapshotTerm = snapshotTerm;
    this.firstIndex = snapshotIndex + 1;
    this.lastIndex = snapshotIndex + entries.length;
    this.lastTerm = entries.at(-1)?.term ?? snapshotTerm;
    this.entries = entries.slice();
    this.encoded = encoded;
  }

  /** For `snapshotIndex <= index <= lastIndex`. */
  termAt(index: number): number {
    // Most who ask, ask for the end of the log.
    if (index === this.lastIndex) return this.lastTerm;
    if (index === this.snapshotIndex) return this.snapshotTerm;
    return this.entryAt(index).term;
  }

  /** For `firstIndex <= index <= lastIndex`. */
  entryAt(index: number): Entry {
    const entry = this.entries[index - this.snapshotIndex - 1];
    if (entry === undefined) throw new InvariantError(`no entry ${index} in a log of [${this.firstIndex}, ${this.lastIndex + 1})`);
    return entry;
  }

  /** The entries `[lo, hi)`, for `firstIndex <= lo <= hi <= lastIndex + 1`. */
  slice(lo: number, hi: number): Entry[] {
    if (lo < this.firstIndex || hi < lo || hi > this.lastIndex + 1) {
      throw new InvariantError(`no entries [${lo}, ${hi}) in a log of [${this.firstIndex}, ${this.lastIndex + 1})`);
    }
    return this.entries.slice(lo - this.firstIndex, hi - this.firstIndex);
  }

  /** The entry is kept, and must not change. Throws a TypeError, and keeps nothing, if the command is not JSON-like. */
  append(entry: Entry): void {
    if (entry.term < this.lastTerm) {
      throw new InvariantError(`entry ${this.lastIndex + 1} of term ${entry.term} after an entry of term ${this.lastTerm}`);
    }
    this.encoded.append(entry);
    this.entries.push(entry);
    this.lastIndex += 1;
    this.lastTerm = entry.term;
  }

  /** Drops `[index, lastIndex + 1)`, for `firstIndex <= index <= lastIndex + 1`. */
  truncateFrom(index: number): void {
    const kept = index - this.firstIndex;
    if (kept < 0 || kept > this.entries.length) {
      throw new InvariantError(`cannot truncate from ${index} a log of [${this.firstIndex}, ${this.lastIndex + 1})`);
    }
    this.entries.length = kept;
    this.encoded.truncateTo(kept);
    this.lastIndex = index - 1;
    this.lastTerm = kept === 0 ? this.snapshotTerm : this.entries[kept - 1]!.term;
  }

  /** §7: moves the snapshot point up to an entry of the log; what follows it stays. For `snapshotIndex <= index <= lastIndex`. */
  compactTo(index: number): void {
    const term = this.termAt(index);
    const dropped = index - this.snapshotIndex;
    this.entries = this.entries.slice(dropped);
    this.encoded.dropFirst(dropped);
    this.snapshotIndex = index;
    this.snapshotTerm = term;
    this.firstIndex = index + 1;
  }

  /** §7: a snapshot replaces the whole log. */
  reset(snapshotIndex: number, snapshotTerm: number): void {
    this.entries = [];
    this.encoded.truncateTo(0);
    this.snapshotIndex = snapshotIndex;
    this.snapshotTerm = snapshotTerm;
    this.firstIndex = snapshotIndex + 1;
    this.lastIndex = snapshotIndex;
    this.lastTerm = snapshotTerm;
  }

  /** The highest index in `[snapshotIndex, atMost]` whose term is at most `term`, by halving; `snapshotIndex` if there is none. */
  lastIndexUpToTerm(term: number, atMost: number): number {
    let lo = this.snapshotIndex;
    let hi = Math.min(atMost, this.lastIndex);
    while (lo < hi) {
      const middle = Math.ceil((lo + hi) / 2);
      if (this.termAt(middle) <= term) lo = middle;
      else hi = middle - 1;
    }
    return lo;
  }

  /** Persistent state with this log in it; a view that is valid until the log changes. */
  encodeWith(currentTerm: number, votedFor: number | undefined): Uint8Array {
    return this.encoded.withHeader(currentTerm, votedFor, this.snapshotIndex, this.snapshotTerm);
  }
}
