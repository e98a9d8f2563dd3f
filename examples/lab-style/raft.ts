import type { MakeRaft, Raft, RaftEnv, RaftView, StartResult } from "@raft-stress/raft/api";
import { Condition } from "./condition.ts";
import { type Entry, Log } from "./log.ts";
import type {
  AppendEntriesArgs,
  AppendEntriesReply,
  Conflict,
  InstallSnapshotArgs,
  InstallSnapshotReply,
  RequestVoteArgs,
  RequestVoteReply,
} from "./rpc.ts";

/** The lab allows ten heartbeats per second and leader. */
const heartbeatIntervalMs = 100;
/** A leader looks this often whether anyone lacks anything. */
const sendIntervalMs = 50;
/** Several heartbeats may get lost before a follower loses patience; an election fits several times into the lab's five seconds. */
const electionTimeoutMs = { min: 350, max: 700 };

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export const makeRaft: MakeRaft = (env) => new LabRaft(env);

/**
 * Raft as in the extended paper, parts 2A to 2D of the lab. Sections (§) and figures are the paper's.
 *
 * Three things run side by side from boot to death: the election ticker, the applier, and, while this server leads, the replicator. They
 * need no lock, but each `await` lets the world change: code after one checks term and role again before it acts.
 */
export class LabRaft implements Raft {
  private readonly env: RaftEnv;
  private readonly others: readonly number[];
  private readonly majority: number;
  private killed = false;

  // On every server, persistent (Figure 2): saved before anyone hears of a change.
  private currentTerm = 0;
  private votedFor: number | undefined;
  private log = new Log();
  private latestSnapshot: Uint8Array = new Uint8Array(0);

  // On every server, volatile.
  protected role: "follower" | "candidate" | "leader" = "follower";
  private commitIndex = 0;
  private lastApplied = 0;
  private electionDeadline = 0;
  private readonly commitIndexMoved = new Condition();

  // On a candidate.
  private votes = 0;

  // On a leader, by server; set anew by each election.
  /** The next entry to send; those before it are on their way at least. */
  private nextIndex: number[] = [];
  /** The last entry that is known to have arrived. */
  private matchIndex: number[] = [];
  /** When each follower was last sent a request, and with which commit index. */
  private sentAtMs: number[] = [];
  private sentCommitIndex: number[] = [];
  /** Whether the follower has refused, and has not accepted since: then we look for the place up to which the logs agree, without sending entries. */
  private isProbed: boolean[] = [];

  readonly handlers = {
    RequestVote: (args: RequestVoteArgs) => this.requestVote(args),
    AppendEntries: (args: AppendEntriesArgs) => this.appendEntries(args),
    InstallSnapshot: (args: InstallSnapshotArgs) => this.installSnapshot(args),
  };

  constructor(env: RaftEnv) {
    this.env = env;
    this.others = env.peers.map((_, server) => server).filter((server) => server !== env.me);
    this.majority = Math.floor(env.peers.length / 2) + 1;
    this.restore();
    this.resetElectionTimer();
    void this.electionTicker();
    void this.applier();
  }

  // ---- What the service calls ----

  start(command: unknown): StartResult {
    if (this.killed || this.role !== "leader") return { index: -1, term: this.currentTerm, isLeader: false };
    this.log.append({ term: this.currentTerm, command });
    this.persist();
    this.recordMatch(this.env.me, this.log.lastIndex);
    return { index: this.log.lastIndex, term: this.currentTerm, isLeader: true };
  }

  getState(): { term: number; isLeader: boolean } {
    return { term: this.currentTerm, isLeader: this.role === "leader" };
  }

  /** The service asks for this on every server, whenever it likes: old requests are to be ignored. */
  snapshot(index: number, snapshot: Uint8Array): void {
    if (index <= this.log.snapshotIndex) return;
    this.log.trimTo(index, this.log.termAt(index));
    this.latestSnapshot = snapshot;
    this.persist();
  }

  kill(): void {
    this.killed = true;
    this.commitIndexMoved.notifyAll();
  }

  // ---- Elections (§5.2, §5.4.1) ----

  /** Sleeps until the deadline as it is now. Meanwhile the deadline may have moved; if it has not, nobody leads. */
  private async electionTicker(): Promise<void> {
    while (!this.killed) {
      const waitMs = this.electionDeadline - Date.now();
      if (waitMs > 0) {
        await sleep(waitMs);
        continue;
      }
      this.resetElectionTimer();
      if (this.role !== "leader") this.campaign();
    }
  }

  private resetElectionTimer(): void {
    const { min, max } = electionTimeoutMs;
    this.electionDeadline = Date.now() + min + Math.floor(Math.random() * (max - min));
  }

