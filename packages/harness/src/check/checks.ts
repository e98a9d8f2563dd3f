import type { ApplyMessage, Raft, RaftView } from "@raft-stress/raft/api";
import { ImplementationError, PropertyViolation } from "../failure.ts";
import type { Simulation } from "../sim/simulation.ts";
import { AcknowledgedEntries } from "./acknowledged-entries.ts";
import { ApplyOrder } from "./apply-order.ts";
import { CommitRule } from "./commit-rule.ts";
import { CommittedLog } from "./committed-log.ts";
import { Coverage } from "./coverage.ts";
import { DurableQuorum } from "./durable-quorum.ts";
import { ElectionRestriction } from "./election-restriction.ts";
import { ElectionSafety, type LeadershipSign } from "./election-safety.ts";
import { EntryOrigin } from "./entry-origin.ts";
import { EventStorm } from "./event-storm.ts";
import {
  commandOf,
  entriesOf,
  entryTermOf,
  indexOf,
  isGranted,
  isPreVote,
  isRecord,
  isSuccess,
  isWhole,
  leaderCommitOf,
  logTermOf,
  type PaperCall,
  type RpcKind,
  rpcKinds,
  termOf,
} from "./figure2.ts";
import type { Finding, Report } from "./finding.ts";
import { LeaderAppendOnly } from "./leader-append-only.ts";
import { LeaderCompleteness } from "./leader-completeness.ts";
import { LogMatching } from "./log-matching.ts";
import { LogTerms } from "./log-terms.ts";
import { MessageTerms } from "./message-terms.ts";
import { MonotoneCommit } from "./monotone-commit.ts";
import { MonotoneTerm } from "./monotone-term.ts";
import { OneVote } from "./one-vote.ts";
import { propertyKeys } from "./properties.ts";
import { ProposedCommands } from "./proposed-commands.ts";
import { ServerRecord } from "./server-record.ts";
import { SnapshotConsistency } from "./snapshot-consistency.ts";
import { StableStorage } from "./stable-storage.ts";
import { StaleRequests } from "./stale-requests.ts";
import { StartContract } from "./start-contract.ts";
import { StateMachineSafety } from "./state-machine-safety.ts";
import { type DiskContents, showDisk, WriteAhead } from "./write-ahead.ts";

/** What the checks ask of the cluster they look at. */
export interface CheckedCluster {
  /** Whether a server is down or cut off, or the network unreliable. */
  hasFaults(): boolean;
  /** What a restart of `server` would find on its disk now; undefined if that can't be told. An event of the server's must be under way, and be over. */
  readDisk(server: number, drain: () => void): DiskContents | undefined;
}

export interface ChecksOptions {
  readonly servers: number;
  /** Whether the service takes snapshots. */
  readonly snapshots: boolean;
  /** Look at disks much more often. */
  readonly thorough: boolean;
  /** Events at whose end the disk of their server is to be looked at, for the report of a violation. */
  readonly diskAt: readonly number[];
}

/** How often disks are looked at in a run, after votes and after acknowledgements: a look boots a server, which costs more than many events. */
const diskLooks = { ordinary: { votes: 3, entries: 2 }, thorough: { votes: 40, entries: 20 } } as const;

/** What is to be looked for on a server's disk when the event is over. */
interface DiskQuestion {
  readonly ask: (disk: DiskContents) => void;
}

/**
 * Holds one run against the invariants of Raft, at every event. It is told of what crosses the network, of saves, of what services are given, of answers; at the end of each event
 * it looks at the server through inspect(), if there is one. It knows nothing of an implementation but that.
 */
export class Checks {
  readonly coverage = new Coverage();
  /** What was on the disks of `diskAt`, by event. */
  readonly disks = new Map<number, string>();
  private readonly simulation: Simulation;
  private readonly options: ChecksOptions;
  private readonly records: readonly ServerRecord[];
  private readonly committed = new CommittedLog();
  private readonly pending: readonly PendingReplies[];
  private cluster: CheckedCluster | undefined;
  /** What is to be added to the indices in messages: 1 when their first entry has index 0. */
  private indexShift = 0;
  /** Whether entries in messages carry commands as start() was given them; undefined while that is not known. */
  private plainCommands: boolean | undefined;
  private question: DiskQuestion | undefined;
  private voteLooks: number;
  private entryLooks: number;
  private acknowledgements = 0;
  private latestVoteTerm = 0;
  private candidates = 0;

