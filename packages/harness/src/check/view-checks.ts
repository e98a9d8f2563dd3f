import type { RaftView } from "@raft-stress/raft/api";
import { ImplementationError } from "../failure.ts";
import type { Checkers } from "./checkers.ts";
import { isWhole } from "./figure2.ts";
import type { ServerRecord } from "./server-record.ts";

/** Holds what a server shows of itself by inspect() against the invariants, at the end of each of its events. */
export class ViewChecks {
  private readonly checkers: Checkers;
  private readonly hasFaults: () => boolean;

  /** `hasFaults`: whether a server is down or cut off, or the network unreliable. */
  constructor(checkers: Checkers, hasFaults: () => boolean) {
    this.checkers = checkers;
    this.hasFaults = hasFaults;
  }

  /** Throws an ImplementationError when inspect() throws, or returns something else than the contract says. */
  look(record: ServerRecord): void {
    const view = viewOf(record);
    if (!record.seenThisLife) this.firstLook(record, view);
    else if (!this.isAsBefore(record, view)) this.compare(record, view);
    if (record.saves !== record.savesAtQuiet) this.logSaved(record);
    if (view.commitIndex > record.commitIndex) this.commits(record, view.commitIndex);
    record.commitIndex = view.commitIndex;
    record.lastApplied = view.lastApplied;
    if (record.highestTermSent > 0) this.messagesSent(record);
    if (record.acknowledged.length > 0) this.entriesAcknowledged(record);
  }

  /**
   * The server died in the midst of an event: what that event had done to its log and its disk is done. Nothing is held against it, for it was not over.
   */
  lastLook(record: ServerRecord): void {
    this.followLog(record, viewOf(record), false);
    if (record.saves !== record.savesAtQuiet) record.copyLogToDisk();
  }

  /** Whether nothing has changed: most events change nothing that shows. */
  private isAsBefore(record: ServerRecord, view: RaftView): boolean {
    const { lastIndex } = record;
    const same =
      view.currentTerm === record.currentTerm &&
      view.role === record.role &&
      view.commitIndex === record.commitIndex &&
      view.lastApplied === record.lastApplied &&
      view.lastIndex === lastIndex &&
      view.firstIndex === record.baseIndex + 1 &&
      votedForOf(view) === record.votedFor &&
      view.termAt(lastIndex) === record.terms[lastIndex];
    if (!same) return false;
    this.checkers.monotoneTerm.looked++;
    this.checkers.monotoneCommit.looked++;
    return true;
  }

  private firstLook(record: ServerRecord, view: RaftView): void {
    const { checkers } = this;
    const { server } = record;
    const { events, nowUs } = checkers.simulation;
    // A boot without any save is the first one.
    if (record.saves > 0) {
      checkers.stableStorage.restarted(record, view, checkers.oneVote.find(server, view.currentTerm), events, nowUs);
      checkers.coverage.count("restarts");
      if (view.lastIndex > checkers.committed.lastIndex) checkers.coverage.count("restartsWithUncommittedTail");
    }
    record.seenThisLife = true;
    record.role = view.role;
    record.currentTerm = view.currentTerm;
    record.votedFor = votedForOf(view);
    record.savesBeforeTerm = Number.NEGATIVE_INFINITY;
    record.acknowledgedIndex = Math.min(record.acknowledgedIndex, view.lastIndex);
    this.followLog(record, view, true);
    this.seeEntries(record);
    // The disk holds what was read from it.
    record.changedFrom = 0;
    record.copyLogToDisk();
    record.commitIndex = Math.min(view.commitIndex, view.firstIndex - 1);
  }

