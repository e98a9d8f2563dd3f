import { sameCommand } from "../cluster/service-log.ts";
import type { Checkers } from "./checkers.ts";
import type { DiskLooks } from "./disk-looks.ts";
import {
  commandOf,
  entriesOf,
  entryTermOf,
  isGranted,
  isRecord,
  isSuccess,
  isWhole,
  matchIndexOf,
  type PaperCall,
  type RpcKind,
  readRequest,
  rpcKinds,
  saysWhetherGranted,
  termOfAppendReply,
  termOfSnapshotReply,
  termOfVoteReply,
} from "./figure2.ts";
import type { EntryRecord } from "./log-matching.ts";
import type { ServerRecord } from "./server-record.ts";

const { requestVote, appendEntries, installSnapshot } = rpcKinds;

/** Holds the RPCs between servers against the invariants: what a server tells others is what it can be held to. */
export class MessageChecks {
  private readonly checkers: Checkers;
  private readonly diskLooks: DiskLooks;
  /** What is to be added to the indices in messages: 1 where the first entry of a log has index 0. */
  private indexShift = 0;
  /**
   * Whether entries in messages carry commands as start() was given them; undefined while that is not known. The first one that can be compared decides: one that differs passes for an encoded
   * one, by intent, for a Raft may encode as it likes, and what was applied in the end is held against start() in any case.
   */
  private plainCommands: boolean | undefined = undefined;
  /** For split votes: the latest term in which anybody asked for votes, and how many did. */
  private latestVoteTerm = 0;
  private candidates = 0;

  constructor(checkers: Checkers, diskLooks: DiskLooks) {
    this.checkers = checkers;
    this.diskLooks = diskLooks;
  }

  /** A request leaves. Returns what is to be told with what becomes of it; undefined if it is no RPC of the paper's. */
  requestSent(from: number, kind: RpcKind | undefined, args: unknown): PaperCall | undefined {
    const { checkers } = this;
    const { events, nowUs } = checkers.simulation;
    checkers.eventStorm.sent(from, events, nowUs);
    const record = checkers.records[from]!;
    // What the dead still say reaches nobody.
    if (kind === undefined || record.raft === undefined || !isRecord(args)) return undefined;
    const call = readRequest(kind, from, args, events, nowUs);
    if (call === undefined) return undefined;
    record.isCalm = false;
    if (call.index <= 0 || call.logTerm <= 0 || this.indexShift > 0) this.shift(record, call);
    switch (kind) {
      case appendEntries:
        checkers.leads(from, call.term, "sent AppendEntries");
        this.termTold(record, call.term, "AppendEntries");
        if (call.count > 0) this.entriesSent(from, call, entriesOf(args)!);
        break;
      case installSnapshot:
        checkers.leads(from, call.term, "sent InstallSnapshot");
        this.termTold(record, call.term, "InstallSnapshot");
        // Who counts entries from 0 may count snapshots from 1, as the service does.
        if (this.indexShift > 0 && checkers.committed.termAt(call.index - 1) === call.logTerm) break;
        checkers.snapshotConsistency.sent(from, call, checkers.committed, checkers.allInspected, events, nowUs);
        break;
      default:
        this.votesAskedFor(record, call);
    }
    return call;
  }

  /** The request has reached a living server; its handler has not run yet. */
  requestArrived(to: number, call: PaperCall): void {
    const { records, writeAhead, coverage } = this.checkers;
    const record = records[to]!;
    call.termAtArrival = record.knownTerm;
    if (record.inspects && record.seenThisLife) {
      call.lastIndexAtArrival = record.lastIndex;
      call.lastTermAtArrival = record.lastTerm;
    }
    if (call.term < call.termAtArrival) coverage.count("staleRequests");
    if (call.count > 0) writeAhead.entriesCame(record, call.entries);
    else if (call.kind === requestVote) writeAhead.voteAsked(record, call.from, call.term);
    else if (call.kind === installSnapshot && call.index <= record.commitIndex) coverage.count("oldSnapshotsArrived");
  }

