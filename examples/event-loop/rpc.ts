/** Arguments and replies with the names that Go code of the lab has. */

export interface Entry {
  Term: number;
  Command: unknown;
}

export interface RequestVoteArgs {
  Term: number;
  CandidateId: number;
  LastLogIndex: number;
  LastLogTerm: number;
}

export interface RequestVoteReply {
  Term: number;
  VoteGranted: boolean;
}

export interface AppendEntriesArgs {
  Term: number;
  LeaderId: number;
  PrevLogIndex: number;
  PrevLogTerm: number;
  Entries: Entry[];
  LeaderCommit: number;
}

export interface AppendEntriesReply {
  Term: number;
  Success: boolean;
  /** Term of the follower's entry at PrevLogIndex; -1 if it has none. */
  XTerm: number;
  /** First index of the entries of that term. */
  XIndex: number;
  /** Last index of the follower's log. */
  XLen: number;
}

export interface InstallSnapshotArgs {
  Term: number;
  LeaderId: number;
  LastIncludedIndex: number;
  LastIncludedTerm: number;
  Data: Uint8Array;
}

export interface InstallSnapshotReply {
  Term: number;
}

export type AnyArgs = RequestVoteArgs | AppendEntriesArgs | InstallSnapshotArgs;
export type AnyReply = RequestVoteReply | AppendEntriesReply | InstallSnapshotReply;