  private readonly electionSafety: ElectionSafety;
  private readonly oneVote: OneVote;
  private readonly electionRestriction: ElectionRestriction;
  private readonly monotoneTerm: MonotoneTerm;
  private readonly messageTerms: MessageTerms;
  private readonly staleRequests: StaleRequests;
  private readonly writeAhead: WriteAhead;
  private readonly stableStorage: StableStorage;
  private readonly logMatching: LogMatching;
  private readonly logTerms: LogTerms;
  private readonly entryOrigin: EntryOrigin;
  private readonly leaderAppendOnly: LeaderAppendOnly;
  private readonly acknowledgedEntries: AcknowledgedEntries;
  private readonly commitRule: CommitRule;
  private readonly durableQuorum: DurableQuorum;
  private readonly leaderCompleteness: LeaderCompleteness;
  private readonly stateMachineSafety: StateMachineSafety;
  private readonly monotoneCommit: MonotoneCommit;
  private readonly applyOrder: ApplyOrder;
  private readonly startContract: StartContract;
  private readonly proposedCommands: ProposedCommands;
  private readonly snapshotConsistency: SnapshotConsistency;
  private readonly eventStorm: EventStorm;

  constructor(simulation: Simulation, options: ChecksOptions) {
    const { servers, thorough } = options;
    this.simulation = simulation;
    this.options = options;
    this.records = Array.from({ length: servers }, (_, server) => new ServerRecord(server));
    this.pending = this.records.map(() => new PendingReplies());
    const looks = thorough ? diskLooks.thorough : diskLooks.ordinary;
    this.voteLooks = looks.votes;
    this.entryLooks = looks.entries;
    const report: Report = (finding) => this.fail(finding);
    this.electionSafety = new ElectionSafety(report);
    this.oneVote = new OneVote(servers, report);
    this.electionRestriction = new ElectionRestriction(report);
    this.monotoneTerm = new MonotoneTerm(report);
    this.messageTerms = new MessageTerms(report);
    this.staleRequests = new StaleRequests(report);
    this.writeAhead = new WriteAhead(servers, report);
    this.stableStorage = new StableStorage(report);
    this.logMatching = new LogMatching(report);
    this.logTerms = new LogTerms(report);
    this.entryOrigin = new EntryOrigin(report);
    this.leaderAppendOnly = new LeaderAppendOnly(report);
    this.acknowledgedEntries = new AcknowledgedEntries(report);
    this.commitRule = new CommitRule(report);
    this.durableQuorum = new DurableQuorum(report);
    this.leaderCompleteness = new LeaderCompleteness(report);
    this.stateMachineSafety = new StateMachineSafety(report);
    this.monotoneCommit = new MonotoneCommit(report);
    this.applyOrder = new ApplyOrder(servers, report);
    this.startContract = new StartContract(report);
    this.proposedCommands = new ProposedCommands(report);
    this.snapshotConsistency = new SnapshotConsistency(report);
    this.eventStorm = new EventStorm(servers, report);
  }

  attach(cluster: CheckedCluster): void {
    this.cluster = cluster;
  }

  /** How often each property was looked at, in the order of `propertyKeys`. */
  looks(): readonly number[] {
    return propertyKeys.map((key) => this[key].looked);
  }

  // ---- a server's life ----

  /** MakeRaft has returned. `snapshotIndex`: of the snapshot that its service begins with, 0 without one. */
  booted(server: number, raft: Raft, snapshotIndex: number): void {
    const record = this.records[server]!;
    const { events, nowUs } = this.simulation;
    record.raft = raft;
    record.inspects = typeof raft.inspect === "function";
    record.seenThisLife = false;
    this.pending[server]!.clear();
    this.applyOrder.booted(server, snapshotIndex, events, nowUs);
  }