  /** The handler's reply leaves. */
  replySent(server: number, call: PaperCall, reply: unknown): void {
    const record = this.checkers.records[server]!;
    if (record.raft === undefined) return;
    record.isCalm = false;
    switch (call.kind) {
      case appendEntries:
        if (isRecord(reply)) this.appendReplied(record, call, reply);
        break;
      case requestVote:
        if (!saysWhetherGranted(reply)) this.checkers.electionQuorum.answeredOtherwise();
        if (isRecord(reply)) this.voteReplied(record, call, reply);
        break;
      default:
        if (isRecord(reply)) this.replyTold(record, termOfSnapshotReply(reply));
    }
  }

  private appendReplied(record: ServerRecord, call: PaperCall, reply: object): void {
    const term = termOfAppendReply(reply);
    this.replyTold(record, term);
    // Heartbeats that say nothing of the log may be another matter than the paper's AppendEntries.
    if (term === call.term && call.index >= 0 && record.seenThisLife && record.inspects) record.leaderAnswered = call;
    if (isSuccess(reply)) this.entriesAcknowledged(record, call, matchIndexOf(reply));
  }

  private voteReplied(record: ServerRecord, call: PaperCall, reply: object): void {
    this.replyTold(record, termOfVoteReply(reply));
    if (isGranted(reply)) this.voteGranted(record, call);
    else this.voteRefused(record, call);
  }

  private replyTold(record: ServerRecord, term: unknown): void {
    if (isWhole(term)) this.termTold(record, term, "a reply");
  }

  /** The reply has reached its living caller. */
  replyArrived(call: PaperCall): void {
    const { records, coverage } = this.checkers;
    if (call.term < records[call.from]!.knownTerm) coverage.count("staleReplies");
  }

  /**
   * Brings indices to the paper's count, which begins at 1: who begins at 0 says -1 for no entry, in the first election or with the first entry. In a heartbeat -1 may just say that it is
   * nothing else.
   */
  private shift({ inspects, lastIndex }: ServerRecord, call: PaperCall): void {
    const speaksOfLog = call.kind === requestVote ? !(inspects && lastIndex > 0) : call.count !== 0;
    if (call.index < 0 && speaksOfLog) this.indexShift = 1;
    call.index += this.indexShift;
    // Before the first entry there is none, whatever stands for its term. And no entry is of term 0: who says so does not know, as of an entry that a snapshot has taken.
    if (call.index > 0 && (call.logTerm > 0 || call.kind !== appendEntries)) return;
    call.logTerm = call.index > 0 ? -1 : 0;
    if (call.count <= 0) call.lastTerm = call.logTerm;
  }

  private entriesSent(server: number, call: PaperCall, entries: readonly unknown[]): void {
    const { simulation, logTerms, logMatching } = this.checkers;
    const { events, nowUs } = simulation;
    const { count, term: callTerm } = call;
    const first = call.index + 1;
    const sign = "sent it in AppendEntries";
    let prevTerm = call.logTerm;
    const seen = new Array<EntryRecord>(count);
    for (let i = 0; i < count; i++) {
      const sent = entries[i];
      const term = entryTermOf(sent) as number;
      logTerms.entry(server, first + i, term, prevTerm, callTerm, events, nowUs);
      const entry = logMatching.entrySeen(server, first + i, term, prevTerm, sign, events, nowUs);
      const command = commandOf(sent);
      if (!entry.hasCommand || entry.command !== command || !this.plainCommands) {
        this.judgeWhetherPlain(entry, command);
        if (this.plainCommands) logMatching.commandSeen(entry, server, command, sign, events, nowUs);
      }
      seen[i] = entry;
      prevTerm = term;
    }
    call.entries = seen;
  }

  /** A command of another kind than start() was given is an encoded one, also when others are sent as they are. */
  private judgeWhetherPlain({ hasCommand, command: given }: EntryRecord, sent: unknown): void {
    if (!hasCommand) return;
    if (typeof given !== typeof sent) this.plainCommands = false;
    else this.plainCommands ??= sameCommand(given, sent);
  }

