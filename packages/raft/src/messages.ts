/**
 * The RPCs of Figure 2 and Figure 13. Messages are plain objects whose fields are always created in the order given here, so that each
 * kind has one shape.
 */

/** Created once, never changed: the log, messages and the apply channel may share it. */
export interface Entry {
  readonly term: number;
  readonly command: unknown;
}

export interface RequestVoteArgs {
  readonly term: number;
  readonly candidateId: number;
  readonly lastLogIndex: number;
  readonly lastLogTerm: number;
}

export interface RequestVoteReply {
  readonly term: number;
  readonly voteGranted: boolean;
}

export interface AppendEntriesArgs {
  readonly term: number;
  readonly leaderId: number;
  readonly prevLogIndex: number;
  readonly prevLogTerm: number;
  /** Entries `[prevLogIndex + 1, prevLogIndex + 1 + entries.length)`; empty for a heartbeat. */
  readonly entries: readonly Entry[];
  readonly leaderCommit: number;
}

export interface AppendEntriesReply {
  readonly term: number;
  readonly success: boolean;
  /**
   * §5.3, fast back-up. After a failed consistency check: the highest index, up to prevLogIndex, at which this log could still match the
   * leader's, because its term there is no newer than prevLogTerm. Otherwise 0.
   */
  readonly conflictIndex: number;
  /** This log's term at conflictIndex. */
  readonly conflictTerm: number;
}

/** Figure 13 without offset and done: a snapshot travels whole. */
export interface InstallSnapshotArgs {
  readonly term: number;
  readonly leaderId: number;
  readonly lastIncludedIndex: number;
  readonly lastIncludedTerm: number;
  readonly data: Uint8Array;
}

export interface InstallSnapshotReply {
  readonly term: number;
}

export type Reply = RequestVoteReply | AppendEntriesReply | InstallSnapshotReply;

/** A request on its way out. It comes back to the core with its reply, or with the news that one of the two was lost. */
export type Outgoing =
  | { readonly method: "RequestVote"; readonly to: number; readonly sequence: number; readonly args: RequestVoteArgs }
  | { readonly method: "AppendEntries"; readonly to: number; readonly sequence: number; readonly args: AppendEntriesArgs }
  | { readonly method: "InstallSnapshot"; readonly to: number; readonly sequence: number; readonly args: InstallSnapshotArgs };
