"use strict";

const { EventEmitter } = require("node:events");

const heartbeatIntervalMs = 100;
/** What is proposed or committed within this time travels together. */
const batchMs = 40;
const electionTimeoutMs = () => 350 + Math.random() * 350;

/**
 * Raft without a promise: timers and replies call back, and what changes is told to whoever listens. Events: "follower", "candidate" and "leader" after a
 * change of role, "news" when there is something to send, "commit" when there is something to apply.
 */
class CallbackRaft extends EventEmitter {
  /** @param {import("@raft-stress/raft/api").RaftEnv} env */
  constructor(env) {
    super();
    this.env = env;
    this.others = env.peers.map((_, server) => server).filter((server) => server !== env.me);
    this.role = "follower";
    this.term = 0;
    this.votedFor = null;
    // log[0] stands for everything in the snapshot; the entry at index i is log[i - base].
    this.base = 0;
    this.log = [{ term: 0 }];
    this.restore();
    this.snapshotBytes = env.persister.readSnapshot();
    this.commitIndex = this.base;
    this.lastApplied = this.base;
    this.handlers = {
      RequestVote: (args) => this.onRequestVote(args),
      AppendEntries: (args) => this.onAppendEntries(args),
      InstallSnapshot: (args) => this.onInstallSnapshot(args),
    };
    this.on("follower", () => this.waitForLeader());
    this.on("candidate", () => this.campaign());
    this.on("leader", () => this.lead());
    this.on("news", () => this.sendSoon());
    this.on("commit", () => this.deliver());
    this.waitForLeader();
  }

  // ---- The service ----

  start(command) {
    if (this.role !== "leader") return { index: -1, term: this.term, isLeader: false };
    this.log.push({ term: this.term, command });
    this.save();
    this.matchIndex[this.env.me] = this.lastIndex();
    this.advanceCommit();
    this.emit("news");
    return { index: this.lastIndex(), term: this.term, isLeader: true };
  }

  getState() {
    return { term: this.term, isLeader: this.role === "leader" };
  }

  snapshot(index, bytes) {
    if (index <= this.base) return;
    this.forgetUpTo(index, this.termAt(index));
    this.snapshotBytes = bytes;
    this.save();
  }

  kill() {
    this.role = "dead";
    this.stopTimers();
    this.removeAllListeners();
  }

  // ---- The log ----

  lastIndex() {
    return this.base + this.log.length - 1;
  }

  termAt(index) {
    return this.log[index - this.base].term;
  }

  forgetUpTo(index, term) {
    this.log = [{ term }, ...this.log.slice(index - this.base + 1)];
    this.base = index;
  }

  // ---- Roles ----

  /** Follows in `term`, which is never lower than the present one. */
  follow(term) {
    if (term > this.term) {
      this.term = term;
      this.votedFor = null;
      this.save();
    }
    if (this.role === "follower") return;
    this.role = "follower";
    this.emit("follower");
  }

  waitForLeader() {
    this.stopTimers();
    this.electionTimer = setTimeout(() => {
      this.role = "candidate";
      this.emit("candidate");
    }, electionTimeoutMs());
  }

  campaign() {
    this.waitForLeader();
    this.term += 1;
    this.votedFor = this.env.me;
    this.save();
    const lastLogIndex = this.lastIndex();
    const args = { term: this.term, candidateId: this.env.me, lastLogIndex, lastLogTerm: this.termAt(lastLogIndex) };
    let votes = 0;
    const onVote = ({ voteGranted }) => {
      if (voteGranted) votes += 1;
      if (this.role !== "candidate" || votes <= this.env.peers.length / 2) return;
      this.role = "leader";
      this.emit("leader");
    };
    onVote({ voteGranted: true });
    for (const peer of this.others) this.request(peer, "RequestVote", args, onVote);
  }

  lead() {
    this.stopTimers();
    this.env.log("LEAD", `leads term ${this.term}`);
    this.nextIndex = this.env.peers.map(() => this.lastIndex() + 1);
    this.matchIndex = this.env.peers.map(() => 0);
    this.matchIndex[this.env.me] = this.lastIndex();
    this.owesReply = new Set();
    this.sendToAll();
    // Whoever owes a reply is asked again: request or reply may be lost.
    this.heartbeatTimer = setInterval(() => this.sendToAll(), heartbeatIntervalMs);
  }

  stopTimers() {
    clearTimeout(this.electionTimer);
    clearTimeout(this.batchTimer);
    clearInterval(this.heartbeatTimer);
    this.batchTimer = undefined;
  }

  // ---- Sending ----

  /** `onReply` is called only if reply and server still are of the term of the request. */
  request(peer, method, args, onReply) {
    this.env.peers[peer].request(method, args, (reply) => {
      if (reply === undefined || this.role === "dead") return;
      if (reply.term > this.term) this.follow(reply.term);
      if (reply.term === args.term && this.term === args.term) onReply(reply);
    });
  }

  sendSoon() {
    this.batchTimer ??= setTimeout(() => {
      this.batchTimer = undefined;
      for (const peer of this.others) if (!this.owesReply.has(peer)) this.sendTo(peer);
    }, batchMs);
  }

  sendToAll() {
    for (const peer of this.others) this.sendTo(peer);
  }

  sendTo(peer) {
    this.owesReply.add(peer);
    if (this.nextIndex[peer] <= this.base) this.sendSnapshot(peer);
    else this.sendEntries(peer);
  }