  private campaign(): void {
    this.role = "candidate";
    this.currentTerm += 1;
    this.votedFor = this.env.me;
    this.persist();
    this.env.log("VOTE", `election timeout, candidate in term ${this.currentTerm}`);
    const { lastIndex, lastTerm } = this.log;
    const args = { term: this.currentTerm, candidateId: this.env.me, lastLogIndex: lastIndex, lastLogTerm: lastTerm };
    this.votes = 0;
    this.countVote();
    for (const peer of this.others) void this.askForVote(peer, args);
  }

  protected async askForVote(peer: number, args: RequestVoteArgs): Promise<void> {
    const reply = await this.call<RequestVoteReply>(peer, "RequestVote", args);
    if (reply === undefined) return;
    this.observeTerm(reply.term);
    // The election may be over by now, lost or won, or the next one under way.
    const isStillOn = this.role === "candidate" && this.currentTerm === args.term;
    if (isStillOn && reply.voteGranted) this.countVote();
  }

  protected countVote(): void {
    this.votes += 1;
    if (this.votes === this.majority) this.becomeLeader();
  }

  private requestVote(args: RequestVoteArgs): RequestVoteReply {
    this.observeTerm(args.term);
    const { lastIndex, lastTerm } = this.log;
    const upToDate = args.lastLogTerm > lastTerm || (args.lastLogTerm === lastTerm && args.lastLogIndex >= lastIndex);
    const voteIsFree = this.votedFor === undefined || this.votedFor === args.candidateId;
    const voteGranted = args.term === this.currentTerm && voteIsFree && upToDate;
    if (voteGranted) {
      this.votedFor = args.candidateId;
      this.persist();
      this.resetElectionTimer();
      this.env.log("VOTE", `voted for S${args.candidateId} in term ${args.term}`);
    }
    return { term: this.currentTerm, voteGranted };
  }

  /** Whoever sees a higher term is behind the times and follows (§5.1). */
  protected observeTerm(term: number): void {
    if (term <= this.currentTerm) return;
    this.env.log("TERM", `term ${this.currentTerm} -> ${term}`);
    this.currentTerm = term;
    this.votedFor = undefined;
    this.role = "follower";
    this.persist();
  }

  private becomeLeader(): void {
    this.env.log("LEAD", `leads term ${this.currentTerm} from index ${this.log.lastIndex} on`);
    this.role = "leader";
    this.nextIndex = this.env.peers.map(() => this.log.lastIndex + 1);
    this.matchIndex = this.env.peers.map(() => 0);
    this.matchIndex[this.env.me] = this.log.lastIndex;
    this.sentAtMs = this.env.peers.map(() => -Infinity);
    this.sentCommitIndex = this.env.peers.map(() => 0);
    this.isProbed = this.env.peers.map(() => false);
    void this.replicator(this.currentTerm);
  }

  private isLeaderOf(term: number): boolean {
    return !this.killed && this.role === "leader" && this.currentTerm === term;
  }

  // ---- The leader's side of replication (§5.3) ----

  /** The only one that sends: what is proposed or committed between two rounds travels together. */
  private async replicator(term: number): Promise<void> {
    while (this.isLeaderOf(term)) {
      for (const peer of this.others) {
        if (this.isDue(peer)) void this.replicateTo(peer);
      }
      await sleep(sendIntervalMs);
    }
  }

  private isDue(peer: number): boolean {
    const isHeartbeatDue = Date.now() - this.sentAtMs[peer]! >= heartbeatIntervalMs;
    const hasNews = this.nextIndex[peer]! <= this.log.lastIndex || this.sentCommitIndex[peer]! < this.commitIndex;
    return isHeartbeatDue || (hasNews && !this.isProbed[peer]);
  }

  private replicateTo(peer: number): Promise<void> {
    this.sentAtMs[peer] = Date.now();
    this.sentCommitIndex[peer] = this.commitIndex;
    // Entries that are gone can only be sent as part of the snapshot (§7).
    return this.nextIndex[peer]! > this.log.snapshotIndex ? this.sendEntries(peer) : this.sendSnapshot(peer);
  }

  private async sendEntries(peer: number): Promise<void> {
    const prevLogIndex = this.nextIndex[peer]! - 1;
    const args: AppendEntriesArgs = {
      term: this.currentTerm,
      leaderId: this.env.me,
      prevLogIndex,
      prevLogTerm: this.log.termAt(prevLogIndex),
      entries: this.isProbed[peer] ? [] : this.log.from(prevLogIndex + 1),
      leaderCommit: this.commitIndex,
    };
    // What is sent is taken to arrive, and so sent once. If it is lost, the follower refuses the next request and says where to go on.
    this.nextIndex[peer] = prevLogIndex + args.entries.length + 1;
    const reply = await this.call<AppendEntriesReply>(peer, "AppendEntries", args);
    if (reply !== undefined) this.handleAppendEntriesReply(peer, args, reply);
  }

