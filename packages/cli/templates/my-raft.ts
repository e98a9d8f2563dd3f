import type { MakeRaft, Raft, RaftEnv, StartResult } from "@raft-stress/raft/api";

/*
 * An empty Raft: it starts, follows nobody and never leads. Sections (§) and figures are those of "In Search of an Understandable Consensus Algorithm
 * (Extended Version)"; Figure 2 is to be followed to the letter. Step by step: docs/your-own-raft.md of raft-stress.
 *
 *   raft-stress --raft my-raft.ts 2A
 *
 * setTimeout, Date.now and Math.random may be used as anywhere: in a run they belong to the simulation, and a run repeats exactly from its seed.
 * console.log goes into the trace of the run, as this.env.log does.
 */

/** Called at the first boot of a server and after every restart. Only what was saved survives, no variable of this file does. */
export const makeRaft: MakeRaft = (env) => new MyRaft(env);

interface Entry {
  term: number;
  command: unknown;
}

class MyRaft implements Raft {
  readonly env: RaftEnv;
  killed = false;
  role: "follower" | "candidate" | "leader" = "follower";

  // Persistent on all servers (Figure 2). 2C: save them before anyone hears of a change.
  currentTerm = 0;
  votedFor: number | undefined;
  /** The first index is 1: an entry at index 0 that is never applied saves special cases. 2D: indices stay when the log is trimmed, places do not. */
  log: Entry[] = [{ term: 0, command: undefined }];

  // 2B: volatile on all servers: commitIndex, lastApplied. On leaders: nextIndex[] and matchIndex[], set anew after each election.

  /** What the other servers can call: by these names, on `this.env.peers[i]`. What is returned is the reply. */
  readonly handlers = {
    RequestVote: (args: RequestVoteArgs) => this.requestVote(args),
    AppendEntries: (args: AppendEntriesArgs) => this.appendEntries(args),
    // 2D: InstallSnapshot
  };

  constructor(env: RaftEnv) {
    this.env = env;
    this.restore();
    void this.electionTicker();
    // 2B: something that delivers the entries up to commitIndex, in order, each once:
    //   await this.env.apply({ type: "command", index, command });
  }

  // ---- What the service calls ----

  /** Proposes a command. Returns at once, long before it is committed, and it may never be. */
  start(command: unknown): StartResult {
    if (this.killed || this.role !== "leader") return { index: -1, term: this.currentTerm, isLeader: false };
    this.log.push({ term: this.currentTerm, command });
    // 2B: have it sent to the others. Proposals come in bursts: one request can hold them all.
    return { index: this.log.length - 1, term: this.currentTerm, isLeader: true };
  }

  getState(): { term: number; isLeader: boolean } {
    return { term: this.currentTerm, isLeader: this.role === "leader" };
  }

  /** 2D: the service no longer needs the entries up to `index`; save the snapshot together with what is left. Called on every server. */
  snapshot(index: number, snapshot: Uint8Array): void {
    this.env.log("SNAP", `the service has a snapshot of ${snapshot.length} bytes up to index ${index}`);
  }

  /** Every loop and every timer should end soon after this; a dead server is silent. */
  kill(): void {
    this.killed = true;
  }

  // ---- 2A: elections (§5.2) ----

  async electionTicker(): Promise<void> {
    while (!this.killed) {
      // Random, so that servers do not stand for election together. Several heartbeats must fit in, and a leader may send ten in a second at most; the
      // tests want a new leader within five seconds.
      const timeoutMs = 350 + Math.random() * 350;
      await sleep(timeoutMs);
      // 2A: if no leader was heard of, and no vote given, since this sleep began: a new term, a vote for oneself, a request to each of the others. Send
      // all requests before waiting for the first reply, for a dead server's may take seconds:
      //   const reply = (await this.env.peers[i].call("RequestVote", args)) as RequestVoteReply | undefined;   // undefined: lost
      // After every await, ask again: is this still the term, and the role, in which the request was sent?
    }
  }

  /** 2A: at most one vote in a term. 2B: and only to a candidate whose log is at least as up to date (§5.4.1). */
  requestVote(args: RequestVoteArgs): RequestVoteReply {
    this.env.log("VOTE", `S${args.candidateId} asks for a vote in term ${args.term}`);
    return { term: this.currentTerm, voteGranted: false };
  }

  // ---- 2A: heartbeats. 2B: replication (§5.3) ----

  /**
   * 2A: the leader of this term is alive. 2B: if the log holds prevLogIndex with prevLogTerm, add what is missing; cut the log only at an entry that
   * contradicts, for the request may be an old one. Then commitIndex follows leaderCommit, but not beyond the last of these entries.
   */
  appendEntries(args: AppendEntriesArgs): AppendEntriesReply {
    this.env.log("LOG1", `S${args.leaderId} sends ${args.entries.length} entries in term ${args.term}`);
    return { term: this.currentTerm, success: false };
  }

  // ---- 2C: persistence ----

  /** To be called whenever currentTerm, votedFor or the log has changed, before a request or reply that tells of it is sent. */
  persist(): void {
    const state = { currentTerm: this.currentTerm, votedFor: this.votedFor, log: this.log };
    const bytes = new TextEncoder().encode(JSON.stringify(state));
    // Both are written every time: without the old snapshot here, the stored one would be erased.
    this.env.persister.save(bytes, this.env.persister.readSnapshot());
  }

  restore(): void {
    const bytes = this.env.persister.readState();
    if (bytes.length === 0) return; // The first boot.
    // 2C: the counterpart of persist. 2D: what the snapshot holds is committed and applied; delivery goes on behind it.
  }
}

/** Figure 2. With these names raft-stress understands the traffic; others work as well. */
interface RequestVoteArgs {
  term: number;
  candidateId: number;
  lastLogIndex: number;
  lastLogTerm: number;
}

interface RequestVoteReply {
  term: number;
  voteGranted: boolean;
}

interface AppendEntriesArgs {
  term: number;
  leaderId: number;
  prevLogIndex: number;
  prevLogTerm: number;
  entries: Entry[];
  leaderCommit: number;
}

interface AppendEntriesReply {
  term: number;
  success: boolean;
  // 2B: something that tells the leader how far to back up (end of §5.3). One entry at a time is too slow for 2C.
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