  sendEntries(peer) {
    const prevLogIndex = this.nextIndex[peer] - 1;
    const args = {
      term: this.term,
      leaderId: this.env.me,
      prevLogIndex,
      prevLogTerm: this.termAt(prevLogIndex),
      entries: this.log.slice(prevLogIndex - this.base + 1),
      leaderCommit: this.commitIndex,
    };
    this.request(peer, "AppendEntries", args, ({ success, retryAt }) => {
      if (success) this.onMatch(peer, prevLogIndex + args.entries.length, args.leaderCommit);
      else if (prevLogIndex === this.nextIndex[peer] - 1) this.onRefusal(peer, retryAt);
    });
  }

  sendSnapshot(peer) {
    const lastIncludedIndex = this.base;
    const args = {
      term: this.term,
      leaderId: this.env.me,
      lastIncludedIndex,
      lastIncludedTerm: this.log[0].term,
      data: this.snapshotBytes,
    };
    this.request(peer, "InstallSnapshot", args, () => this.onMatch(peer, lastIncludedIndex, lastIncludedIndex));
  }

  onMatch(peer, index, knownCommitIndex) {
    this.owesReply.delete(peer);
    this.matchIndex[peer] = Math.max(this.matchIndex[peer], index);
    this.nextIndex[peer] = this.matchIndex[peer] + 1;
    this.advanceCommit();
    if (this.nextIndex[peer] <= this.lastIndex() || knownCommitIndex < this.commitIndex) this.emit("news");
  }

  onRefusal(peer, retryAt) {
    this.nextIndex[peer] = Math.max(retryAt, this.matchIndex[peer] + 1);
    this.sendTo(peer);
  }

  /** Only entries of the own term are committed by counting copies (§5.4.2). */
  advanceCommit() {
    const descending = this.matchIndex.toSorted((a, b) => b - a);
    const index = descending[Math.floor(descending.length / 2)];
    if (index > this.commitIndex && this.termAt(index) === this.term) this.commit(index);
  }

  // ---- Receiving ----

  onRequestVote({ term, candidateId, lastLogIndex, lastLogTerm }) {
    if (term > this.term) this.follow(term);
    const myLastTerm = this.termAt(this.lastIndex());
    const upToDate = lastLogTerm > myLastTerm || (lastLogTerm === myLastTerm && lastLogIndex >= this.lastIndex());
    const voteGranted = term === this.term && upToDate && [null, candidateId].includes(this.votedFor);
    if (voteGranted) {
      this.votedFor = candidateId;
      this.save();
      this.waitForLeader();
    }
    return { term: this.term, voteGranted };
  }

  onAppendEntries({ term, prevLogIndex, prevLogTerm, entries, leaderCommit }) {
    if (term < this.term) return { term: this.term, success: false };
    this.follow(term);
    this.waitForLeader();
    if (prevLogIndex > this.lastIndex()) return { term, success: false, retryAt: this.lastIndex() + 1 };
    if (prevLogIndex > this.base && this.termAt(prevLogIndex) !== prevLogTerm) {
      return { term, success: false, retryAt: this.startOfTerm(prevLogIndex) };
    }
    // Entries that are here already stay, and so does what follows them: the request may be an old one.
    const isNew = (entry, i) => {
      const index = prevLogIndex + 1 + i;
      return index > this.base && (index > this.lastIndex() || this.termAt(index) !== entry.term);
    };
    const firstNew = entries.findIndex(isNew);
    if (firstNew >= 0) {
      this.log.length = prevLogIndex + 1 + firstNew - this.base;
      this.log.push(...entries.slice(firstNew));
      this.save();
    }
    this.commit(Math.min(leaderCommit, prevLogIndex + entries.length));
    return { term, success: true };
  }

  /** The whole term of a wrong entry is skipped at once (end of §5.3). */
  startOfTerm(index) {
    let first = index;
    while (first > this.base + 1 && this.termAt(first - 1) === this.termAt(index)) first -= 1;
    return first;
  }

  onInstallSnapshot({ term, lastIncludedIndex, lastIncludedTerm, data }) {
    if (term < this.term) return { term: this.term };
    this.follow(term);
    this.waitForLeader();
    if (lastIncludedIndex <= this.commitIndex) return { term };
    const isKnown = lastIncludedIndex <= this.lastIndex() && this.termAt(lastIncludedIndex) === lastIncludedTerm;
    if (!isKnown) this.log = [];
    this.forgetUpTo(lastIncludedIndex, lastIncludedTerm);
    this.snapshotBytes = data;
    this.save();
    this.commit(lastIncludedIndex);
    return { term };
  }

  // ---- Applying and saving ----

  commit(index) {
    if (index <= this.commitIndex) return;
    this.commitIndex = index;
    this.emit("commit");
    if (this.role === "leader") this.emit("news");
  }

  /** The apply channel keeps the order of the calls, so there is nothing to wait for. */
  deliver() {
    if (this.lastApplied < this.base) {
      this.env.apply({ type: "snapshot", index: this.base, term: this.log[0].term, snapshot: this.snapshotBytes });
      this.lastApplied = this.base;
    }
    while (this.lastApplied < this.commitIndex) {
      this.lastApplied += 1;
      this.env.apply({ type: "command", index: this.lastApplied, command: this.log[this.lastApplied - this.base].command });
    }
  }

  save() {
    const { term, votedFor, base, log } = this;
    this.env.persister.save(Buffer.from(JSON.stringify({ term, votedFor, base, log })), this.snapshotBytes);
  }

  restore() {
    const saved = this.env.persister.readState();
    if (saved.length > 0) Object.assign(this, JSON.parse(Buffer.from(saved).toString()));
  }
}

module.exports = (env) => new CallbackRaft(env);
