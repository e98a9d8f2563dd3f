import type { Raft, RaftView } from "@raft-stress/raft/api";
import type { PaperCall } from "./figure2.ts";
import type { Moment } from "./finding.ts";

export interface AcknowledgedEntry extends Moment {
  readonly leaderTerm: number;
  readonly leader: number;
  readonly index: number;
  readonly term: number;
}

/**
 * What the harness knows of one server from outside: what inspect() showed at the end of its latest event, what its disk holds as far as that can be told, and what
 * it has promised to others. It outlives the server's lives, because promises do.
 */
export class ServerRecord {
  readonly server: number;
  /** Its present life; undefined while it is down. */
  raft: Raft | undefined = undefined;
  /** Whether this life shows itself by inspect(). */
  inspects = false;
  /** Whether the view below is of this life already. */
  seenThisLife = false;
  /** How often it has booted. */
  lives = 0;
  /** Whether its latest life ended in the midst of an event that had saved: what that event did to the disk, inspect() may not have shown. */
  diedSaving = false;

  // What inspect() showed at the end of the latest event.
  role: RaftView["role"] = "follower";
  currentTerm = 0;
  votedFor: number | undefined = undefined;
  /** The vote that inspect() has shown last in this life and term, also if it is not shown any more. */
  voteInTerm: number | undefined = undefined;
  commitIndex = 0;
  lastApplied = 0;
  /** Index of the snapshot below the log. */
  baseIndex = 0;
  lastIndex = 0;
  /** Term of the entry at `lastIndex`, or of the snapshot there. */
  lastTerm = 0;
  /** Terms of the log's entries by index; of what lies under a snapshot as far as it was seen before. */
  readonly terms: number[] = [0];
  /** `terms` says nothing of what lies below this index. */
  knownFrom = 0;

  // The disk.
  /** Calls of save() in all lives. */
  saves = 0;
  /** `saves` at the end of the latest event. */
  savesAtQuiet = 0;
  /** `saves` before the event in which the present term began. */
  savesBeforeTerm = 0;
  // The log as it was at the end of the latest event in which something was saved: `terms` from `diskBase` to `diskLast`, but for what has changed there since.
  diskBase = 0;
  diskLast = 0;
  /** What `terms` was from `overwrittenFrom` to `diskLast`, where the log is another one by now. */
  private overwritten: readonly number[] = noTerms;
  private overwrittenFrom = Number.POSITIVE_INFINITY;
  /** Lowest index at which log and disk may differ. */
  changedFrom = 1;
  /** Index of the service's snapshot on disk; 0 without one. */
  diskSnapshotIndex = 0;

  // Promises, in all lives.
  /** Highest term that a message of this server has told anybody. */
  toldTerm = 0;
  toldTermEvent = 0;
  toldTermUs = 0;
  /** Highest index that it has acknowledged and not been made to overwrite since. */
  acknowledgedIndex = 0;
  acknowledgedEvent = 0;
  acknowledgedUs = 0;

  /** The highest entry that its present life has acknowledged to the leader of `leaderTerm`, the latest one. It must stay, for a leader's log only grows. */
  acknowledgedToLeader: AcknowledgedEntry | undefined = undefined;

  /**
   * Whether nothing is known of the event under way that has to be held against the server's state when it is over: it has been seen, and has saved, sent and answered nothing. Then it is enough
   * to see that it still shows what it showed before.
   */
  isCalm = false;
  /** Whether none of its code has run in the event under way, as far as that is known: then it shows what it showed before. */
  isIdle = false;

  // What left the server during the event under way, to be held against its state when the event is over.
  highestTermSent = 0;
  /** A RequestVote. */
  requestSent: PaperCall | undefined = undefined;
  /** AppendEntries that was answered in the term of the request. */
  leaderAnswered: PaperCall | undefined = undefined;
  /** Requests that were answered with success. */
  readonly acknowledged: PaperCall[] = [];
  /** Whether one of those had entries, which may have taken the place of others. */
  hasTakenEntries = false;

  constructor(server: number) {
    this.server = server;
  }

  /** A life begins. */
  begin(raft: Raft): void {
    this.raft = raft;
    this.lives++;
    this.inspects = typeof raft.inspect === "function";
    this.seenThisLife = false;
    this.acknowledgedToLeader = undefined;
    this.forgetSent();
  }

  /** A life ends. */
  end(): void {
    this.raft = undefined;
    this.forgetSent();
  }

  /** Highest term that is known of it in its present life. */
  get knownTerm(): number {
    return Math.max(this.currentTerm, this.toldTerm);
  }

  /** Term of its entry at `index`; undefined if it has none there, or nothing is known of it. */
  termAt(index: number): number | undefined {
    return index > this.lastIndex || index < this.knownFrom ? undefined : this.terms[index];
  }

  /** Whether its log holds this very entry, or a snapshot of it. */
  holds(index: number, term: number): boolean {
    return index <= this.baseIndex || (index <= this.lastIndex && this.terms[index] === term);
  }

  /** Whether this very entry, or a snapshot of it, would be there after a crash. */
  holdsOnDisk(index: number, term: number): boolean {
    if (index <= this.diskBase || index > this.diskLast) return index <= this.diskBase;
    const from = this.overwrittenFrom;
    return (index < from ? this.terms[index] : this.overwritten[index - from]) === term;
  }

  /** Sets the term of an entry of the log, or of its snapshot. */
  setTerm(index: number, term: number): void {
    if (index <= this.diskLast && index < this.overwrittenFrom) this.keepDiskFrom(index);
    this.terms[index] = term;
  }

  private keepDiskFrom(index: number): void {
    this.overwritten = [...this.terms.slice(index, Math.min(this.overwrittenFrom, this.diskLast + 1)), ...this.overwritten];
    this.overwrittenFrom = index;
  }

  private forgetSent(): void {
    this.highestTermSent = 0;
    this.requestSent = undefined;
    this.leaderAnswered = undefined;
    this.acknowledged.length = 0;
    this.hasTakenEntries = false;
    this.isCalm = false;
  }

  /** The log has been saved as it is. */
  logIsOnDisk(): void {
    const { lastIndex } = this;
    this.overwritten = noTerms;
    this.overwrittenFrom = Number.POSITIVE_INFINITY;
    this.diskBase = this.baseIndex;
    this.diskLast = lastIndex;
    this.changedFrom = lastIndex + 1;
  }
}

const noTerms: readonly number[] = [];

/** -1 and null are what many write for nobody. */
export function votedForOf({ votedFor }: Pick<RaftView, "votedFor">): number | undefined {
  return typeof votedFor === "number" && votedFor >= 0 ? votedFor : undefined;
}