  /** The server is dead. In the midst of an event, what that event had done to its log and disk counts. */
  died(server: number): void {
    const record = this.records[server]!;
    if (record.raft === undefined) return;
    if (this.simulation.inEvent && this.simulation.currentServer === server && record.inspects && record.seenThisLife) {
      try {
        this.followLog(record, record.raft.inspect!(), false);
        if (record.saves !== record.savesAtQuiet) record.copyLogToDisk();
      } catch {
        // It died in the midst of something.
      }
    }
    record.raft = undefined;
    this.pending[server]!.clear();
  }

  /** The server has saved. `snapshot`: the bytes of the service's snapshot, if they are others than before. */
  saved(server: number, snapshot: Uint8Array | undefined): void {
    const record = this.records[server]!;
    record.saves++;
    if (snapshot !== undefined) record.diskSnapshotIndex = snapshotIndexOf(snapshot);
  }

  // ---- messages between servers ----

  /** A request leaves. Returns what is to be told with what becomes of it; undefined if it is no RPC of the paper's. */
  requestSent(from: number, kind: RpcKind | undefined, args: unknown): PaperCall | undefined {
    const { events, nowUs } = this.simulation;
    this.eventStorm.sent(from, events, nowUs);
    if (kind === undefined || !isRecord(args)) return undefined;
    const call = this.readCall(kind, args, events, nowUs);
    if (call === undefined) return undefined;
    const record = this.records[from]!;
    const { term } = call;
    switch (kind) {
      case rpcKinds.appendEntries:
        this.leads(from, term, "sent AppendEntries");
        this.termTold(record, term, "AppendEntries");
        if (call.count > 0) this.entriesSent(from, call, entriesOf(args)!);
        break;
      case rpcKinds.installSnapshot:
        this.leads(from, term, "sent InstallSnapshot");
        this.termTold(record, term, "InstallSnapshot");
        this.snapshotConsistency.sent(
          from,
          call,
          this.committed,
          this.records.every(({ inspects }) => inspects),
          events,
          nowUs,
        );
        break;
      default:
        this.candidacy(record, call);
    }
    return call;
  }

  /** The request has reached a living server; its handler has not run yet. */
  requestArrived(to: number, from: number, call: PaperCall, args: unknown): void {
    const record = this.records[to]!;
    call.savesAtArrival = record.saves;
    call.termAtArrival = record.knownTerm;
    if (record.inspects && record.seenThisLife) {
      call.lastIndexAtArrival = record.lastIndex;
      call.lastTermAtArrival = record.terms[record.lastIndex]!;
    }
    if (call.kind === rpcKinds.requestVote) this.writeAhead.voteAsked(record, from, call.term);
    if (call.term < call.termAtArrival) this.coverage.count("staleRequests");
    if (call.kind === rpcKinds.installSnapshot && call.index <= record.commitIndex) this.coverage.count("oldSnapshotsArrived");
    if (call.count <= 0) return;
    const entries = entriesOf(args as Record<string, unknown>)!;
    for (let i = 0; i < call.count; i++) this.writeAhead.entryCame(record, call.index + 1 + i, entryTermOf(entries[i]) as number);
  }

  /** The handler's reply leaves. */
  replySent(server: number, caller: number, call: PaperCall, reply: unknown): void {
    if (!isRecord(reply)) return;
    const record = this.records[server]!;
    const term = termOf(reply);
    if (isWhole(term)) this.termTold(record, term, "a reply");
    if (call.kind === rpcKinds.requestVote) {
      if (isGranted(reply)) this.voteGranted(record, caller, call);
      else this.voteRefused(record, caller, call);
    } else if (call.kind === rpcKinds.appendEntries && isSuccess(reply)) this.entriesAcknowledged(record, caller, call);
  }

  /** The reply has reached its living caller. */
  replyArrived(caller: number, call: PaperCall): void {
    if (call.term < this.records[caller]!.knownTerm) this.coverage.count("staleReplies");
  }

  // ---- what a server is asked by the tester, and gives its service ----

  started(server: number, command: unknown, answer: { index: number; term: number; isLeader: boolean }): void {
    const { events, nowUs } = this.simulation;
    this.eventStorm.started(server, events, nowUs);
    if (!answer.isLeader) return;
    const { index, term } = answer;
    this.leads(server, term, "took a command in start()");
    this.proposedCommands.proposed(command);
    this.startContract.accepted(server, index, term, command, events, nowUs);
    const sign = "was given the command in start()";
    const entry = this.logMatching.entrySeen(server, index, term, -1, sign, events, nowUs);
    if (this.logMatching.isNew) this.entryOrigin.appeared(entry, this.electionSafety.of(term));
    this.logMatching.commandSeen(entry, server, command, sign, events, nowUs);
    this.writeAhead.entryCame(this.records[server]!, index, term);
  }