  /** The reply may be old: all it says is about `args`, not about what has been sent since. */
  private handleAppendEntriesReply(peer: number, args: AppendEntriesArgs, reply: AppendEntriesReply): void {
    this.observeTerm(reply.term);
    // A reply to an earlier term of ours says nothing about the log as it is now.
    if (!this.isLeaderOf(args.term)) return;
    if (reply.success) this.recordMatch(peer, args.prevLogIndex + args.entries.length);
    else if (reply.conflict !== undefined && args.prevLogIndex > this.matchIndex[peer]!) this.backUp(peer, args, reply.conflict);
  }

  /** `server` has all entries up to `index`. Replies come in any order, and what is known is never unlearned. */
  private recordMatch(server: number, index: number): void {
    this.matchIndex[server] = Math.max(this.matchIndex[server]!, index);
    this.nextIndex[server] = Math.max(this.nextIndex[server]!, index + 1);
    this.isProbed[server] = false;
    this.advanceCommitIndex();
  }

  /** Moves nextIndex back over a whole term at a time (end of §5.3). */
  private backUp(peer: number, args: AppendEntriesArgs, conflict: Conflict): void {
    const lastOfTerm = conflict.term === undefined ? undefined : this.log.lastOfTerm(conflict.term, args.prevLogIndex);
    const next = lastOfTerm === undefined ? conflict.index : lastOfTerm + 1;
    this.nextIndex[peer] = Math.max(Math.min(next, this.nextIndex[peer]!), this.matchIndex[peer]! + 1);
    this.isProbed[peer] = true;
    // The next round tries again.
    this.sentAtMs[peer] = -Infinity;
  }

  /** An entry is committed once a majority has it, but only entries of the own term may be counted (§5.4.2, Figure 8). */
  private advanceCommitIndex(): void {
    const ascending = [...this.matchIndex].sort((a, b) => a - b);
    const index = ascending[ascending.length - this.majority]!;
    if (index > this.commitIndex && this.log.termAt(index) === this.currentTerm) this.commitUpTo(index);
  }

  private async sendSnapshot(peer: number): Promise<void> {
    const { snapshotIndex, snapshotTerm } = this.log;
    const args: InstallSnapshotArgs = {
      term: this.currentTerm,
      leaderId: this.env.me,
      lastIncludedIndex: snapshotIndex,
      lastIncludedTerm: snapshotTerm,
      data: this.latestSnapshot,
    };
    this.nextIndex[peer] = snapshotIndex + 1;
    this.env.log("SNAP", `sends S${peer} the snapshot up to index ${snapshotIndex}`);
    const reply = await this.call<InstallSnapshotReply>(peer, "InstallSnapshot", args);
    if (reply === undefined) return;
    this.observeTerm(reply.term);
    if (!this.isLeaderOf(args.term)) return;
    this.recordMatch(peer, args.lastIncludedIndex);
  }

  /** The reply; undefined if request or reply was lost, or if there is nobody here any more to read it. */
  protected async call<Reply>(peer: number, method: string, args: unknown): Promise<Reply | undefined> {
    const reply = await this.env.peers[peer]!.call(method, args);
    return this.killed ? undefined : (reply as Reply | undefined);
  }

  // ---- The follower's side of replication (§5.3, §7) ----

  private appendEntries(args: AppendEntriesArgs): AppendEntriesReply {
    this.observeTerm(args.term);
    if (args.term < this.currentTerm) return { term: this.currentTerm, success: false };
    this.followLeader();
    const conflict = this.findConflict(args);
    if (conflict !== undefined) return { term: this.currentTerm, success: false, conflict };
    this.store(args.prevLogIndex + 1, args.entries);
    // Beyond the last of these entries our log may still differ from the leader's.
    this.commitUpTo(Math.min(args.leaderCommit, args.prevLogIndex + args.entries.length));
    return { term: this.currentTerm, success: true };
  }

  /** A request of the current term is from its only leader: a candidate has lost (§5.2). */
  private followLeader(): void {
    this.role = "follower";
    this.resetElectionTimer();
  }

  /** The consistency check of §5.3: undefined if our log holds what the leader has just before the new entries. */
  private findConflict({ prevLogIndex, prevLogTerm }: AppendEntriesArgs): Conflict | undefined {
    const { log } = this;
    if (prevLogIndex > log.lastIndex) return { term: undefined, index: log.lastIndex + 1 };
    // What a snapshot holds is committed, and so the same on all servers.
    if (prevLogIndex <= log.snapshotIndex || log.termAt(prevLogIndex) === prevLogTerm) return undefined;
    return { term: log.termAt(prevLogIndex), index: log.firstOfSameTerm(prevLogIndex) };
  }

