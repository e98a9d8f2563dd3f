import type { ApplyMessage, RaftView, StartResult } from "./api.ts";
import { assert } from "./assert.ts";
import { handleRequestVote, handleVoteReply, retryVotes, startElection } from "./election.ts";
import { handleAppendEntries, handleInstallSnapshot } from "./follower.ts";
import type {
  AppendEntriesArgs,
  AppendEntriesReply,
  InstallSnapshotArgs,
  InstallSnapshotReply,
  Outgoing,
  Reply,
  RequestVoteArgs,
  RequestVoteReply,
} from "./messages.ts";
import {
  advanceCommit,
  handleAppendLoss,
  handleAppendReply,
  handleSnapshotLoss,
  handleSnapshotReply,
  nextSendDeadlineMs,
  sendDue,
} from "./replication.ts";
import { type CoreConfig, RaftState } from "./state.ts";

/**
 * Raft as a pure synchronous state machine: Figure 2 and §7 of the extended paper. One method per kind of event; each takes the present
 * time in milliseconds. After every event its results must be carried out in this order:
 *
 * 1. persist: if `unsaved`, store `encodeState()` and `snapshot` as one atomic pair, then call `saved()`;
 * 2. send: every request of `takeOutbox()`, and the event's own reply;
 * 3. apply: every message of `takeApply()` until there is none.
 *
 * Then `reachDeadline` is due at `nextDeadlineMs`, unless an event comes before. The same state and the same events give the same results.
 */
export class RaftCore {
  private readonly state: RaftState;
  /** A live view: it shows the state of the moment in which it is read. */
  readonly view: RaftView;

  /** `saved` and `snapshot` are what was stored last; both empty at first boot. Throws if no server can have stored them. */
  constructor(config: CoreConfig, saved: Uint8Array, snapshot: Uint8Array, now: number) {
    this.state = new RaftState(config, saved, snapshot, now);
    this.view = this.state;
  }

  /**
   * §5.3: the leader appends the command. It is sent when the next deadline is reached, maybe now, together with all that is proposed
   * until then.
   */
  propose(command: unknown): StartResult {
    const state = this.state;
    const term = state.currentTerm;
    if (state.role !== "leader") return { index: -1, term, isLeader: false };
    state.log.append({ term, command });
    state.unsaved = true;
    if (state.majority === 1) advanceCommit(state);
    return { index: state.log.lastIndex, term, isLeader: true };
  }

  receiveRequestVote(args: RequestVoteArgs, now: number): RequestVoteReply {
    this.observe(args.candidateId, args.term, now);
    return handleRequestVote(this.state, args, now);
  }

  receiveAppendEntries(args: AppendEntriesArgs, now: number): AppendEntriesReply {
    this.observe(args.leaderId, args.term, now);
    return handleAppendEntries(this.state, args, now);
  }

  receiveInstallSnapshot(args: InstallSnapshotArgs, now: number): InstallSnapshotReply {
    this.observe(args.leaderId, args.term, now);
    return handleInstallSnapshot(this.state, args, now);
  }

  /** The reply to a request from `takeOutbox`. It may come late, twice, or out of order. */
  receiveReply(request: Outgoing, reply: Reply, now: number): void {
    const state = this.state;
    this.observe(request.to, reply.term, now);
    // A reply to a request of an older term says nothing about the present one.
    if (request.args.term !== state.currentTerm) return;
    const peer = state.peer(request.to);
    if (request.method === "RequestVote") {
      handleVoteReply(state, peer, reply as RequestVoteReply, now);
      return;
    }
    if (state.role !== "leader") return;
    if (request.method === "AppendEntries") handleAppendReply(state, peer, request.sequence, request.args, reply as AppendEntriesReply);
    else handleSnapshotReply(state, peer, request.args);
    sendDue(state, now);
  }

  /** The request or its reply was lost; nothing more will come of it. */
  receiveLoss(request: Outgoing, now: number): void {
    const state = this.state;
    if (state.role !== "leader" || request.args.term !== state.currentTerm) return;
    const peer = state.peer(request.to);
    if (request.method === "AppendEntries") handleAppendLoss(state, peer, request.sequence, request.args);
    else if (request.method === "InstallSnapshot") handleSnapshotLoss(peer, request.sequence);
    sendDue(state, now);
  }

  /** When `reachDeadline` has something to do, if nothing else happens before; in the past if it has now. Infinity if never. */
  nextDeadlineMs(now: number): number {
    const state = this.state;
    switch (state.role) {
      case "leader":
        return nextSendDeadlineMs(state, now);
      case "candidate":
        return Math.min(state.electionDeadlineMs, state.voteRetryMs);
      case "follower":
        return state.electionDeadlineMs;
    }
  }

  /** Time has passed. Does nothing if no deadline has been reached. */
  reachDeadline(now: number): void {
    const state = this.state;
    if (state.role === "leader") sendDue(state, now);
    else if (now >= state.electionDeadlineMs) startElection(state, now);
    else if (state.role === "candidate" && now >= state.voteRetryMs) retryVotes(state, now);
  }

  /** §7: `snapshot` stands for everything up to `index`, which has been applied. Older ones than the present one are ignored. */
  compact(index: number, snapshot: Uint8Array): void {
    const state = this.state;
    assert(Number.isSafeInteger(index) && index >= 0, () => `snapshot up to index ${index}, expected a log index`);
    assert(index <= state.lastApplied, () => `snapshot up to index ${index}, but only ${state.lastApplied} entries were applied`);
    if (index <= state.log.snapshotIndex) return;
    assert(snapshot.length > 0, () => `the snapshot up to index ${index} is empty, which would be stored as none at all`);
    state.trace("SNAP", `T${state.currentTerm} compacts ${state.log.firstIndex}..${index}`);
    state.log.compactTo(index);
    state.snapshot = snapshot;
    state.unsaved = true;
  }

  get unsaved(): boolean {
    return this.state.unsaved;
  }

  /** The present snapshot; length 0 if there is none. */
  get snapshot(): Uint8Array {
    return this.state.snapshot;
  }

  /** The persistent state as bytes, valid until the next event. */
  encodeState(): Uint8Array {
    const { log, currentTerm, votedFor } = this.state;
    return log.encodeWith(currentTerm, votedFor);
  }

  /** What `encodeState` and `snapshot` gave has been stored. */
  saved(): void {
    this.state.unsaved = false;
  }

  /** The requests to send, in order, at most one for each peer; undefined if there are none. */
  takeOutbox(): Outgoing[] | undefined {
    const state = this.state;
    const { outbox } = state;
    if (outbox.length === 0) return undefined;
    state.outbox = [];
    return outbox;
  }

  /** The next message for the service, in log order; undefined if it has everything. */
  takeApply(): ApplyMessage | undefined {
    const state = this.state;
    if (state.snapshotToApply) {
      state.snapshotToApply = false;
      return { type: "snapshot", index: state.log.snapshotIndex, term: state.log.snapshotTerm, snapshot: state.snapshot };
    }
    if (state.lastApplied === state.commitIndex) return undefined;
    state.lastApplied += 1;
    return { type: "command", index: state.lastApplied, command: state.log.entryAt(state.lastApplied).command };
  }

  /** What every message does: the sender is alive, and its term may be newer. */
  private observe(from: number, term: number, now: number): void {
    this.state.peer(from).heardMs = now;
    this.state.observeTerm(term, now);
  }
}