  stateTold(server: number, term: number, isLeader: boolean): void {
    const record = this.records[server]!;
    const { events, nowUs } = this.simulation;
    const former = record.seenThisLife ? record.currentTerm : record.toldTerm;
    this.monotoneTerm.shows(server, former, term, "getState()", events, nowUs);
    if (isLeader) this.leads(server, term, "said in getState() that it leads");
  }

  /** The service of the server hands over a snapshot. */
  snapshotTaken(server: number, index: number, bytes: Uint8Array): void {
    const { events, nowUs } = this.simulation;
    this.snapshotConsistency.took(server, index, bytes, events, nowUs);
  }

  /** The service of the server is given a message. */
  applied(server: number, message: ApplyMessage): void {
    const { events, nowUs } = this.simulation;
    const { index } = message;
    if (message.type === "command") {
      const record = this.records[server]!;
      this.applyOrder.delivered(server, index, false, events, nowUs);
      this.stateMachineSafety.applies(server, index, message.command, events, nowUs);
      this.proposedCommands.applied(server, index, message.command, events, nowUs);
      if (record.seenThisLife) this.startContract.applied(server, index, record.termAt(index), message.command, events, nowUs);
    } else if (this.options.snapshots) {
      this.coverage.count("snapshotsInstalled");
      this.applyOrder.delivered(server, index, true, events, nowUs);
      this.snapshotConsistency.delivered(server, index, message.snapshot, events, nowUs);
    }
  }

  // ---- the end of an event ----

  /** An event of `server` is over, with all that followed at once. `drain`: lets promises run; undefined where nothing can be run now. */
  quiet(server: number, drain: (() => void) | undefined): void {
    const record = this.records[server];
    if (record === undefined) return;
    if (record.raft !== undefined) {
      if (record.inspects) this.look(record);
      else if (!record.seenThisLife) this.settle(record);
    }
    record.savesAtQuiet = record.saves;
    this.answerQuestion(server, drain);
    if (drain !== undefined && this.options.diskAt.includes(this.simulation.events)) this.noteDisk(server, drain);
  }

  private look(record: ServerRecord): void {
    const { server } = record;
    const view = this.viewOf(record);
    const { events, nowUs } = this.simulation;
    if (!record.seenThisLife) this.firstLook(record, view);
    else {
      const { currentTerm } = view;
      this.monotoneTerm.shows(server, record.currentTerm, currentTerm, "inspect()", events, nowUs);
      this.monotoneCommit.shows(record, view, events, nowUs);
      const isNewTerm = currentTerm !== record.currentTerm;
      if (isNewTerm) record.savesBeforeTerm = record.savesAtQuiet;
      else this.sameTerm(record, view);
      const isElected = view.role === "leader" && (isNewTerm || record.role !== "leader");
      record.role = view.role;
      record.currentTerm = currentTerm;
      record.votedFor = votedForOf(view);
      if (isElected) this.leads(server, currentTerm, "leads (inspect())");
      this.followLog(record, view, true);
      if (isElected) this.leaderCompleteness.elected(record, this.committed, events, nowUs);
    }
    if (record.saves !== record.savesAtQuiet) this.logSaved(record);
    if (view.commitIndex > record.commitIndex) this.commits(record, view.commitIndex);
    record.commitIndex = view.commitIndex;
    record.lastApplied = view.lastApplied;
    this.settleReplies(record);
  }

  /** Without inspect() there is nothing to settle but that the life has begun. */
  private settle(record: ServerRecord): void {
    record.seenThisLife = true;
    if (record.saves > 0) this.coverage.count("restarts");
  }

  private viewOf({ server, raft }: ServerRecord): RaftView {
    try {
      const view = raft!.inspect!();
      checkView(view);
      return view;
    } catch (thrown) {
      throw ImplementationError.of(server, "inspect()", thrown);
    }
  }

