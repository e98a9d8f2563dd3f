import { setTimeout as sleep } from "node:timers/promises";
import { deserialize, serialize } from "node:v8";
import type { MakeRaft, Raft, RaftEnv, StartResult } from "@raft-stress/raft/api";
import type * as rpc from "./rpc.ts";

const heartbeatIntervalMs = 100;
/** What is proposed or committed within this time travels together. */
const batchMs = 40;
const electionTimeoutMs = () => 350 + Math.random() * 350;

export const makeRaft: MakeRaft = (env) => new EventLoopRaft(env);

/**
 * Raft as one loop per server. Requests and replies queue up in an inbox; the loop takes one after the other, and when there is none it waits for the
 * next, or for the one deadline it has: the election timeout, or as leader the next round of sending. Only what the service wants answered at once
 * (start, getState, snapshot) goes past the inbox.
 */
class EventLoopRaft implements Raft {
  private readonly env: RaftEnv;
  private readonly inbox: (() => void)[] = [];
  private wake = () => {};
  private killed = false;
  private deadline = 0;

  private role: "follower" | "candidate" | "leader" = "follower";
  private term = 0;
  private votedFor = -1;
  /** log[0] stands for everything in the snapshot; the entry at index i is log[i - base]. */
  private log: rpc.Entry[] = [{ Term: 0, Command: null }];
  private base = 0;
  private snapshotBytes: Uint8Array;
  private commitIndex: number;
  private lastApplied: number;
  private votes = 0;
  private nextIndex: number[] = [];
  private matchIndex: number[] = [];

  readonly handlers = {
    RequestVote: (args: rpc.RequestVoteArgs) => this.post(() => this.onRequestVote(args)),
    AppendEntries: (args: rpc.AppendEntriesArgs) => this.post(() => this.onAppendEntries(args)),
    InstallSnapshot: (args: rpc.InstallSnapshotArgs) => this.post(() => this.onInstallSnapshot(args)),
  };

  constructor(env: RaftEnv) {
    this.env = env;
    this.restore();
    this.snapshotBytes = env.persister.readSnapshot();
    this.commitIndex = this.base;
    this.lastApplied = this.base;
    this.resetElectionTimer();
    void this.run();
  }

  // ---- The loop ----

  private async run(): Promise<void> {
    for await (const handle of this.events()) {
      handle();
      await this.deliver();
    }
  }

  private async *events(): AsyncGenerator<() => void> {
    while (!this.killed) {
      const next = this.inbox.shift();
      if (next !== undefined) yield next;
      else if (Date.now() >= this.deadline) yield () => this.onDeadline();
      else await this.somethingToHappen();
    }
  }

  /** The timer that loses the race is cancelled, or there would be more of them with every event. */
  private async somethingToHappen(): Promise<void> {
    const arrival = new Promise<void>((resolve) => {
      this.wake = resolve;
    });
    const race = new AbortController();
    const timer = sleep(this.deadline - Date.now(), undefined, { signal: race.signal }).catch(() => {});
    await Promise.race([arrival, timer]);
    race.abort();
  }

  /** Puts something to do into the inbox; resolves to its result. */
  private post<Result>(handle: () => Result): Promise<Result> {
    return new Promise((resolve) => {
      this.inbox.push(() => resolve(handle()));
      this.wake();
    });
  }

  /** `onReply` is called only if reply and server still are of the term of the request. */
  private async ask<Reply extends rpc.AnyReply>(peer: number, method: string, args: rpc.AnyArgs, onReply: (reply: Reply) => void) {
    const reply = (await this.env.peers[peer]!.call(method, args)) as Reply | undefined;
    if (reply === undefined) return;
    await this.post(() => {
      this.observeTerm(reply.Term);
      if (this.term === args.Term && reply.Term === args.Term) onReply(reply);
    });
  }

  private onDeadline(): void {
    if (this.role === "leader") this.sendRound();
    else this.campaign();
  }

  private resetElectionTimer(): void {
    this.deadline = Date.now() + electionTimeoutMs();
  }

  private sendSoon(): void {
    this.deadline = Math.min(this.deadline, Date.now() + batchMs);
    this.wake();
  }

  // ---- The service ----

  start(Command: unknown): StartResult {
    if (this.killed || this.role !== "leader") return { index: -1, term: this.term, isLeader: false };
    this.log.push({ Term: this.term, Command });
    this.save();
    this.onMatch(this.env.me, this.lastIndex());
    this.sendSoon();
    return { index: this.lastIndex(), term: this.term, isLeader: true };
  }

