import type { RaftView, Random } from "./api.ts";
import { assert, InvariantError } from "./assert.ts";
import { restore } from "./codec.ts";
import { RaftLog } from "./log.ts";
import type { AppendEntriesArgs, InstallSnapshotArgs, Outgoing, RequestVoteArgs } from "./messages.ts";
import type { RaftOptions } from "./options.ts";
import { Progress } from "./progress.ts";

export interface CoreConfig {
  /** This server's number, 0-based. */
  readonly me: number;
  /** Number of servers in the cluster, this one included. */
  readonly servers: number;
  readonly options: RaftOptions;
  readonly random: Random;
  /** Called for rare events only: terms, votes, leaders, conflicts, snapshots. */
  readonly trace: (topic: string, message: string) => void;
}

export type Role = "follower" | "candidate" | "leader";

/** The state of Figure 2, and what the current event has produced so far. The rules are functions over it. */
export class RaftState implements RaftView {
  readonly config: CoreConfig;
  readonly options: RaftOptions;
  readonly me: number;
  /** Votes, or copies of an entry, that are more than half of the cluster. */
  readonly majority: number;
  /** Everyone but this server, in server order. */
  readonly peers: readonly Progress[];

  role: Role = "follower";

  // Persistent on all servers: whoever changes one of them sets `unsaved`.
  currentTerm: number;
  votedFor: number | undefined;
  readonly log: RaftLog;
  /** What the log was compacted into; length 0 if it never was. */
  snapshot: Uint8Array;

  /** Volatile; lastApplied counts what was handed out. Invariant: snapshotIndex <= lastApplied <= commitIndex <= lastIndex. */
  commitIndex: number;
  lastApplied: number;

  /** Followers and candidates: when an election starts, unless something happens before. */
  electionDeadlineMs = 0;
  /** Drawn anew for every election, not for every heartbeat. */
  electionTimeoutMs = 0;
  /** Candidates: votes of this term, the own one included. */
  voteCount = 0;
  /** Candidates: when unanswered peers are asked again. */
  voteRetryMs = Infinity;

  /** Persistent state or snapshot changed in this event. */
  unsaved = false;
  /** An installed snapshot, up to lastApplied, has not been handed out yet. */
  snapshotToApply = false;
  outbox: Outgoing[] = [];
  /** Number of the next request. */
  sequence = 1;

  constructor(config: CoreConfig, saved: Uint8Array, snapshot: Uint8Array, now: number) {
    const { me, servers, options } = config;
    assert(Number.isSafeInteger(servers) && servers >= 1, () => `a cluster of ${servers} servers, expected a whole number of at least 1`);
    assert(
      Number.isSafeInteger(me) && me >= 0 && me < servers,
      () => `server ${me} in a cluster of ${servers}, expected 0..${servers - 1}`,
    );
    this.config = config;
    this.options = options;
    this.me = me;
    this.majority = Math.floor(servers / 2) + 1;
    const peers: Progress[] = [];
    for (let server = 0; server < servers; server++) if (server !== me) peers.push(new Progress(server));
    this.peers = peers;

    const { state, encoded } = restore(saved);
    const { currentTerm, votedFor, snapshotIndex, snapshotTerm, entries } = state;
    assert(votedFor === undefined || votedFor < servers, () => `stored votedFor ${votedFor} in a cluster of ${servers} servers`);
    assert(
      snapshotIndex > 0 === snapshot.length > 0,
      () => `the stored log begins after index ${snapshotIndex}, but the stored snapshot has ${snapshot.length} bytes`,
    );
    this.currentTerm = currentTerm;
    this.votedFor = votedFor;
    this.log = new RaftLog(snapshotIndex, snapshotTerm, entries, encoded);
    this.snapshot = snapshot;
    this.commitIndex = snapshotIndex;
    this.lastApplied = snapshotIndex;
    this.drawElectionTimeout(now);
  }

  get firstIndex(): number {
    return this.log.firstIndex;
  }

  get lastIndex(): number {
    return this.log.lastIndex;
  }

  termAt(index: number): number {
    const { log } = this;
    // What the view is asked for, nearly always.
    return index === log.lastIndex ? log.lastTerm : log.termAt(index);
  }

  peer(server: number): Progress {
    const peer = this.peers[server < this.me ? server : server - 1];
    if (peer === undefined || peer.server !== server) {
      throw new InvariantError(`a message from server ${server}, which is no peer of server ${this.me} among ${this.config.servers}`);
    }
    return peer;
  }

  trace(topic: string, message: string): void {
    this.config.trace(topic, message);
  }

  /** §5.2: randomized, so that split votes are rare and resolved quickly. */
  drawElectionTimeout(now: number): void {
    const { electionTimeoutMinMs, electionTimeoutMaxMs } = this.options;
    this.electionTimeoutMs = electionTimeoutMinMs + this.config.random.next() * (electionTimeoutMaxMs - electionTimeoutMinMs);
    this.electionDeadlineMs = now + this.electionTimeoutMs;
  }

  /** §5.1, the rule for all servers: whoever sees a higher term, in a request or a reply, adopts it and becomes a follower. */
  observeTerm(term: number, now: number): void {
    if (term <= this.currentTerm) return;
    this.trace("TERM", `T${this.currentTerm} -> T${term}, was ${this.role}`);
    this.currentTerm = term;
    this.votedFor = undefined;
    this.unsaved = true;
    this.becomeFollower(now);
  }

  becomeFollower(now: number): void {
    // A leader has no election timer running. A candidate or follower keeps its own: a higher term alone does not put off an election.
    if (this.role === "leader") this.drawElectionTimeout(now);
    this.role = "follower";
  }

  /** For AppendEntries and InstallSnapshot of the current term: they come from its one leader. */
  followLeader(leaderId: number, now: number): void {
    if (this.role === "leader") {
      throw new InvariantError(`two leaders in term ${this.currentTerm}: this server ${this.me}, and server ${leaderId}`);
    }
    if (this.role === "candidate") this.trace("VOTE", `T${this.currentTerm} is led by S${leaderId}, candidate gives up`);
    this.role = "follower";
    this.electionDeadlineMs = now + this.electionTimeoutMs;
  }

  commitTo(index: number): void {
    if (index > this.log.lastIndex) throw new InvariantError(`commit ${index} past end of log ${this.log.lastIndex}`);
    this.commitIndex = index;
  }

  sendRequestVote(to: number, args: RequestVoteArgs): void {
    this.outbox.push({ method: "RequestVote", to, sequence: this.sequence++, args });
  }

  sendAppendEntries(to: number, args: AppendEntriesArgs): void {
    this.outbox.push({ method: "AppendEntries", to, sequence: this.sequence++, args });
  }

  sendInstallSnapshot(to: number, args: InstallSnapshotArgs): void {
    this.outbox.push({ method: "InstallSnapshot", to, sequence: this.sequence++, args });
  }
}
