export interface Entry {
  term: number;
  command: unknown;
}

/**
 * The log above a snapshot. Indices count from 1 and never change; the entries up to `snapshotIndex` are gone, only the term of the last of
 * them is still known.
 *
 * Beside the entries it keeps their encoding, one line of JSON each, so that saving a long log does not mean encoding it again.
 */
export class Log {
  snapshotIndex: number;
  snapshotTerm: number;
  /** entries[0] is the one at snapshotIndex + 1. */
  private readonly entries: Entry[] = [];
  private bytes = Buffer.alloc(1024);
  /** ends[i]: where in `bytes` the line of entries[i] ends. */
  private ends: number[] = [];

  constructor(snapshotIndex = 0, snapshotTerm = 0) {
    this.snapshotIndex = snapshotIndex;
    this.snapshotTerm = snapshotTerm;
  }

  get lastIndex(): number {
    return this.snapshotIndex + this.entries.length;
  }

  get lastTerm(): number {
    return this.termAt(this.lastIndex);
  }

  /** For snapshotIndex <= index <= lastIndex. */
  termAt(index: number): number {
    return index === this.snapshotIndex ? this.snapshotTerm : this.at(index).term;
  }

  /** For snapshotIndex < index <= lastIndex. */
  at(index: number): Entry {
    const entry = this.entries[index - this.snapshotIndex - 1];
    if (entry === undefined) throw new RangeError(`no entry ${index}: the log holds ${this.snapshotIndex + 1} to ${this.lastIndex}`);
    return entry;
  }

  /** The entries from `index` on. */
  from(index: number): Entry[] {
    return this.entries.slice(index - this.snapshotIndex - 1);
  }

  /** The first index of the run of entries that have the same term as the one at `index`. */
  firstOfSameTerm(index: number): number {
    const term = this.termAt(index);
    let first = index;
    while (first > this.snapshotIndex + 1 && this.termAt(first - 1) === term) first -= 1;
    return first;
  }

  /** The last index up to `limit` with an entry of `term`, if it is still known. Terms never decrease along a log. */
  lastOfTerm(term: number, limit: number): number | undefined {
    let index = limit;
    while (index >= this.snapshotIndex && this.termAt(index) > term) index -= 1;
    return index >= this.snapshotIndex && this.termAt(index) === term ? index : undefined;
  }

  append(entry: Entry): void {
    this.entries.push(entry);
    const line = `${JSON.stringify(entry)}\n`;
    const end = this.ends.at(-1) ?? 0;
    this.reserve(end + 3 * line.length);
    this.ends.push(end + this.bytes.write(line, end));
  }

  /** Drops the entry at `index` and all that follow it. */
  truncateFrom(index: number): void {
    this.entries.length = index - this.snapshotIndex - 1;
    this.ends.length = this.entries.length;
  }

  /** Drops the entries up to `index`, which a snapshot holds now. Any that follow it stay. */
  trimTo(index: number, term: number): void {
    const dropped = Math.min(index - this.snapshotIndex, this.entries.length);
    const cut = this.ends[dropped - 1] ?? 0;
    this.entries.splice(0, dropped);
    this.bytes.copyWithin(0, cut);
    this.ends = this.ends.slice(dropped).map((end) => end - cut);
    this.snapshotIndex = index;
    this.snapshotTerm = term;
  }

  /** All entries as lines of JSON; valid until the log changes. */
  encoded(): Uint8Array {
    return this.bytes.subarray(0, this.ends.at(-1) ?? 0);
  }

  private reserve(size: number): void {
    if (size <= this.bytes.length) return;
    const larger = Buffer.alloc(2 * size);
    this.bytes.copy(larger);
    this.bytes = larger;
  }
}