  getState(): { term: number; isLeader: boolean } {
    return { term: this.term, isLeader: this.role === "leader" };
  }

  snapshot(index: number, snapshot: Uint8Array): void {
    if (index <= this.base) return;
    this.forgetUpTo(index, this.termAt(index));
    this.snapshotBytes = snapshot;
    this.save();
  }

  kill(): void {
    this.killed = true;
    this.wake();
  }

  // ---- The log ----

  private lastIndex(): number {
    return this.base + this.log.length - 1;
  }

  private termAt(index: number): number {
    return this.log[index - this.base]!.Term;
  }

  private forgetUpTo(index: number, Term: number): void {
    this.log = [{ Term, Command: null }, ...this.log.slice(index - this.base + 1)];
    this.base = index;
  }

  // ---- Elections ----

  private observeTerm(term: number): void {
    if (term <= this.term) return;
    if (this.role === "leader") this.resetElectionTimer();
    this.role = "follower";
    this.term = term;
    this.votedFor = -1;
    this.save();
  }

  private campaign(): void {
    this.resetElectionTimer();
    this.role = "candidate";
    this.term += 1;
    this.votedFor = this.env.me;
    this.save();
    this.votes = 0;
    this.countVote();
    const LastLogIndex = this.lastIndex();
    const args = { Term: this.term, CandidateId: this.env.me, LastLogIndex, LastLogTerm: this.termAt(LastLogIndex) };
    this.forOthers((peer) => {
      this.ask<rpc.RequestVoteReply>(peer, "RequestVote", args, ({ VoteGranted }) => {
        if (VoteGranted && this.role === "candidate") this.countVote();
      });
    });
  }

  private countVote(): void {
    this.votes += 1;
    if (this.votes * 2 <= this.env.peers.length) return;
    this.env.log("LEAD", `leads term ${this.term}`);
    this.role = "leader";
    this.nextIndex = this.env.peers.map(() => this.lastIndex() + 1);
    this.matchIndex = this.env.peers.map(() => 0);
    this.matchIndex[this.env.me] = this.lastIndex();
    this.sendRound();
  }

  private onRequestVote({ Term, CandidateId, LastLogIndex, LastLogTerm }: rpc.RequestVoteArgs): rpc.RequestVoteReply {
    this.observeTerm(Term);
    const lastTerm = this.termAt(this.lastIndex());
    const upToDate = LastLogTerm > lastTerm || (LastLogTerm === lastTerm && LastLogIndex >= this.lastIndex());
    const VoteGranted = Term === this.term && upToDate && [-1, CandidateId].includes(this.votedFor);
    if (VoteGranted) {
      this.votedFor = CandidateId;
      this.save();
      this.resetElectionTimer();
    }
    return { Term: this.term, VoteGranted };
  }

  // ---- Replication: the leader ----

  /** Sends everyone all that is not known to have arrived. If there is nothing, that is a heartbeat. */
  private sendRound(): void {
    this.deadline = Date.now() + heartbeatIntervalMs;
    this.forOthers((peer) => {
      if (this.nextIndex[peer]! <= this.base) this.sendSnapshot(peer);
      else this.sendEntries(peer);
    });
  }

  private sendEntries(peer: number): void {
    const PrevLogIndex = this.nextIndex[peer]! - 1;
    const args: rpc.AppendEntriesArgs = {
      Term: this.term,
      LeaderId: this.env.me,
      PrevLogIndex,
      PrevLogTerm: this.termAt(PrevLogIndex),
      Entries: this.log.slice(PrevLogIndex + 1 - this.base),
      LeaderCommit: this.commitIndex,
    };
    this.ask<rpc.AppendEntriesReply>(peer, "AppendEntries", args, (reply) => {
      if (reply.Success) this.onMatch(peer, PrevLogIndex + args.Entries.length);
      else if (PrevLogIndex === this.nextIndex[peer]! - 1) this.backUp(peer, reply);
      const lacks = this.nextIndex[peer]! <= this.lastIndex() || args.LeaderCommit < this.commitIndex;
      if (lacks) this.sendSoon();
    });
  }

  /** The follower's entry at PrevLogIndex is of XTerm, the first of that term is at XIndex; or its log is only XLen long. */
  private backUp(peer: number, { XTerm, XIndex, XLen }: rpc.AppendEntriesReply): void {
    let next = XLen + 1;
    if (XTerm >= 0) {
      next = Math.min(this.nextIndex[peer]! - 1, this.lastIndex() + 1);
      while (next > Math.max(XIndex, this.base + 1) && this.termAt(next - 1) !== XTerm) next -= 1;
    }
    this.nextIndex[peer] = Math.max(next, this.matchIndex[peer]! + 1);
  }

