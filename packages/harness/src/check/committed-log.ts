import type { Moment } from "./finding.ts";

/** An entry that was committed, as the first server that knew it showed it by inspect(). */
export interface CommittedEntry extends Moment {
  readonly term: number;
  readonly server: number;
  /** The term in which it was committed: that of the server which knew first, for a leader knows first. */
  readonly commitTerm: number;
}

/** What the cluster has committed, by index; it only grows. */
export class CommittedLog {
  private readonly entries: CommittedEntry[] = [{ term: 0, server: -1, commitTerm: 0, event: 0, atUs: 0 }];

  get lastIndex(): number {
    return this.entries.length - 1;
  }

  /** Undefined beyond `lastIndex`. */
  at(index: number): CommittedEntry | undefined {
    return this.entries[index];
  }

  append(entry: CommittedEntry): void {
    this.entries.push(entry);
  }

  /** The last index that was committed in a term before `term`; 0 if none was. */
  lastCommittedBefore(term: number): number {
    let index = this.lastIndex;
    while (index > 0 && this.entries[index]!.commitTerm >= term) index--;
    return index;
  }
}
