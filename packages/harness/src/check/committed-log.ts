import type { Moment } from "./finding.ts";

/** What the first server that knew of it showed as committed, in one event. */
export interface Commit extends Moment {
  readonly server: number;
  /** The term in which it was committed: that of the server which knew first, for a leader knows first. */
  readonly commitTerm: number;
}

/** What the cluster has committed, by index; it only grows. */
export class CommittedLog {
  private readonly terms: number[] = [0];
  private readonly commits: Commit[] = [{ server: -1, commitTerm: 0, event: 0, atUs: 0 }];

  get lastIndex(): number {
    return this.terms.length - 1;
  }

  /** Term of the committed entry; undefined beyond `lastIndex`. */
  termAt(index: number): number | undefined {
    return this.terms[index];
  }

  /** How the entry came to be committed. `index`: at most `lastIndex`. */
  commitOf(index: number): Commit {
    return this.commits[index]!;
  }

  append(term: number, commit: Commit): void {
    this.terms.push(term);
    this.commits.push(commit);
  }

  /** The last index that was committed in a term before `term`; 0 if none was. */
  lastCommittedBefore(term: number): number {
    let index = this.lastIndex;
    while (index > 0 && this.commits[index]!.commitTerm >= term) index--;
    return index;
  }
}
