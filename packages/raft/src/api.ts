/**
 * The contract between a Raft implementation and everything else, as types. The built-in Raft implements it, users' own Rafts
 * implement it, and the harness knows nothing more about any of them.
 */

/** Builds one server: at first boot and again after every restart. No state outside `env.persister` may survive a restart. */
export type MakeRaft = (env: RaftEnv) => Raft;

/** One server of the cluster, from its boot to its crash. */
export interface Raft {
  /** Proposes a command. Never blocks. If this server is not the leader (or was killed): `isLeader` is false. */
  start(command: unknown): StartResult;
  getState(): { term: number; isLeader: boolean };
  /** The service holds a snapshot of everything up to and including `index`; the log may be trimmed. */
  snapshot(index: number, snapshot: Uint8Array): void;
  /** The server is dead from here on: no more calls, saves or deliveries. */
  kill(): void;
  /** RPC handlers by method name. Each gets its own copy of the arguments and returns the reply, or a promise of it. */
  // biome-ignore lint/suspicious/noExplicitAny: each handler declares the arguments of its own method; the network cannot know them.
  readonly handlers: Readonly<Record<string, (args: any) => unknown>>;
  /** Optional: lets the harness check more invariants. Cheap, no side effects. */
  inspect?(): RaftView;
}

/** `index`: where the command will stand if it is ever committed (1-based); `term`: the current term. */
export interface StartResult {
  index: number;
  term: number;
  isLeader: boolean;
}

/** Everything a server may use of the world. Time and randomness come from here only. */
export interface RaftEnv {
  /** This server's number, 0-based. */
  readonly me: number;
  /** One per server, the same order on all servers; `peers[me]` is never called. */
  readonly peers: readonly Peer[];
  readonly persister: Persister;
  readonly clock: Clock;
  readonly random: Random;
  /**
   * The apply channel. Messages reach the service in call order, each as an event of its own after the current one; the promise
   * resolves when the service has taken this one. The service may call `snapshot()` while it takes a message. What was not taken
   * before a crash is lost.
   */
  apply(message: ApplyMessage): Promise<void>;
  /**
   * Writes one line of the run's trace. Topics, four letters each:
   * VOTE, LEAD, TERM, LOG1, LOG2, CMIT, PERS, SNAP, TIMR, DROP, INFO, WARN, ERRO.
   */
  log(topic: string, message: string): void;
}

/** The way to one other server. Requests and replies may be lost, late and out of order. */
export interface Peer {
  /** Resolves to the reply, or to undefined if request or reply was lost. Never rejects. */
  call(method: string, args: unknown): Promise<unknown>;
  /** The same without a promise, for a Raft written as a synchronous state machine. */
  request(method: string, args: unknown, onReply: (reply: unknown) => void): void;
}

/** Synchronous stable storage: what was saved before a crash, and only that, is there after it. */
export interface Persister {
  /** Saves both as one atomic pair; the bytes are copied. A list of chunks is stored as their concatenation. */
  save(state: Uint8Array | readonly Uint8Array[], snapshot: Uint8Array): void;
  /** Length 0 at first boot. */
  readState(): Uint8Array;
  /** Length 0 if there is none. */
  readSnapshot(): Uint8Array;
  /** Bytes. */
  stateSize(): number;
  /** Bytes. */
  snapshotSize(): number;
}

export type ApplyMessage =
  | { type: "command"; index: number; command: unknown }
  | { type: "snapshot"; index: number; term: number; snapshot: Uint8Array };

/** Opaque. */
export type TimerId = object;

export interface Clock {
  /** Milliseconds since the run began; not necessarily whole. */
  now(): number;
  setTimeout(run: () => void, delayMs: number): TimerId;
  clearTimeout(id: TimerId): void;
  sleep(delayMs: number): Promise<void>;
}

export interface Random {
  /** In [0, 1). */
  next(): number;
  /** A whole number in [lo, hi). */
  int(lo: number, hi: number): number;
}

/** What a server shows of itself, so that more invariants can be checked. */
export interface RaftView {
  role: "follower" | "candidate" | "leader";
  currentTerm: number;
  votedFor: number | undefined;
  commitIndex: number;
  lastApplied: number;
  /** Index of the first entry still in the log; the snapshot ends at `firstIndex - 1`. */
  firstIndex: number;
  lastIndex: number;
  /** The term of the entry at `index`, for `firstIndex - 1 <= index <= lastIndex`. */
  termAt(index: number): number;
}