  private firstLook(record: ServerRecord, view: RaftView): void {
    const { server } = record;
    const { events, nowUs } = this.simulation;
    const base = view.firstIndex - 1;
    // A boot without any save is the first one.
    if (record.saves > 0) {
      const candidate = this.oneVote.of(server, view.currentTerm);
      const moment = this.oneVote.momentOf(server, view.currentTerm);
      const vote = candidate === undefined || moment === undefined ? undefined : { candidate, moment };
      this.stableStorage.restarted(record, view, vote, events, nowUs);
      this.coverage.count("restarts");
      if (view.lastIndex > this.committed.lastIndex) this.coverage.count("restartsWithUncommittedTail");
    }
    record.seenThisLife = true;
    record.role = view.role;
    record.currentTerm = view.currentTerm;
    record.votedFor = votedForOf(view);
    record.savesBeforeTerm = Number.NEGATIVE_INFINITY;
    record.acknowledgedIndex = Math.min(record.acknowledgedIndex, view.lastIndex);
    this.followLog(record, view, false);
    // The disk holds what was read from it.
    record.changedFrom = 0;
    record.copyLogToDisk();
    record.commitIndex = Math.min(view.commitIndex, base);
  }

  private sameTerm(record: ServerRecord, view: RaftView): void {
    const former = record.votedFor;
    const present = votedForOf(view);
    if (former === undefined || present === former || present === undefined) return;
    const { events, nowUs } = this.simulation;
    this.oneVote.changed(record.server, view.currentTerm, former, present, events, nowUs);
  }

  /** Brings what is known of the server's log up to date. `check`: hold what is new in it against the invariants. */
  private followLog(record: ServerRecord, view: RaftView, check: boolean): void {
    const { terms, server } = record;
    const base = view.firstIndex - 1;
    const formerLast = record.lastIndex;
    const last = view.lastIndex;
    if (base !== record.baseIndex) this.followBase(record, view, base);
    let kept = Math.min(formerLast, last);
    while (kept > base && view.termAt(kept) !== terms[kept]) kept--;
    if (kept === last && last === formerLast) return;
    const { events, nowUs } = this.simulation;
    if (check && record.role === "leader") {
      this.leaderAppendOnly.logAfter(server, record.currentTerm, kept < base ? formerLast : kept, formerLast, events, nowUs);
    }
    if (kept < formerLast) this.overwritten(record, kept, formerLast);
    for (let index = Math.max(kept, base) + 1; index <= last; index++) this.entryAdded(record, index, view.termAt(index));
    record.lastIndex = last;
    if (record.changedFrom > kept + 1) record.changedFrom = kept + 1;
  }

  private followBase(record: ServerRecord, view: RaftView, base: number): void {
    const { server, terms } = record;
    const { events, nowUs } = this.simulation;
    const term = view.termAt(base);
    if (base > 0) this.snapshotConsistency.compacted(server, base, term, this.committed.at(base), events, nowUs);
    if (base > record.lastIndex || terms[base] !== term) {
      // The log was replaced by a snapshot; what the snapshot holds was never seen here.
      record.knownFrom = base;
      record.changedFrom = Math.min(record.changedFrom, base);
      if (base > record.lastIndex && record.lastIndex > 0) this.coverage.count("snapshotsInstalledOnLaggards");
    }
    terms[base] = term;
    record.baseIndex = base;
  }

  private overwritten(record: ServerRecord, kept: number, formerLast: number): void {
    const { server, terms } = record;
    if (record.acknowledgedIndex > kept) record.acknowledgedIndex = kept;
    if (kept < record.baseIndex) return;
    this.coverage.count("tailsOverwritten");
    const term = terms[kept + 1]!;
    const elsewhere = this.records.some((other) => other.server !== server && other.termAt(kept + 1) === term);
    if (elsewhere && formerLast > kept) this.coverage.count("replicatedTailsOverwritten");
  }

  private entryAdded(record: ServerRecord, index: number, term: number): void {
    const { server, terms } = record;
    const { events, nowUs } = this.simulation;
    const prevTerm = index - 1 < record.knownFrom ? -1 : terms[index - 1]!;
    terms[index] = term;
    this.logTerms.entry(server, index, term, prevTerm, record.currentTerm, events, nowUs);
    const entry = this.logMatching.entrySeen(server, index, term, prevTerm, "holds it in its log (inspect())", events, nowUs);
    if (this.logMatching.isNew) this.entryOrigin.appeared(entry, this.electionSafety.of(term));
  }

