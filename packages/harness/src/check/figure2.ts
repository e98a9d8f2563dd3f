import type { EntryRecord } from "./log-matching.ts";

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

/**
 * One call of a paper's RPC as the checks see it, from request to reply. `index` and `logTerm` are lastLogIndex and lastLogTerm, prevLogIndex and prevLogTerm, or
 * lastIncludedIndex and lastIncludedTerm.
 */
export interface PaperCall {
  readonly kind: RpcKind;
  /** The caller. */
  readonly from: number;
  readonly term: number;
  /** 1-based, as in the paper. */
  index: number;
  /** 0 when there is no entry at `index`. */
  logTerm: number;
  /** AppendEntries: number of the entries sent, -1 if they can't be read; else 0. */
  readonly count: number;
  /** AppendEntries: the entries sent, as they are known; else none. */
  entries: readonly EntryRecord[];
  /** AppendEntries: term of the last entry sent, if there is one; else logTerm. */
  lastTerm: number;
  readonly sentEvent: number;
  readonly sentUs: number;
  /** Term of the receiver, as far as it is known, when the request reached it. */
  termAtArrival: number;
  /** Last entry of the receiver's log when the request reached it, where inspect() shows it; -1 if not. */
  lastIndexAtArrival: number;
  lastTermAtArrival: number;
}

export function isWhole(value: unknown): value is number {
  // Nearly all are small: to ask Number is another call, in code that is not optimised yet.
  return typeof value === "number" && ((value | 0) === value || Number.isSafeInteger(value));
}

/** Each field in both capitalisations, named one by one: reading a field by a variable name is many times slower, and this is done for every message. */
interface Fields {
  readonly term?: unknown;
  readonly Term?: unknown;
  readonly lastLogIndex?: unknown;
  readonly LastLogIndex?: unknown;
  readonly lastLogTerm?: unknown;
  readonly LastLogTerm?: unknown;
  readonly prevLogIndex?: unknown;
  readonly PrevLogIndex?: unknown;
  readonly prevLogTerm?: unknown;
  readonly PrevLogTerm?: unknown;
  readonly entries?: unknown;
  readonly Entries?: unknown;
  readonly leaderCommit?: unknown;
  readonly LeaderCommit?: unknown;
  readonly lastIncludedIndex?: unknown;
  readonly LastIncludedIndex?: unknown;
  readonly lastIncludedTerm?: unknown;
  readonly LastIncludedTerm?: unknown;
  readonly voteGranted?: unknown;
  readonly VoteGranted?: unknown;
  readonly matchIndex?: unknown;
  readonly MatchIndex?: unknown;
  readonly success?: unknown;
  readonly Success?: unknown;
  readonly command?: unknown;
  readonly Command?: unknown;
}

