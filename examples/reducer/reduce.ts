import type { Effect, Event, Reply, Request, Step } from "./messages.ts";
import { entriesFrom, holds, lastIndex, type Position, positionAt, type State, termAt, withEntries, withSnapshot } from "./state.ts";

const heartbeatIntervalMs = 100;
/** What is proposed or committed within this time travels together. */
const batchMs = 40;

/** All of Raft: what happens, to a state, gives the next state and what is to be done. No clock, no randomness, nothing that is changed. */
export function reduce(state: State, event: Event): Step {
  switch (event.type) {
    case "electionTimeout":
      return state.role === "leader" ? [state, []] : campaign(state);
    case "roundDue":
      return state.role === "leader" ? sendRound(state) : [state, []];
    case "propose":
      return propose(state, event.command);
    case "compact":
      return [event.index > state.base ? withSnapshot(state, positionAt(state, event.index), event.snapshot) : state, []];
    case "request":
      return after(observeTerm(state, event.request.term), (current) => answer(current, event.request));
    case "reply":
      return after(observeTerm(state, event.reply.term), (current) => {
        const isOld = event.request.term !== current.term || event.reply.term !== current.term;
        return isOld ? [current, []] : hear(current, event.peer, event.request, event.reply);
      });
  }
}

/** One step, then another from where it led. */
function after([state, effects]: Step, next: (state: State) => Step): Step {
  const [nextState, nextEffects] = next(state);
  return [nextState, [...effects, ...nextEffects]];
}

const others = (state: State) => state.progress.map((_, server) => server).filter((server) => server !== state.me);

// ---- Elections (§5.2, §5.4.1) ----

function observeTerm(state: State, term: number): Step {
  if (term <= state.term) return [state, []];
  const effects: Effect[] = state.role === "leader" ? [{ type: "restartElectionTimer" }] : [];
  return [{ ...state, term, votedFor: null, role: "follower" }, effects];
}

function campaign(state: State): Step {
  const candidate: State = { ...state, term: state.term + 1, votedFor: state.me, role: "candidate", voters: [] };
  const request: Request = { method: "vote", term: candidate.term, candidate: state.me, last: positionAt(state, lastIndex(state)) };
  const requests = others(state).map((peer): Effect => ({ type: "send", peer, request }));
  return after([candidate, [{ type: "restartElectionTimer" }, ...requests]], (current) => countVote(current, state.me));
}

function countVote(state: State, voter: number): Step {
  const voters = [...state.voters, voter];
  if (state.role !== "candidate" || voters.length * 2 <= state.servers) return [{ ...state, voters }, []];
  const next = lastIndex(state) + 1;
  const progress = state.progress.map((_, server) => ({ next, match: server === state.me ? next - 1 : 0 }));
  return sendRound({ ...state, role: "leader", progress });
}

function onVoteRequest(state: State, { term, candidate, last }: Request & { method: "vote" }): Step {
  const mine = positionAt(state, lastIndex(state));
  const upToDate = last.term > mine.term || (last.term === mine.term && last.index >= mine.index);
  const ok = term === state.term && upToDate && (state.votedFor === null || state.votedFor === candidate);
  const reply: Effect = { type: "answer", reply: { term: state.term, ok } };
  return ok ? [{ ...state, votedFor: candidate }, [{ type: "restartElectionTimer" }, reply]] : [state, [reply]];
}

// ---- The leader's side of replication (§5.3, §7) ----

function propose(state: State, command: unknown): Step {
  const proposed = withEntries(state, lastIndex(state), [{ term: state.term, command }]);
  return after(recordMatch(proposed, state.me, lastIndex(proposed)), (current) => [current, [{ type: "round", withinMs: batchMs }]]);
}

/** Sends everyone all that is not known to have arrived. If there is nothing, that is a heartbeat. */
function sendRound(state: State): Step {
  const requests = others(state).map((peer): Effect => ({ type: "send", peer, request: requestFor(state, state.progress[peer]!.next) }));
  return [state, [{ type: "round", withinMs: heartbeatIntervalMs }, ...requests]];
}

function requestFor(state: State, next: number): Request {
  const { term, base, snapshot, commitIndex } = state;
  if (next <= base) return { method: "install", term, upTo: positionAt(state, base), snapshot };
  return { method: "append", term, prev: positionAt(state, next - 1), entries: entriesFrom(state, next), commitIndex };
}