  /** The log, as it is, is on disk now. */
  private logSaved(record: ServerRecord): void {
    const { server, diskLast, changedFrom } = record;
    const { events, nowUs } = this.simulation;
    if (this.options.snapshots) this.snapshotConsistency.saved(record, events, nowUs);
    const dropped = changedFrom <= Math.min(diskLast, this.committed.lastIndex) ? this.committed.at(changedFrom) : undefined;
    const had = dropped !== undefined && record.holdsOnDisk(changedFrom, dropped.term);
    record.copyLogToDisk();
    if (had && !record.holdsOnDisk(changedFrom, dropped.term)) {
      this.durableQuorum.dropped(server, changedFrom, dropped.term, dropped, this.records, events, nowUs);
    }
  }

  private commits(record: ServerRecord, commitIndex: number): void {
    const { server, terms, currentTerm } = record;
    const { events, nowUs } = this.simulation;
    const former = this.committed.lastIndex;
    for (let index = record.commitIndex + 1; index <= commitIndex; index++) {
      const term = record.termAt(index);
      if (term === undefined) continue;
      const known = this.committed.at(index);
      if (known !== undefined) this.stateMachineSafety.commits(server, index, term, known, events, nowUs);
      else if (index === this.committed.lastIndex + 1) {
        this.committed.append({ term, server, commitTerm: currentTerm, event: events, atUs: nowUs });
      }
    }
    const last = this.committed.lastIndex;
    if (last === former) return;
    const term = terms[last]!;
    if (record.role === "leader") this.commitRule.committed(record, last, term, this.records, events, nowUs);
    if (this.records.every((other) => other.inspects || other.raft === undefined)) {
      this.durableQuorum.committed(record, last, term, this.records, events, nowUs);
    }
    this.leaderCompleteness.committed(last, this.committed.at(last)!, this.records);
    if (this.committed.at(former + 1)!.term < currentTerm) this.coverage.count("commitsOfOlderTerms");
    if (this.cluster?.hasFaults()) this.coverage.count("commitsUnderFaults");
  }

  private settleReplies(record: ServerRecord): void {
    const pending = this.pending[record.server]!;
    const { events, nowUs } = this.simulation;
    if (pending.highestTerm > 0) {
      this.messageTerms.sent(record.server, pending.highestTerm, record.currentTerm, events, nowUs);
      pending.highestTerm = 0;
    }
    if (pending.request !== undefined) {
      // A candidate that has come to another term meanwhile tells nothing.
      if (record.currentTerm === pending.request.term && record.role === "candidate")
        this.electionRestriction.asked(record, pending.request, events, nowUs);
      pending.request = undefined;
    }
    if (pending.acknowledged.length === 0) return;
    for (const { leader, call } of pending.acknowledged) {
      const last = call.index + call.count;
      if (record.currentTerm === call.term) this.acknowledgedEntries.acknowledged(record, leader, last, call.lastTerm, events, nowUs);
      if (last > record.acknowledgedIndex && record.holds(last, call.lastTerm)) {
        record.acknowledgedIndex = last;
        record.acknowledgedEvent = events;
        record.acknowledgedUs = nowUs;
      }
    }
    pending.acknowledged.length = 0;
  }

  // ---- votes, terms, entries ----

  private leads(server: number, term: number, sign: LeadershipSign): void {
    const { events, nowUs } = this.simulation;
    if (this.electionSafety.leads(server, term, sign, events, nowUs) && this.electionSafety.leaders > 1)
      this.coverage.count("leaderChanges");
  }

  private candidacy(record: ServerRecord, call: PaperCall): void {
    const { events, nowUs } = this.simulation;
    const { server } = record;
    const { term } = call;
    if (record.seenThisLife && record.inspects) this.pending[server]!.request = call;
    this.termTold(record, term, "RequestVote");
    if (!this.oneVote.voted(server, term, server, events, nowUs)) return;
    if (term > this.latestVoteTerm) {
      if (this.candidates > 1 && this.electionSafety.of(this.latestVoteTerm) === undefined) this.coverage.count("splitVotes");
      this.latestVoteTerm = term;
      this.candidates = 1;
    } else if (term === this.latestVoteTerm) this.candidates++;
    this.askDiskForVote(server, term, server);
  }