  private votesAskedFor(record: ServerRecord, call: PaperCall): void {
    const { checkers } = this;
    const { events, nowUs } = checkers.simulation;
    const { server } = record;
    const { term } = call;
    if (record.seenThisLife && record.inspects) record.requestSent = call;
    this.termTold(record, term, "RequestVote");
    this.agreesWithShown(record, term, server);
    if (!checkers.oneVote.voted(server, term, server, events, nowUs)) return;
    if (term > this.latestVoteTerm) {
      const isSplit = this.candidates > 1 && checkers.electionSafety.of(this.latestVoteTerm) === undefined;
      if (isSplit) checkers.coverage.count("splitVotes");
      this.latestVoteTerm = term;
      this.candidates = 1;
    } else if (term === this.latestVoteTerm) this.candidates++;
    this.diskLooks.voted(server, term, server);
  }

  private voteGranted(record: ServerRecord, call: PaperCall): void {
    const { checkers } = this;
    const { events, nowUs } = checkers.simulation;
    const { server } = record;
    checkers.staleRequests.looked++;
    if (call.termAtArrival > call.term) checkers.staleRequests.accepted(server, call, events, nowUs);
    if (record.seenThisLife && record.inspects) checkers.electionRestriction.granted(record, call, events, nowUs);
    this.agreesWithShown(record, call.term, call.from);
    if (!checkers.oneVote.voted(server, call.term, call.from, events, nowUs)) return;
    checkers.writeAhead.voteGranted(record, call, events, nowUs);
    this.diskLooks.voted(server, call.term, call.from);
  }

  /** inspect() has shown no other vote in the term; but some note the term's leader as their vote when the election is over. */
  private agreesWithShown(
    { server, inspects, seenThisLife, currentTerm, voteInTerm }: ServerRecord,
    term: number,
    candidate: number,
  ): void {
    if (!inspects || !seenThisLife || term !== currentTerm || voteInTerm === undefined || voteInTerm === candidate) return;
    const { simulation, oneVote, electionSafety } = this.checkers;
    // Votes that were told are held against each other, which says more.
    if (oneVote.of(server, term) !== undefined || electionSafety.of(term) === voteInTerm) return;
    oneVote.changed(server, term, voteInTerm, candidate, simulation.events, simulation.nowUs);
  }

  private voteRefused(record: ServerRecord, call: PaperCall): void {
    if (call.term < call.termAtArrival) return;
    const { oneVote, coverage } = this.checkers;
    const vote = oneVote.of(record.server, call.term);
    if (vote !== undefined && vote !== call.from) coverage.count("votesDeniedByVote");
    else if (call.lastIndexAtArrival > call.index || call.lastTermAtArrival > call.logTerm) coverage.count("votesDeniedByLog");
  }

  /** `matchIndex`: as it stands in the reply, if it says one. */
  private entriesAcknowledged(record: ServerRecord, call: PaperCall, matchIndex: number | undefined): void {
    const { staleRequests, writeAhead, simulation } = this.checkers;
    const { count } = call;
    staleRequests.looked++;
    if (call.termAtArrival > call.term) staleRequests.accepted(record.server, call, simulation.events, simulation.nowUs);
    if (count < 0 || call.lastTerm < 0 || (matchIndex !== undefined && matchIndex + this.indexShift < call.index + count)) return;
    const isShown = record.inspects && record.seenThisLife;
    if (isShown) record.acknowledged.push(call);
    if (count === 0) return;
    if (isShown) record.hasTakenEntries = true;
    writeAhead.entriesAcknowledged(record, call, simulation.events, simulation.nowUs);
    this.diskLooks.acknowledged(record.server, call.index + count, call.lastTerm, call.term);
  }

  private termTold(record: ServerRecord, term: number, what: string): void {
    const { simulation, writeAhead } = this.checkers;
    if (term > record.toldTerm) {
      record.toldTerm = term;
      record.toldTermEvent = simulation.events;
      record.toldTermUs = simulation.nowUs;
    }
    if (!(record.seenThisLife && record.inspects)) return;
    if (!writeAhead.couldHaveSaved(record, term)) writeAhead.suspect(record, term, what, simulation.events, simulation.nowUs);
    if (term > record.highestTermSent) record.highestTermSent = term;
  }
}