  private compare(record: ServerRecord, view: RaftView): void {
    const { checkers } = this;
    const { server } = record;
    const { currentTerm } = view;
    const { events, nowUs } = checkers.simulation;
    checkers.monotoneTerm.shows(server, record.currentTerm, currentTerm, "inspect()", events, nowUs);
    checkers.monotoneCommit.shows(record, view, events, nowUs);
    const isNewTerm = currentTerm !== record.currentTerm;
    const votedFor = votedForOf(view);
    if (isNewTerm) record.savesBeforeTerm = record.savesAtQuiet;
    else if (votedFor !== record.votedFor && votedFor !== undefined && record.votedFor !== undefined) {
      checkers.oneVote.changed(server, currentTerm, record.votedFor, votedFor, events, nowUs);
    }
    const isElected = view.role === "leader" && (isNewTerm || record.role !== "leader");
    record.role = view.role;
    record.currentTerm = currentTerm;
    record.votedFor = votedFor;
    if (isElected) checkers.leads(server, currentTerm, "leads (inspect())");
    this.followLog(record, view, true);
    if (isElected) checkers.leaderCompleteness.elected(record, checkers.committed, events, nowUs);
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
    const { events, nowUs } = this.checkers.simulation;
    if (check && record.role === "leader") {
      this.checkers.leaderAppendOnly.logAfter(server, record.currentTerm, kept < base ? formerLast : kept, formerLast, events, nowUs);
    }
    if (kept < formerLast) this.overwritten(record, kept);
    for (let index = Math.max(kept, base) + 1; index <= last; index++) {
      if (check) this.entryAdded(record, index, view.termAt(index));
      else terms[index] = view.termAt(index);
    }
    if (!check) record.unseenFrom = Math.min(record.unseenFrom, Math.max(kept, base) + 1);
    record.lastIndex = last;
    if (record.changedFrom > kept + 1) record.changedFrom = kept + 1;
  }

  private followBase(record: ServerRecord, view: RaftView, base: number): void {
    const { server, terms } = record;
    const { simulation, snapshotConsistency, committed, coverage } = this.checkers;
    const term = view.termAt(base);
    if (base > 0) snapshotConsistency.compacted(server, base, term, committed, simulation.events, simulation.nowUs);
    if (base > record.lastIndex || terms[base] !== term) {
      // The log was replaced by a snapshot; what the snapshot holds was never seen here.
      record.knownFrom = base;
      record.changedFrom = Math.min(record.changedFrom, base);
      if (base > record.lastIndex && record.lastIndex > 0) coverage.count("snapshotsInstalledOnLaggards");
    }
    terms[base] = term;
    record.baseIndex = base;
  }

  /** The log keeps its entries up to `kept` only. */
  private overwritten(record: ServerRecord, kept: number): void {
    const { coverage, records } = this.checkers;
    if (record.acknowledgedIndex > kept) record.acknowledgedIndex = kept;
    if (kept < record.baseIndex) return;
    coverage.count("tailsOverwritten");
    const term = record.terms[kept + 1];
    const isElsewhere = records.some((other) => other !== record && other.termAt(kept + 1) === term);
    if (isElsewhere) coverage.count("replicatedTailsOverwritten");
  }

  private entryAdded(record: ServerRecord, index: number, term: number): void {
    const { server, terms } = record;
    const { simulation, logTerms } = this.checkers;
    const prevTerm = index - 1 < record.knownFrom ? -1 : terms[index - 1]!;
    terms[index] = term;
    logTerms.entry(server, index, term, prevTerm, record.currentTerm, simulation.events, simulation.nowUs);
    this.checkers.entrySeen(server, index, term, prevTerm, "holds it in its log (inspect())");
  }

  /** Entries that came in the last event of the former life, which it did not live to see the end of: what is left of them is there to stay. */
  private seeEntries(record: ServerRecord): void {
    const { server, terms, lastIndex } = record;
    for (let index = Math.max(record.unseenFrom, record.baseIndex + 1); index <= lastIndex; index++) {
      const prevTerm = index - 1 < record.knownFrom ? -1 : terms[index - 1]!;
      this.checkers.entrySeen(server, index, terms[index]!, prevTerm, "holds it in its log (inspect())");
    }
    record.unseenFrom = Number.POSITIVE_INFINITY;
  }

  /** The log, as it is, is on disk now. */
  private logSaved(record: ServerRecord): void {
    const { simulation, snapshots, snapshotConsistency, committed, durableQuorum, records } = this.checkers;
    const { server, diskLast, changedFrom } = record;
    const { events, nowUs } = simulation;
    if (snapshots) snapshotConsistency.saved(record, events, nowUs);
    const term = changedFrom <= diskLast ? committed.termAt(changedFrom) : undefined;
    const had = term !== undefined && record.holdsOnDisk(changedFrom, term);
    record.copyLogToDisk();
    if (had && !record.holdsOnDisk(changedFrom, term)) {
      durableQuorum.dropped(server, changedFrom, term, committed.commitOf(changedFrom), records, events, nowUs);
    }
  }

