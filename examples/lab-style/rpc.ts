import type { Entry } from "./log.ts";

/** Arguments and replies of the three RPCs: Figure 2 and Figure 13 of the paper. */

export interface RequestVoteArgs {
  term: number;
  candidateId: number;
  lastLogIndex: number;
  lastLogTerm: number;
}

export interface RequestVoteReply {
  term: number;
  voteGranted: boolean;
}

export interface AppendEntriesArgs {
  term: number;
  leaderId: number;
  prevLogIndex: number;
  prevLogTerm: number;
  entries: Entry[];
  leaderCommit: number;
}

export interface AppendEntriesReply {
  term: number;
  success: boolean;
  /** With success false: where the leader may try next (end of §5.3). */
  conflict?: Conflict;
}

/** Why a follower cannot append: its log is too short, or holds an entry of another term just before the new ones. */
export interface Conflict {
  /** The term of the entry at prevLogIndex; undefined if there is none. */
  term: number | undefined;
  /** The first index with that term; without an entry, the first index that is free. */
  index: number;
}

export interface InstallSnapshotArgs {
  term: number;
  leaderId: number;
  lastIncludedIndex: number;
  lastIncludedTerm: number;
  data: Uint8Array;
}

export interface InstallSnapshotReply {
  term: number;
}