  /**
   * Adds the entries that are new. The log is cut at the first one that contradicts it and nowhere else: the request may be an old one, and
   * what follows its entries may have been confirmed to the leader since.
   */
  private store(firstIndex: number, entries: readonly Entry[]): void {
    const { log } = this;
    const isKnown = (entry: Entry, i: number) => {
      const index = firstIndex + i;
      return index <= log.snapshotIndex || (index <= log.lastIndex && log.termAt(index) === entry.term);
    };
    const firstNew = entries.findIndex((entry, i) => !isKnown(entry, i));
    if (firstNew === -1) return;
    if (firstIndex + firstNew <= log.lastIndex) log.truncateFrom(firstIndex + firstNew);
    for (const entry of entries.slice(firstNew)) log.append(entry);
    this.persist();
  }

  private installSnapshot(args: InstallSnapshotArgs): InstallSnapshotReply {
    this.observeTerm(args.term);
    if (args.term < this.currentTerm) return { term: this.currentTerm };
    this.followLeader();
    const { lastIncludedIndex, lastIncludedTerm } = args;
    // A late snapshot must not take the service back: what it holds is on its way to the service already.
    if (lastIncludedIndex > this.commitIndex) {
      const { log } = this;
      const isPrefix = lastIncludedIndex <= log.lastIndex && log.termAt(lastIncludedIndex) === lastIncludedTerm;
      if (isPrefix) log.trimTo(lastIncludedIndex, lastIncludedTerm);
      else this.log = new Log(lastIncludedIndex, lastIncludedTerm);
      this.latestSnapshot = args.data;
      this.persist();
      this.commitUpTo(lastIncludedIndex);
    }
    return { term: this.currentTerm };
  }

  // ---- Applying ----

  private commitUpTo(index: number): void {
    if (index <= this.commitIndex) return;
    this.commitIndex = index;
    this.commitIndexMoved.notifyAll();
  }

  /** The only one that delivers, and one message at a time: so everything arrives in order, and once. */
  private async applier(): Promise<void> {
    while (!this.killed) {
      if (this.lastApplied < this.log.snapshotIndex) {
        // A leader's snapshot has overtaken the entries.
        const { snapshotIndex, snapshotTerm } = this.log;
        this.lastApplied = snapshotIndex;
        await this.env.apply({ type: "snapshot", index: snapshotIndex, term: snapshotTerm, snapshot: this.latestSnapshot });
      } else if (this.lastApplied < this.commitIndex) {
        this.lastApplied += 1;
        await this.env.apply({ type: "command", index: this.lastApplied, command: this.log.at(this.lastApplied).command });
      } else {
        await this.commitIndexMoved.wait();
      }
    }
  }

  // ---- Persistence ----

  /** Saves state and snapshot as one: a crash must never leave a log that begins after the end of its snapshot. */
  private persist(): void {
    const { snapshotIndex, snapshotTerm } = this.log;
    const head: Head = { currentTerm: this.currentTerm, votedFor: this.votedFor, snapshotIndex, snapshotTerm };
    this.env.persister.save([Buffer.from(`${JSON.stringify(head)}\n`), this.log.encoded()], this.latestSnapshot);
  }

  /** Everything up to the snapshot was committed; the service has read the snapshot itself. */
  private restore(): void {
    const [firstLine, ...lines] = new TextDecoder().decode(this.env.persister.readState()).trimEnd().split("\n");
    if (!firstLine) return;
    const head = JSON.parse(firstLine) as Head;
    this.currentTerm = head.currentTerm;
    this.votedFor = head.votedFor;
    this.log = new Log(head.snapshotIndex, head.snapshotTerm);
    for (const line of lines) this.log.append(JSON.parse(line) as Entry);
    this.latestSnapshot = this.env.persister.readSnapshot();
    this.commitIndex = head.snapshotIndex;
    this.lastApplied = head.snapshotIndex;
  }

  /** For the harness, which then checks the paper's invariants after each event. */
  inspect(): RaftView {
    const { log } = this;
    return {
      role: this.role,
      currentTerm: this.currentTerm,
      votedFor: this.votedFor,
      commitIndex: this.commitIndex,
      lastApplied: this.lastApplied,
      firstIndex: log.snapshotIndex + 1,
      lastIndex: log.lastIndex,
      termAt: (index) => log.termAt(index),
    };
  }
}

/** The first line of the saved state; the log follows, a line an entry. */
interface Head {
  currentTerm: number;
  votedFor: number | undefined;
  snapshotIndex: number;
  snapshotTerm: number;
}