/** A reply of the present term. */
function hear(state: State, peer: number, request: Request, reply: Reply): Step {
  switch (request.method) {
    case "vote":
      return reply.ok ? countVote(state, peer) : [state, []];
    case "install":
      return after(recordMatch(state, peer, request.upTo.index), sendMore(peer, request.upTo.index));
    case "append":
      if (!reply.ok) return backUp(state, peer, request.prev, reply.tryAt!);
      return after(recordMatch(state, peer, request.prev.index + request.entries.length), sendMore(peer, request.commitIndex));
  }
}

/** A round soon, if the peer lacks entries or a newer commit index. */
const sendMore =
  (peer: number, knownCommitIndex: number) =>
  (state: State): Step => {
    const lacks = state.progress[peer]!.next <= lastIndex(state) || knownCommitIndex < state.commitIndex;
    return [state, lacks ? [{ type: "round", withinMs: batchMs }] : []];
  };

function recordMatch(state: State, server: number, index: number): Step {
  const match = Math.max(state.progress[server]!.match, index);
  const progress = state.progress.with(server, { match, next: match + 1 });
  const descending = progress.map((each) => each.match).toSorted((a, b) => b - a);
  const shared = descending[Math.floor(descending.length / 2)]!;
  // Only entries of the own term are committed by counting copies (§5.4.2).
  const isOwn = shared > state.commitIndex && termAt(state, shared) === state.term;
  return commit({ ...state, progress }, isOwn ? shared : 0);
}

function backUp(state: State, peer: number, prev: Position, tryAt: number): Step {
  const { next, match } = state.progress[peer]!;
  const isOld = prev.index !== next - 1;
  if (isOld) return [state, []];
  const progress = state.progress.with(peer, { match, next: Math.max(tryAt, match + 1) });
  return [{ ...state, progress }, [{ type: "round", withinMs: batchMs }]];
}

// ---- The follower's side of replication ----

function answer(state: State, request: Request): Step {
  if (request.method === "vote") return onVoteRequest(state, request);
  if (request.term < state.term) return [state, [{ type: "answer", reply: { term: state.term, ok: false } }]];
  const follower: Step = [{ ...state, role: "follower" }, [{ type: "restartElectionTimer" }]];
  return after(follower, (current) => (request.method === "append" ? onAppend(current, request) : onInstall(current, request)));
}

function onAppend(state: State, { term, prev, entries, commitIndex }: Request & { method: "append" }): Step {
  if (!holds(state, prev)) return [state, [{ type: "answer", reply: { term, ok: false, tryAt: retryIndex(state, prev.index) } }]];
  // Entries that are here already stay, and so does what follows them: the request may be an old one.
  const firstNew = entries.findIndex((entry, i) => !holds(state, { index: prev.index + 1 + i, term: entry.term }));
  const stored = firstNew < 0 ? state : withEntries(state, prev.index + firstNew, entries.slice(firstNew));
  const known = Math.min(commitIndex, prev.index + entries.length);
  return after(commit(stored, known), (current) => [current, [{ type: "answer", reply: { term, ok: true } }]]);
}

/** The end of a log that is too short, or the start of the term of a wrong entry: a whole term is skipped at once (end of §5.3). */
function retryIndex(state: State, prevIndex: number): number {
  if (prevIndex > lastIndex(state)) return lastIndex(state) + 1;
  let first = prevIndex;
  while (first > state.base + 1 && termAt(state, first - 1) === termAt(state, prevIndex)) first -= 1;
  return first;
}

function onInstall(state: State, { term, upTo, snapshot }: Request & { method: "install" }): Step {
  const reply: Effect = { type: "answer", reply: { term, ok: true } };
  if (upTo.index <= state.commitIndex) return [state, [reply]];
  const installed = { ...withSnapshot(state, upTo, snapshot), commitIndex: upTo.index };
  return [installed, [{ type: "apply", message: { type: "snapshot", ...upTo, snapshot } }, reply]];
}

/** Applies what is newly committed; an index that is committed already changes nothing. */
function commit(state: State, index: number): Step {
  if (index <= state.commitIndex) return [state, []];
  const committed = state.log.slice(state.commitIndex + 1 - state.base, index + 1 - state.base);
  const first = state.commitIndex + 1;
  const messages = committed.map(({ command }, i): Effect => ({ type: "apply", message: { type: "command", index: first + i, command } }));
  return [{ ...state, commitIndex: index }, messages];
}