  private voteGranted(record: ServerRecord, candidate: number, call: PaperCall): void {
    const { events, nowUs } = this.simulation;
    const { server } = record;
    this.staleRequests.accepted(server, candidate, call, events, nowUs);
    if (record.seenThisLife && record.inspects) this.electionRestriction.granted(record, candidate, call, events, nowUs);
    if (!this.oneVote.voted(server, call.term, candidate, events, nowUs)) return;
    this.writeAhead.voteGranted(record, candidate, call, events, nowUs);
    this.askDiskForVote(server, call.term, candidate);
  }

  private voteRefused(record: ServerRecord, candidate: number, call: PaperCall): void {
    if (call.term < call.termAtArrival) return;
    const vote = this.oneVote.of(record.server, call.term);
    if (vote !== undefined && vote !== candidate) this.coverage.count("votesDeniedByVote");
    else if (call.lastIndexAtArrival > call.index || call.lastTermAtArrival > call.logTerm) this.coverage.count("votesDeniedByLog");
  }

  private entriesAcknowledged(record: ServerRecord, leader: number, call: PaperCall): void {
    const { events, nowUs } = this.simulation;
    this.staleRequests.accepted(record.server, leader, call, events, nowUs);
    if (call.count < 0) return;
    const last = call.index + call.count;
    this.writeAhead.entriesAcknowledged(record, leader, call, last, call.lastTerm, events, nowUs);
    this.pending[record.server]!.acknowledged.push({ leader, call });
    if (call.count > 0) this.askDiskForEntry(record.server, last, call.lastTerm);
  }

  private termTold(record: ServerRecord, term: number, what: string): void {
    const { events, nowUs } = this.simulation;
    if (term > record.toldTerm) {
      record.toldTerm = term;
      record.toldTermEvent = events;
      record.toldTermUs = nowUs;
    }
    if (!(record.seenThisLife && record.inspects)) return;
    this.writeAhead.termTold(record, term, what, events, nowUs);
    const pending = this.pending[record.server]!;
    if (term > pending.highestTerm) pending.highestTerm = term;
  }

  private entriesSent(server: number, call: PaperCall, entries: readonly unknown[]): void {
    const { events, nowUs } = this.simulation;
    const sign = "sent it in AppendEntries";
    let prevTerm = call.logTerm;
    for (let i = 0; i < call.count; i++) {
      const index = call.index + 1 + i;
      const term = entryTermOf(entries[i]) as number;
      this.logTerms.entry(server, index, term, prevTerm, call.term, events, nowUs);
      const entry = this.logMatching.entrySeen(server, index, term, prevTerm, sign, events, nowUs);
      if (this.logMatching.isNew) this.entryOrigin.appeared(entry, this.electionSafety.of(term));
      this.plainCommands ??= entry.hasCommand ? isSame(entry.command, commandOf(entries[i])) : undefined;
      if (this.plainCommands) this.logMatching.commandSeen(entry, server, commandOf(entries[i]), sign, events, nowUs);
      prevTerm = term;
    }
  }

  private readCall(kind: RpcKind, args: Record<string, unknown>, sentEvent: number, sentUs: number): PaperCall | undefined {
    const term = termOf(args);
    const index = indexOf(kind, args);
    const logTerm = logTermOf(kind, args);
    if (!isWhole(term) || !isWhole(index) || !isWhole(logTerm)) return undefined;
    if (kind === rpcKinds.requestVote && isPreVote(args)) return undefined;
    if (index < 0) this.indexShift = 1;
    let count = 0;
    let lastTerm = logTerm;
    let leaderCommit = 0;
    if (kind === rpcKinds.appendEntries) {
      const entries = entriesOf(args);
      // Entries that can't be read are -1: more than none, and none that could be held against others.
      count = entries?.every((entry) => isWhole(entryTermOf(entry))) ? entries.length : -1;
      if (count > 0) lastTerm = entryTermOf(entries![count - 1]) as number;
      const told = leaderCommitOf(args);
      leaderCommit = isWhole(told) ? told : 0;
    }
    return {
      kind,
      term,
      index: index + this.indexShift,
      // Before the first entry there is none: whatever stands for its term.
      logTerm: index + this.indexShift === 0 ? 0 : logTerm,
      count,
      lastTerm: count === 0 && index + this.indexShift === 0 ? 0 : lastTerm,
      leaderCommit,
      sentEvent,
      sentUs,
      savesAtArrival: -1,
      termAtArrival: 0,
      lastIndexAtArrival: -1,
      lastTermAtArrival: -1,
    };
  }