  private commits(record: ServerRecord, commitIndex: number): void {
    const { checkers } = this;
    const { committed, records, coverage } = checkers;
    const { server, currentTerm } = record;
    const { events, nowUs } = checkers.simulation;
    const former = committed.lastIndex;
    // One comparison says it of all: by Log Matching, logs that agree on an entry agree on those before it.
    const top = Math.min(commitIndex, former);
    const topTerm = record.termAt(top);
    if (topTerm !== undefined && top > 0) {
      checkers.stateMachineSafety.commits(server, top, topTerm, committed.termAt(top)!, committed.commitOf(top), events, nowUs);
    }
    if (commitIndex <= former) return;
    const commit = { server, commitTerm: currentTerm, event: events, atUs: nowUs };
    for (let index = former + 1; index <= commitIndex; index++) {
      const term = record.termAt(index);
      // Unknown is only what lies under a snapshot that nobody was seen to commit.
      if (term === undefined) return;
      committed.append(term, commit);
    }
    const term = committed.termAt(commitIndex)!;
    if (record.role === "leader") checkers.commitRule.committed(record, commitIndex, term, records, events, nowUs);
    if (checkers.allInspected) checkers.durableQuorum.committed(record, commitIndex, term, records, events, nowUs);
    checkers.leaderCompleteness.committed(commitIndex, term, commit, records);
    if (committed.termAt(former + 1)! < currentTerm) coverage.count("commitsOfOlderTerms");
    if (this.hasFaults()) coverage.count("commitsUnderFaults");
  }

  private messagesSent(record: ServerRecord): void {
    const { simulation, messageTerms, electionRestriction } = this.checkers;
    const { events, nowUs } = simulation;
    messageTerms.sent(record.server, record.highestTermSent, record.currentTerm, events, nowUs);
    record.highestTermSent = 0;
    const call = record.requestSent;
    if (call === undefined) return;
    record.requestSent = undefined;
    // Who has come to another term meanwhile, or won at once, may have another log by now.
    if (record.currentTerm === call.term && record.role === "candidate") electionRestriction.asked(record, call, events, nowUs);
  }

  private entriesAcknowledged(record: ServerRecord): void {
    const { simulation, acknowledgedEntries } = this.checkers;
    const { events, nowUs } = simulation;
    for (const call of record.acknowledged) {
      const last = call.index + call.count;
      if (record.currentTerm === call.term) acknowledgedEntries.acknowledged(record, call.from, last, call.lastTerm, events, nowUs);
      if (last <= record.acknowledgedIndex || !record.holds(last, call.lastTerm)) continue;
      record.acknowledgedIndex = last;
      record.acknowledgedEvent = events;
      record.acknowledgedUs = nowUs;
    }
    record.acknowledged.length = 0;
  }
}

function viewOf({ server, raft }: ServerRecord): RaftView {
  try {
    const view = raft!.inspect!();
    checkView(view);
    return view;
  } catch (thrown) {
    throw ImplementationError.of(server, "inspect()", thrown);
  }
}

/** -1 and null are what many write for nobody. */
function votedForOf({ votedFor }: RaftView): number | undefined {
  return typeof votedFor === "number" && votedFor >= 0 ? votedFor : undefined;
}

/** Throws a TypeError that says what a view must be. */
function checkView(view: RaftView): void {
  if (typeof view === "object" && view !== null) {
    const { role, firstIndex, lastIndex } = view;
    if (
      (role === "follower" || role === "candidate" || role === "leader") &&
      isWhole(view.currentTerm) &&
      isWhole(view.commitIndex) &&
      isWhole(view.lastApplied) &&
      isWhole(firstIndex) &&
      isWhole(lastIndex) &&
      firstIndex >= 1 &&
      lastIndex >= firstIndex - 1 &&
      typeof view.termAt === "function"
    )
      return;
  }
  throw new TypeError(
    "inspect() must return { role, currentTerm, votedFor, commitIndex, lastApplied, firstIndex, lastIndex, termAt } with lastIndex >= firstIndex - 1 >= 0",
  );
}