/** A message, or a part of one, that has fields. */
export function isRecord(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Votes that are asked for before a term begins (§9.6 of the dissertation) bind nobody. */
const preVoteName = /pre[-_ ]?(vote|candidate|candidacy|election|campaign|ballot)|^(is)?pre$/i;

/** What is known of names: the same few are asked for again and again. Bounded, since a broken implementation may invent names without end. */
const knownNames = new Map<string, boolean>();
const maxKnownNames = 64;

function namesPreVote(name: string): boolean {
  const known = knownNames.get(name);
  if (known !== undefined) return known;
  const says = preVoteName.test(name);
  if (knownNames.size < maxKnownNames) knownNames.set(name, says);
  return says;
}

/**
 * Whether a request for votes is another one than Figure 2's: one that says that it is a pre-vote, or carries a flag that is set and that the paper doesn't know. What it asks is between
 * servers that know the flag.
 */
function isOtherVote(args: Fields): boolean {
  for (const name in args) {
    const value = (args as Record<string, unknown>)[name];
    if (value === true || (value && namesPreVote(name)) || (typeof value === "string" && preVoteName.test(value))) return true;
  }
  return false;
}

const none: readonly unknown[] = [];
const noEntries: readonly EntryRecord[] = [];

/** The entries of an AppendEntries; undefined when they are no list. */
export function entriesOf(args: Fields): readonly unknown[] | undefined {
  const entries = args.entries ?? args.Entries ?? none;
  return Array.isArray(entries) ? entries : undefined;
}

/** Term of an entry as it stands there; undefined if it has none. */
export function entryTermOf(entry: unknown): unknown {
  if (typeof entry !== "object" || entry === null) return undefined;
  const fields = entry as Fields;
  return fields.term ?? fields.Term;
}

export function commandOf(entry: unknown): unknown {
  const fields = entry as Fields;
  return fields.command === undefined ? fields.Command : fields.command;
}

// The field that all messages have is read by a function for each kind of message: V8 remembers the shapes that a function has met, and looks fields up by name in one that meets them all.

export function termOfVoteReply(reply: Fields): unknown {
  return reply.term ?? reply.Term;
}

export function termOfAppendReply(reply: Fields): unknown {
  return reply.term ?? reply.Term;
}

export function termOfSnapshotReply(reply: Fields): unknown {
  return reply.term ?? reply.Term;
}

export function isGranted(reply: Fields): boolean {
  return (reply.voteGranted ?? reply.VoteGranted) === true;
}

/** Whether an answer to a request for a vote says yes or no where Figure 2 does. */
export function saysWhetherGranted(reply: unknown): boolean {
  return isRecord(reply) && typeof (reply.voteGranted ?? reply.VoteGranted) === "boolean";
}

export function isSuccess(reply: Fields): boolean {
  return (reply.success ?? reply.Success) === true;
}

/** How far the follower's log matches by its own words, which count then: a follower may take less than it was sent. Undefined if it says nothing of it. */
export function matchIndexOf(reply: Fields): number | undefined {
  const matchIndex = reply.matchIndex ?? reply.MatchIndex;
  return isWhole(matchIndex) ? matchIndex : undefined;
}

/** What a request asks, as numbers; undefined if it is no RPC of the paper's. Indices as they stand in the message. */
export function readRequest(kind: RpcKind, from: number, args: Fields, sentEvent: number, sentUs: number): PaperCall | undefined {
  switch (kind) {
    case rpcKinds.appendEntries:
      return readAppendEntries(from, args, sentEvent, sentUs);
    case rpcKinds.requestVote:
      return readRequestVote(from, args, sentEvent, sentUs);
    default:
      return readInstallSnapshot(from, args, sentEvent, sentUs);
  }
}

function readRequestVote(from: number, args: Fields, sentEvent: number, sentUs: number): PaperCall | undefined {
  const term = args.term ?? args.Term;
  const index = args.lastLogIndex ?? args.LastLogIndex;
  const logTerm = args.lastLogTerm ?? args.LastLogTerm;
  if (!isWhole(term) || !isWhole(index) || !isWhole(logTerm) || isOtherVote(args)) return undefined;
  return paperCall(rpcKinds.requestVote, from, term, index, logTerm, 0, logTerm, sentEvent, sentUs);
}

function readInstallSnapshot(from: number, args: Fields, sentEvent: number, sentUs: number): PaperCall | undefined {
  const term = args.term ?? args.Term;
  const index = args.lastIncludedIndex ?? args.LastIncludedIndex;
  const logTerm = args.lastIncludedTerm ?? args.LastIncludedTerm;
  if (!isWhole(term) || !isWhole(index) || !isWhole(logTerm)) return undefined;
  return paperCall(rpcKinds.installSnapshot, from, term, index, logTerm, 0, logTerm, sentEvent, sentUs);
}

function readAppendEntries(from: number, args: Fields, sentEvent: number, sentUs: number): PaperCall | undefined {
  const term = args.term ?? args.Term;
  const index = args.prevLogIndex ?? args.PrevLogIndex;
  const logTerm = args.prevLogTerm ?? args.PrevLogTerm;
  if (!isWhole(term) || !isWhole(index) || !isWhole(logTerm)) return undefined;
  const entries = entriesOf(args);
  let count = entries === undefined ? -1 : entries.length;
  let lastTerm = logTerm;
  for (let i = 0; i < count; i++) {
    const entryTerm = entryTermOf(entries![i]);
    if (isWhole(entryTerm)) lastTerm = entryTerm;
    else {
      // Entries that can't be read are -1: more than none, and none that could be held against others.
      count = -1;
      lastTerm = logTerm;
    }
  }
  return paperCall(rpcKinds.appendEntries, from, term, index, logTerm, count, lastTerm, sentEvent, sentUs);
}

function paperCall(
  kind: RpcKind,
  from: number,
  term: number,
  index: number,
  logTerm: number,
  count: number,
  lastTerm: number,
  sentEvent: number,
  sentUs: number,
): PaperCall {
  return {
    kind,
    from,
    term,
    index,
    logTerm,
    count,
    entries: noEntries,
    lastTerm,
    sentEvent,
    sentUs,
    termAtArrival: 0,
    lastIndexAtArrival: -1,
    lastTermAtArrival: -1,
  };
}
