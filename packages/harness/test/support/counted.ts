import type { MakeRaft, Peer, Raft, RaftView } from "@raft-stress/raft/api";

/** What happened to the servers of one run, counted around each of them. */
export interface Counts {
  restarts: number;
  /** Requests of a term that the receiver has left. */
  staleRequests: number;
  /** Replies to a request of a term that the sender has left. */
  staleReplies: number;
  votesDeniedByVote: number;
  votesDeniedByLog: number;
  /** AppendEntries that took entries away. */
  tailsOverwritten: number;
  snapshotsInstalled: number;
  /** InstallSnapshot with nothing that the receiver doesn't know to be committed. */
  oldSnapshots: number;
  /** Terms with a leader that sent something. */
  leaders: number;
}

interface Message {
  readonly term: number;
  readonly candidateId?: number;
  readonly lastIncludedIndex?: number;
}

/** The built-in Raft, or one like it, with counters around it, for one run. */
export function counted(makeRaft: MakeRaft): { readonly raft: MakeRaft; readonly counts: Counts } {
  const counts: Counts = {
    restarts: 0,
    staleRequests: 0,
    staleReplies: 0,
    votesDeniedByVote: 0,
    votesDeniedByLog: 0,
    tailsOverwritten: 0,
    snapshotsInstalled: 0,
    oldSnapshots: 0,
    leaders: 0,
  };
  const terms = new Set<number>();
  const raft: MakeRaft = (env) => {
    if (env.persister.readState().length > 0) counts.restarts++;
    let own: Raft | undefined;
    const view = (): RaftView => own!.inspect!();
    const peers = env.peers.map((peer): Peer => {
      const request: Peer["request"] = (method, args, onReply) => {
        const { term } = args as Message;
        if (method === "AppendEntries" && !terms.has(term)) {
          terms.add(term);
          counts.leaders++;
        }
        peer.request(method, args, (reply) => {
          if (reply !== undefined && term < view().currentTerm) counts.staleReplies++;
          onReply(reply);
        });
      };
      return { ...peer, request };
    });
    own = makeRaft({ ...env, peers });
    const { handlers } = own;
    const around = (method: string) => (args: Message) => {
      const before = { ...look(view()) };
      if (args.term < before.currentTerm) counts.staleRequests++;
      const reply = handlers[method]!(args);
      count(counts, method, args, before, view(), reply);
      return reply;
    };
    return {
      start: (command) => own.start(command),
      getState: () => own.getState(),
      snapshot: (index, snapshot) => own.snapshot(index, snapshot),
      kill: () => own.kill(),
      handlers: Object.fromEntries(Object.keys(handlers).map((method) => [method, around(method)])),
    };
  };
  return { raft, counts };
}

interface Look {
  readonly currentTerm: number;
  readonly commitIndex: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
}

/** The view is a live one. */
function look(view: RaftView): Look {
  const { currentTerm, commitIndex, lastIndex } = view;
  return { currentTerm, commitIndex, lastIndex, lastTerm: view.termAt(lastIndex) };
}

function count(counts: Counts, method: string, args: Message, before: Look, after: RaftView, reply: unknown): void {
  if (method === "RequestVote" && !(reply as { voteGranted: boolean }).voteGranted && args.term === after.currentTerm) {
    if (after.votedFor !== undefined && after.votedFor !== args.candidateId) counts.votesDeniedByVote++;
    else counts.votesDeniedByLog++;
  }
  if (method === "AppendEntries" && (after.lastIndex < before.lastIndex || after.termAt(before.lastIndex) !== before.lastTerm))
    counts.tailsOverwritten++;
  if (method === "InstallSnapshot") {
    if (args.lastIncludedIndex! <= before.commitIndex) counts.oldSnapshots++;
    else counts.snapshotsInstalled++;
  }
}
