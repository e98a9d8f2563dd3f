/** What a server knows of one peer. The leader's view of replication begins anew with each leadership. */
export class Progress {
  readonly server: number;

  /** When this peer was last heard of, by request or reply; -Infinity if never. */
  heardMs = -Infinity;

  /** As a candidate: the peer answered in this term, whether with its vote or without. */
  voteAnswered = false;

  /**
   * Index of the next entry to send. It moves on when entries are sent, before they are acknowledged, and moves back when a reply or a
   * loss shows that they are missing. Invariant: matchIndex < nextIndex <= lastIndex + 1.
   */
  nextIndex = 1;
  /** Highest index known to be replicated on this peer in this term; never decreases in a leadership (§5.3). */
  matchIndex = 0;
  /**
   * The peer rejected the check before nextIndex, or a higher one: nextIndex is a guess and stays until a check succeeds. Meanwhile all
   * heartbeats make their check there too, so that whichever reply comes first settles it, and entries are sent once per guess.
   */
  probing = false;
  /** While probing: entries were sent for this guess. */
  probed = false;
  /** The leaderCommit last sent. */
  sentCommit = 0;

  /**
   * Requests numbered below this were sent before nextIndex last moved back. Their rejections and losses tell of a gap that has been
   * closed, or will be by what was sent since, and must not move it back again.
   */
  repairedAt = 0;

  /** No entries and no commit index before this. */
  nextSendMs = 0;
  /** By then the peer must have been sent something. */
  nextHeartbeatMs = 0;

  /** lastIncludedIndex of the InstallSnapshot that is under way, at most one at a time; 0 if there is none. */
  snapshotInFlight = 0;
  /** Number of that request. */
  snapshotSequence = 0;
  /** From then on that request counts as lost. */
  snapshotRetryMs = 0;

  constructor(server: number) {
    this.server = server;
  }

  /** §5.3: nextIndex starts just after the leader's last entry. A heartbeat, with commitIndex, is due at once; the peer counts as heard. */
  beginLeadership(lastLogIndex: number, commitIndex: number, now: number): void {
    this.heardMs = now;
    this.nextIndex = lastLogIndex + 1;
    this.matchIndex = 0;
    this.probing = false;
    this.sentCommit = commitIndex;
    this.repairedAt = 0;
    this.nextSendMs = now;
    this.nextHeartbeatMs = now;
    this.snapshotInFlight = 0;
  }

  /** The peer holds the leader's log up to `index`. False if that was known. */
  raiseMatch(index: number): boolean {
    if (index <= this.matchIndex) return false;
    this.matchIndex = index;
    if (this.nextIndex <= index) this.nextIndex = index + 1;
    if (this.snapshotInFlight <= index) this.snapshotInFlight = 0;
    return true;
  }

  /** Entries from `index` on must be sent (again); `sequence` is the number of the next request. */
  backUpTo(index: number, sequence: number): void {
    const nextIndex = Math.max(index, this.matchIndex + 1);
    if (nextIndex < this.nextIndex) this.nextIndex = nextIndex;
    this.probed = false;
    this.repairedAt = sequence;
  }
}
