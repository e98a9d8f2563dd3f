import type { RequestVoteArgs, RequestVoteReply } from "./messages.ts";
import type { Progress } from "./progress.ts";
import { lead } from "./replication.ts";
import type { RaftState } from "./state.ts";

/** §5.2: increments currentTerm, votes for itself, resets the election timer and asks all others. */
export function startElection(state: RaftState, now: number): void {
  state.role = "candidate";
  state.currentTerm += 1;
  state.votedFor = state.me;
  state.unsaved = true;
  state.voteCount = 1;
  state.voteRetryMs = now + state.options.heartbeatIntervalMs;
  state.drawElectionTimeout(now);
  state.trace("VOTE", `T${state.currentTerm} election timeout, candidate with last entry ${state.log.lastIndex} of T${state.log.lastTerm}`);
  const args = voteRequest(state);
  for (const peer of state.peers) {
    peer.voteAnswered = false;
    state.sendRequestVote(peer.server, args);
  }
  leadIfElected(state, now);
}

/**
 * §5.1: RPCs without a timely answer are sent again. A vote is asked for as often as a heartbeat would be sent, but only of peers that
 * were heard of lately: asking one that is down or cut off would be in vain.
 */
export function retryVotes(state: RaftState, now: number): void {
  const args = voteRequest(state);
  let asked = false;
  for (const peer of state.peers) {
    if (peer.voteAnswered || now - peer.heardMs >= state.options.electionTimeoutMaxMs) continue;
    state.sendRequestVote(peer.server, args);
    asked = true;
  }
  state.voteRetryMs = asked ? now + state.options.heartbeatIntervalMs : Infinity;
}

function voteRequest(state: RaftState): RequestVoteArgs {
  return { term: state.currentTerm, candidateId: state.me, lastLogIndex: state.log.lastIndex, lastLogTerm: state.log.lastTerm };
}

/** For a request whose term has been observed. */
export function handleRequestVote(state: RaftState, args: RequestVoteArgs, now: number): RequestVoteReply {
  const voteGranted = mayVoteFor(state, args);
  if (voteGranted) {
    if (state.votedFor === undefined) {
      state.votedFor = args.candidateId;
      state.unsaved = true;
    }
    state.drawElectionTimeout(now);
    state.trace("VOTE", `T${state.currentTerm} vote for S${args.candidateId}`);
  }
  return { term: state.currentTerm, voteGranted };
}

function mayVoteFor(state: RaftState, args: RequestVoteArgs): boolean {
  if (args.term < state.currentTerm) return false;
  // §5.2: one vote per term, first come, first served; the same candidate may hear its answer twice.
  if (state.votedFor !== undefined && state.votedFor !== args.candidateId) return false;
  // §5.4.1: the log with the later last term is more up-to-date; with equal terms, the longer one.
  if (args.lastLogTerm !== state.log.lastTerm) return args.lastLogTerm > state.log.lastTerm;
  return args.lastLogIndex >= state.log.lastIndex;
}

/** For a reply whose term has been observed, to a request of the current term. */
export function handleVoteReply(state: RaftState, peer: Progress, reply: RequestVoteReply, now: number): void {
  if (state.role !== "candidate" || peer.voteAnswered) return;
  peer.voteAnswered = true;
  if (!reply.voteGranted) return;
  state.voteCount += 1;
  leadIfElected(state, now);
}

function leadIfElected(state: RaftState, now: number): void {
  if (state.voteCount >= state.majority) lead(state, now);
}