  // ---- disks ----

  private askDiskForVote(server: number, term: number, candidate: number): void {
    if (this.voteLooks <= 0) return;
    this.voteLooks--;
    const { events: event, nowUs: atUs } = this.simulation;
    this.question = { ask: (disk) => this.writeAhead.voteOnDisk(server, term, candidate, disk, { event, atUs }) };
  }

  /** At the first acknowledgement, then ever more rarely. */
  private askDiskForEntry(server: number, index: number, term: number): void {
    this.acknowledgements++;
    if (this.entryLooks <= 0 || (this.acknowledgements & (this.acknowledgements - 1)) !== 0) return;
    this.entryLooks--;
    const { events: event, nowUs: atUs } = this.simulation;
    this.question = { ask: (disk) => this.writeAhead.entryOnDisk(server, index, term, disk, { event, atUs }) };
  }

  private answerQuestion(server: number, drain: (() => void) | undefined): void {
    const { question } = this;
    if (question === undefined) return;
    this.question = undefined;
    // A server that died in this event has no promises to keep at once: its restart is looked at.
    if (drain === undefined || this.simulation.stopped || this.records[server]!.raft === undefined) return;
    const disk = this.cluster?.readDisk(server, drain);
    if (disk !== undefined) question.ask(disk);
  }

  private noteDisk(server: number, drain: () => void): void {
    const disk = this.cluster?.readDisk(server, drain);
    if (disk !== undefined) this.disks.set(this.simulation.events, showDisk(disk));
  }

  private fail({ property, sentence, evidence, server }: Finding): void {
    this.simulation.fail(new PropertyViolation(property.name, property.source, sentence, server, evidence));
  }
}

/** What left a server during an event and is held against its state when the event is over. */
class PendingReplies {
  highestTerm = 0;
  request: PaperCall | undefined;
  readonly acknowledged: { readonly leader: number; readonly call: PaperCall }[] = [];

  clear(): void {
    this.highestTerm = 0;
    this.request = undefined;
    this.acknowledged.length = 0;
  }
}

function isSame(one: unknown, other: unknown): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}

function votedForOf({ votedFor }: RaftView): number | undefined {
  // -1 and null are what many write for nobody.
  return typeof votedFor === "number" && votedFor >= 0 ? votedFor : undefined;
}

const roles: ReadonlySet<unknown> = new Set(["follower", "candidate", "leader"]);

/** Throws a TypeError that says what of a view is not as the contract has it. */
function checkView(view: RaftView): void {
  if (
    typeof view === "object" &&
    view !== null &&
    roles.has(view.role) &&
    isWhole(view.currentTerm) &&
    isWhole(view.commitIndex) &&
    isWhole(view.lastApplied) &&
    isWhole(view.firstIndex) &&
    isWhole(view.lastIndex) &&
    view.firstIndex >= 1 &&
    view.lastIndex >= view.firstIndex - 1 &&
    typeof view.termAt === "function"
  )
    return;
  throw new TypeError(
    "inspect() must return { role, currentTerm, votedFor, commitIndex, lastApplied, firstIndex, lastIndex, termAt } with lastIndex >= firstIndex - 1 >= 0",
  );
}

/** The index that a snapshot of the harness's service reaches: it begins with it. 0 if it is no such snapshot. */
function snapshotIndexOf(snapshot: Uint8Array): number {
  let index = 0;
  for (let at = 1; at < snapshot.length; at++) {
    const digit = snapshot[at]! - 0x30;
    if (digit < 0 || digit > 9) break;
    index = 10 * index + digit;
  }
  return index;
}