  private sendSnapshot(peer: number): void {
    const args: rpc.InstallSnapshotArgs = {
      Term: this.term,
      LeaderId: this.env.me,
      LastIncludedIndex: this.base,
      LastIncludedTerm: this.termAt(this.base),
      Data: this.snapshotBytes,
    };
    this.ask(peer, "InstallSnapshot", args, () => {
      this.onMatch(peer, args.LastIncludedIndex);
      this.sendSoon();
    });
  }

  private onMatch(server: number, index: number): void {
    this.matchIndex[server] = Math.max(this.matchIndex[server]!, index);
    this.nextIndex[server] = this.matchIndex[server]! + 1;
    const descending = this.matchIndex.toSorted((a, b) => b - a);
    const shared = descending[Math.floor(descending.length / 2)]!;
    // Only entries of the own term are committed by counting copies (§5.4.2).
    if (shared > this.commitIndex && this.termAt(shared) === this.term) this.commitIndex = shared;
  }

  // ---- Replication: the follower ----

  private onAppendEntries(args: rpc.AppendEntriesArgs): rpc.AppendEntriesReply {
    const { Term, PrevLogIndex, Entries } = args;
    const refusal = { Success: false, XTerm: -1, XIndex: -1, XLen: this.lastIndex() };
    if (!this.accept(Term)) return { Term: this.term, ...refusal };
    if (PrevLogIndex > this.lastIndex()) return { Term, ...refusal };
    if (PrevLogIndex > this.base && this.termAt(PrevLogIndex) !== args.PrevLogTerm) {
      const XTerm = this.termAt(PrevLogIndex);
      let XIndex = PrevLogIndex;
      while (XIndex > this.base + 1 && this.termAt(XIndex - 1) === XTerm) XIndex -= 1;
      return { Term, ...refusal, XTerm, XIndex };
    }
    this.store(PrevLogIndex + 1, Entries);
    this.commitIndex = Math.max(this.commitIndex, Math.min(args.LeaderCommit, PrevLogIndex + Entries.length));
    return { Term, ...refusal, Success: true };
  }

  /** False for a leader of the past. */
  private accept(Term: number): boolean {
    if (Term < this.term) return false;
    this.observeTerm(Term);
    this.role = "follower";
    this.resetElectionTimer();
    return true;
  }

  /** Entries that are here already stay, and so does what follows them: the request may be an old one. */
  private store(first: number, entries: readonly rpc.Entry[]): void {
    const isNew = ({ Term }: rpc.Entry, i: number) =>
      first + i > this.base && (first + i > this.lastIndex() || this.termAt(first + i) !== Term);
    const firstNew = entries.findIndex(isNew);
    if (firstNew === -1) return;
    this.log.length = first + firstNew - this.base;
    this.log.push(...entries.slice(firstNew));
    this.save();
  }

  private onInstallSnapshot({ Term, LastIncludedIndex, LastIncludedTerm, Data }: rpc.InstallSnapshotArgs): rpc.InstallSnapshotReply {
    if (this.accept(Term) && LastIncludedIndex > this.commitIndex) {
      const isKnown = LastIncludedIndex <= this.lastIndex() && this.termAt(LastIncludedIndex) === LastIncludedTerm;
      if (!isKnown) this.log = [];
      this.forgetUpTo(LastIncludedIndex, LastIncludedTerm);
      this.snapshotBytes = Data;
      this.commitIndex = LastIncludedIndex;
      this.save();
    }
    return { Term: this.term };
  }

  // ---- Applying and saving ----

  private async deliver(): Promise<void> {
    while (this.lastApplied < this.commitIndex && !this.killed) {
      if (this.lastApplied < this.base) {
        this.lastApplied = this.base;
        await this.env.apply({ type: "snapshot", index: this.base, term: this.termAt(this.base), snapshot: this.snapshotBytes });
      } else {
        this.lastApplied += 1;
        await this.env.apply({ type: "command", index: this.lastApplied, command: this.log[this.lastApplied - this.base]!.Command });
      }
    }
  }

  private save(): void {
    this.env.persister.save(serialize([this.term, this.votedFor, this.base, this.log]), this.snapshotBytes);
  }

  private restore(): void {
    const saved = this.env.persister.readState();
    if (saved.length > 0) [this.term, this.votedFor, this.base, this.log] = deserialize(saved);
  }

  private forOthers(act: (peer: number) => void): void {
    for (let peer = 0; peer < this.env.peers.length; peer += 1) if (peer !== this.env.me) act(peer);
  }
}
