import type { MakeRaft, Raft, RaftEnv } from "@raft-stress/raft/api";
import type { Effect, Event, Reply, Request } from "./messages.ts";
import { reduce } from "./reduce.ts";
import { lastIndex, type State, termAt } from "./state.ts";

const electionTimeoutMs = () => 350 + Math.random() * 350;

/** Carries out what the reducer wants done: all there is here of time, randomness and the world. */
export const makeRaft: MakeRaft = (env): Raft => {
  let state = restore(env);
  let isDead = false;
  let electionTimer: NodeJS.Timeout | undefined;
  let roundTimer: NodeJS.Timeout | undefined;
  let roundAt = Number.POSITIVE_INFINITY;

  /** Returns the answer, if the event was a request. */
  function dispatch(event: Event): Reply | undefined {
    if (isDead) return undefined;
    const before = state;
    const [next, effects] = reduce(before, event);
    state = next;
    // Before anything is told to anyone.
    if (isPersistentPartNew(before, state)) save(env, state);
    effects.forEach(carryOut);
    return effects.find((effect) => effect.type === "answer")?.reply;
  }

  function carryOut(effect: Effect): void {
    switch (effect.type) {
      case "send":
        send(effect.peer, effect.request);
        break;
      case "apply":
        // The apply channel keeps the order of the calls, so there is nothing to wait for.
        void env.apply(effect.message);
        break;
      case "restartElectionTimer":
        clearTimeout(electionTimer);
        electionTimer = setTimeout(() => dispatch({ type: "electionTimeout" }), electionTimeoutMs());
        break;
      case "round":
        scheduleRound(effect.withinMs);
        break;
    }
  }

  function send(peer: number, request: Request): void {
    env.peers[peer]!.request(request.method, request, (reply) => {
      if (reply !== undefined) dispatch({ type: "reply", peer, request, reply: reply as Reply });
    });
  }

  function scheduleRound(withinMs: number): void {
    const at = Date.now() + withinMs;
    if (at >= roundAt) return;
    roundAt = at;
    clearTimeout(roundTimer);
    roundTimer = setTimeout(() => {
      roundAt = Number.POSITIVE_INFINITY;
      dispatch({ type: "roundDue" });
    }, withinMs);
  }

  const onRequest = (request: Request) => dispatch({ type: "request", request });
  carryOut({ type: "restartElectionTimer" });

  return {
    start(command) {
      if (isDead || state.role !== "leader") return { index: -1, term: state.term, isLeader: false };
      dispatch({ type: "propose", command });
      return { index: lastIndex(state), term: state.term, isLeader: true };
    },
    getState: () => ({ term: state.term, isLeader: state.role === "leader" }),
    snapshot: (index, snapshot) => void dispatch({ type: "compact", index, snapshot }),
    kill() {
      isDead = true;
      clearTimeout(electionTimer);
      clearTimeout(roundTimer);
    },
    handlers: { vote: onRequest, append: onRequest, install: onRequest },
    inspect: () => ({
      role: state.role,
      currentTerm: state.term,
      votedFor: state.votedFor ?? undefined,
      commitIndex: state.commitIndex,
      lastApplied: state.commitIndex,
      firstIndex: state.base + 1,
      lastIndex: lastIndex(state),
      termAt: (index) => termAt(state, index),
    }),
  };
};

/** States are never changed, so what is the same object is the same. */
const isPersistentPartNew = (before: State, { term, votedFor, log, snapshot }: State): boolean =>
  before.term !== term || before.votedFor !== votedFor || before.log !== log || before.snapshot !== snapshot;

function save({ persister }: RaftEnv, { term, votedFor, base, log, snapshot }: State): void {
  persister.save(new TextEncoder().encode(JSON.stringify({ term, votedFor, base, log })), snapshot);
}

function restore({ me, peers, persister }: RaftEnv): State {
  const saved = persister.readState();
  const fresh = { term: 0, votedFor: null, base: 0, log: [{ term: 0, command: null }] };
  const persistent = saved.length === 0 ? fresh : JSON.parse(new TextDecoder().decode(saved));
  return {
    me,
    servers: peers.length,
    ...persistent,
    snapshot: persister.readSnapshot(),
    role: "follower",
    commitIndex: persistent.base,
    voters: [],
    progress: peers.map(() => ({ next: 1, match: 0 })),
  };
}
