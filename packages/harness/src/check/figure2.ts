/**
 * Reads RPCs that use the names of the paper's Figure 2, with fields in either capitalisation. Whatever does not fit is no RPC of the paper's to us: an
 * implementation is free in its names.
 */

export const rpcKinds = { requestVote: 1, appendEntries: 2, installSnapshot: 3 } as const;
export type RpcKind = (typeof rpcKinds)[keyof typeof rpcKinds];

const kindsByName = new Map<string, RpcKind>([
  ["requestvote", rpcKinds.requestVote],
  ["appendentries", rpcKinds.appendEntries],
  ["installsnapshot", rpcKinds.installSnapshot],
]);

/** The kind of a method by its name; what stands before a last point is the service's name (`Raft.RequestVote`). */
export function rpcKindOf(method: string): RpcKind | undefined {
  return kindsByName.get(method.slice(method.lastIndexOf(".") + 1).toLowerCase());
}

type AnyRecord = Record<string, unknown>;

/**
 * One call of a paper's RPC as the checks see it, from request to reply. `index` and `logTerm` are lastLogIndex and lastLogTerm, prevLogIndex and prevLogTerm, or
 * lastIncludedIndex and lastIncludedTerm.
 */
export interface PaperCall {
  readonly kind: RpcKind;
  readonly term: number;
  readonly index: number;
  readonly logTerm: number;
  /** AppendEntries: of the entries sent; else 0. */
  readonly count: number;
  /** AppendEntries: term of the last entry sent, else logTerm. */
  readonly lastTerm: number;
  /** AppendEntries: leaderCommit; else 0. */
  readonly leaderCommit: number;
  readonly sentEvent: number;
  readonly sentUs: number;
  /** Saves of the receiver when the request first reached it; -1 before. */
  savesAtArrival: number;
  /** Term of the receiver, as far as it is known, when the request reached it. */
  termAtArrival: number;
  /** Last entry of the receiver's log when the request reached it, where inspect() shows it; -1 if not. */
  lastIndexAtArrival: number;
  lastTermAtArrival: number;
}

export function isWhole(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value);
}

function field(record: AnyRecord, lower: string, upper: string): unknown {
  const value = record[lower];
  return value === undefined ? record[upper] : value;
}

export function isRecord(value: unknown): value is AnyRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Votes that are asked for before a term begins (§9.6 of the dissertation) bind nobody. */
const preVoteName = /pre_?vote/i;

export function isPreVote(args: AnyRecord): boolean {
  for (const name in args) if (preVoteName.test(name) && args[name]) return true;
  return false;
}

export function termOf(message: AnyRecord): unknown {
  return field(message, "term", "Term");
}

export function indexOf(kind: RpcKind, args: AnyRecord): unknown {
  if (kind === rpcKinds.requestVote) return field(args, "lastLogIndex", "LastLogIndex");
  if (kind === rpcKinds.appendEntries) return field(args, "prevLogIndex", "PrevLogIndex");
  return field(args, "lastIncludedIndex", "LastIncludedIndex");
}

export function logTermOf(kind: RpcKind, args: AnyRecord): unknown {
  if (kind === rpcKinds.requestVote) return field(args, "lastLogTerm", "LastLogTerm");
  if (kind === rpcKinds.appendEntries) return field(args, "prevLogTerm", "PrevLogTerm");
  return field(args, "lastIncludedTerm", "LastIncludedTerm");
}

const none: readonly unknown[] = [];

/** The entries of an AppendEntries; undefined when they are no list. */
export function entriesOf(args: AnyRecord): readonly unknown[] | undefined {
  const entries = field(args, "entries", "Entries");
  if (entries === undefined || entries === null) return none;
  return Array.isArray(entries) ? entries : undefined;
}

export function leaderCommitOf(args: AnyRecord): unknown {
  return field(args, "leaderCommit", "LeaderCommit");
}

export function entryTermOf(entry: unknown): unknown {
  return isRecord(entry) ? termOf(entry) : undefined;
}

export function commandOf(entry: unknown): unknown {
  const record = entry as AnyRecord;
  return "command" in record ? record.command : record.Command;
}

export function isGranted(reply: AnyRecord): boolean {
  return field(reply, "voteGranted", "VoteGranted") === true;
}

export function isSuccess(reply: AnyRecord): boolean {
  return field(reply, "success", "Success") === true;
}
