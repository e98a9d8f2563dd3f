import type { RaftView } from "@raft-stress/raft/api";
import type { Checkers } from "./checkers.ts";
import { isWhole, type PaperCall } from "./figure2.ts";
import { type ServerRecord, votedForOf } from "./server-record.ts";

/** Holds what a server shows of itself by inspect() against the invariants, at the end of each of its events. */
export class ViewChecks {
  private readonly checkers: Checkers;
  private readonly thorough: boolean;
  private readonly hasFaults: () => boolean;

  /** `thorough`: compare the whole log after every save. `hasFaults`: whether a server is down or cut off, or the network unreliable. */
  constructor(checkers: Checkers, thorough: boolean, hasFaults: () => boolean) {
    this.checkers = checkers;
    this.thorough = thorough;
    this.hasFaults = hasFaults;
  }

  /** `view`: what the server shows now. Throws a TypeError when it is something else than the contract says, and what reading it throws. */
  look(record: ServerRecord, view: RaftView): void {
    const isAsBefore = record.seenThisLife && isAsLast(record, view);
    if (!isAsBefore || record.saves !== record.savesAtQuiet || record.hasTakenEntries) this.changed(record, view, isAsBefore);
    else this.checkers.unchanged++;
    const { highestTermSent } = record;
    if (highestTermSent > 0) this.messagesSent(record, highestTermSent);
    if (record.acknowledged.length > 0) this.entriesAcknowledged(record);
    if (record.leaderAnswered !== undefined) this.leaderAnswered(record, record.leaderAnswered);
  }

  /** The view is another than before; or `isAsBefore`, as far as its terms and indices tell, and more has happened than they tell. Throws as `look` does. */
  changed(record: ServerRecord, view: RaftView, isAsBefore: boolean): void {
    if (!isAsBefore) checkView(view);
    if (!record.seenThisLife) this.firstLook(record, view);
    else {
      const changedAt = this.thorough || record.hasTakenEntries ? this.changedWithin(record, view) : Number.POSITIVE_INFINITY;
      if (!isAsBefore || changedAt <= record.lastIndex) this.compare(record, view, changedAt);
      else this.checkers.unchanged++;
    }
    if (record.saves !== record.savesAtQuiet) this.logSaved(record);
    if (view.commitIndex > record.commitIndex) this.commits(record, view.commitIndex);
    record.commitIndex = view.commitIndex;
    record.lastApplied = view.lastApplied;
  }

  /**
   * The server died in the midst of an event: what that event had done to its log and its disk is done. Nothing is held against it, for it was not over.
   */
  lastLook(record: ServerRecord): void {
    const view = record.raft!.inspect!();
    checkView(view);
    this.followLog(record, view, Number.POSITIVE_INFINITY, "dead");
    if (record.saves !== record.savesAtQuiet) record.logIsOnDisk();
  }

  /**
   * Lowest index at which an entry that was there is another one now, where that can't be told from the log's end: by Log Matching logs that end alike are alike, but who overwrites an entry
   * and keeps those after it breaks just that. Looked at are entries that the server has acknowledged in this event. Infinity if there is none.
   */
  private changedWithin(record: ServerRecord, view: RaftView): number {
    const { terms, acknowledged } = record;
    const last = Math.min(record.lastIndex, view.lastIndex);
    const first = Math.max(view.firstIndex, record.baseIndex + 1);
    let changed = Number.POSITIVE_INFINITY;
    if (this.thorough && record.saves !== record.savesAtQuiet) changed = firstChange(view, terms, first, last);
    for (let i = 0; i < acknowledged.length; i++) {
      const { index, count } = acknowledged[i]!;
      if (count > 0) changed = Math.min(changed, firstChange(view, terms, Math.max(index + 1, first), Math.min(index + count, last)));
    }
    return changed;
  }

  private firstLook(record: ServerRecord, view: RaftView): void {
    const { checkers } = this;
    const { server } = record;
    const { events, nowUs } = checkers.simulation;
    if (record.lives > 1) {
      const { currentTerm } = view;
      const vote = checkers.oneVote.find(server, currentTerm);
      checkers.stableStorage.restarted(record, view, vote, checkers.electionSafety.of(currentTerm), events, nowUs);
      checkers.coverage.count("restarts");
      if (view.lastIndex > checkers.committed.lastIndex) checkers.coverage.count("restartsWithUncommittedTail");
    }
    record.seenThisLife = true;
    record.role = view.role;
    record.currentTerm = view.currentTerm;
    record.votedFor = votedForOf(view);
    record.voteInTerm = record.votedFor;
    record.savesBeforeTerm = Number.NEGATIVE_INFINITY;
    record.acknowledgedIndex = Math.min(record.acknowledgedIndex, view.lastIndex);
    this.followLog(record, view, Number.POSITIVE_INFINITY, "begins");
    this.diskRead(record);
    record.commitIndex = Math.min(view.commitIndex, view.firstIndex - 1);
  }

  /** `changedAt`: lowest index of an entry that is known to be another one now. */
  private compare(record: ServerRecord, view: RaftView, changedAt: number): void {
    const { checkers } = this;
    const { server } = record;
    const { currentTerm } = view;
    const { events, nowUs } = checkers.simulation;
    const isNewTerm = currentTerm !== record.currentTerm;
    if (isNewTerm) checkers.monotoneTerm.shows(server, record.currentTerm, currentTerm, "inspect()", events, nowUs);
    else checkers.monotoneTerm.looked++;
    checkers.monotoneCommit.shows(record, view, events, nowUs);
    const votedFor = votedForOf(view);
    if (isNewTerm) {
      record.savesBeforeTerm = record.savesAtQuiet;
      record.voteInTerm = undefined;
    }
    if (votedFor !== record.votedFor || isNewTerm) this.voteShown(record, currentTerm, votedFor);
    const isElected = view.role === "leader" && (isNewTerm || record.role !== "leader");
    const leads = view.role === "leader" && !isElected;
    record.role = view.role;
    record.currentTerm = currentTerm;
    record.votedFor = votedFor;
    if (isElected) checkers.leads(server, currentTerm, "leads (inspect())");
    this.followLog(record, view, changedAt, leads ? "leads" : "lives");
    if (isElected) checkers.leaderCompleteness.elected(record, checkers.committed, events, nowUs);
  }

  /** inspect() shows another vote than one event before, or a new term's. */
  private voteShown({ server, voteInTerm }: ServerRecord, term: number, votedFor: number | undefined): void {
    if (votedFor === undefined) return;
    const { simulation, oneVote, electionSafety, records } = this.checkers;
    records[server]!.voteInTerm = votedFor;
    const former = voteInTerm ?? oneVote.of(server, term);
    // Some note the term's leader as their vote: it harms nobody, for the election is over.
    if (former === undefined || former === votedFor || electionSafety.of(term) === votedFor) return;
    oneVote.changed(server, term, former, votedFor, simulation.events, simulation.nowUs);
  }

  /**
   * Brings what is known of the server's log up to date, and holds what is new in it against the invariants, unless the server is dead. `changedAt`: lowest index of an entry that is known
   * to be another one now. `how`: whether the server led its present term already before the event.
   */
  private followLog(record: ServerRecord, view: RaftView, changedAt: number, how: "begins" | "lives" | "leads" | "dead"): void {
    const { terms, server } = record;
    const base = view.firstIndex - 1;
    const formerLast = record.lastIndex;
    const last = view.lastIndex;
    const isReplaced = base !== record.baseIndex && this.followBase(record, view, base);
    let kept = Math.min(formerLast, last, isReplaced ? base : changedAt - 1);
    while (kept > base && view.termAt(kept) !== terms[kept]) kept--;
    if (kept === last && last === formerLast) {
      record.lastTerm = terms[last]!;
      return;
    }
    const { events, nowUs } = this.checkers.simulation;
    if (how === "leads") {
      this.checkers.leaderAppendOnly.logAfter(server, record.currentTerm, kept < base ? formerLast : kept, formerLast, events, nowUs);
    }
    if (kept < formerLast) this.overwritten(record, kept);
    const first = Math.max(kept, base) + 1;
    if (how === "dead") this.entriesOfTheDead(record, view, first, last);
    else this.entriesAdded(record, view, first, last);
    record.lastIndex = last;
    record.lastTerm = terms[last]!;
    if (how === "lives" || how === "leads") {
      this.committedKept(record, kept + 1);
      this.acknowledgedKept(record);
    }
    if (record.changedFrom > kept + 1) record.changedFrom = kept + 1;
  }

  /** The log has changed from `changedAt` on: if that was committed here, it must be what is committed. That it is there at all is for Monotone Commit to say. */
  private committedKept(record: ServerRecord, changedAt: number): void {
    if (changedAt > record.commitIndex || changedAt > record.lastIndex || changedAt <= record.baseIndex) return;
    const { simulation, committed, stateMachineSafety } = this.checkers;
    const term = committed.termAt(changedAt);
    if (term === undefined) return;
    const { events, nowUs } = simulation;
    stateMachineSafety.commits(record.server, changedAt, record.terms[changedAt]!, term, committed.commitOf(changedAt), events, nowUs);
  }

  /** The log has changed: what was acknowledged to the leader of the present term is there still. */
  private acknowledgedKept(record: ServerRecord): void {
    const { acknowledgedToLeader: entry } = record;
    if (entry?.leaderTerm !== record.currentTerm || record.holds(entry.index, entry.term)) return;
    const { simulation, acknowledgedEntries } = this.checkers;
    acknowledgedEntries.dropped(record, entry, simulation.events, simulation.nowUs);
  }

  /** Returns whether the log was replaced by a snapshot that it did not hold. */
  private followBase(record: ServerRecord, view: RaftView, base: number): boolean {
    const { server, terms } = record;
    const { simulation, snapshotConsistency, committed, coverage } = this.checkers;
    const term = view.termAt(base);
    if (base > 0) snapshotConsistency.compacted(server, base, term, committed, simulation.events, simulation.nowUs);
    const isReplaced = base > record.lastIndex || terms[base] !== term;
    if (isReplaced) {
      // The log was replaced by a snapshot; what the snapshot holds was never seen here.
      record.knownFrom = base;
      record.changedFrom = Math.min(record.changedFrom, base);
      if (base > record.lastIndex && record.lastIndex > 0) coverage.count("snapshotsInstalledOnLaggards");
    }
    record.setTerm(base, term);
    record.baseIndex = base;
    return isReplaced;
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

  private entriesAdded(record: ServerRecord, view: RaftView, first: number, last: number): void {
    const { server, currentTerm } = record;
    const { simulation, logTerms, logMatching } = this.checkers;
    const { events, nowUs } = simulation;
    let prevTerm = first - 1 < record.knownFrom ? -1 : record.terms[first - 1]!;
    for (let index = first; index <= last; index++) {
      const term = view.termAt(index);
      record.setTerm(index, term);
      logTerms.entry(server, index, term, prevTerm, currentTerm, events, nowUs);
      logMatching.entrySeen(server, index, term, prevTerm, "holds it in its log (inspect())", events, nowUs);
      prevTerm = term;
    }
  }

  private entriesOfTheDead(record: ServerRecord, view: RaftView, first: number, last: number): void {
    const { simulation, logMatching } = this.checkers;
    const { events, nowUs } = simulation;
    for (let index = first; index <= last; index++) {
      const term = view.termAt(index);
      record.setTerm(index, term);
      logMatching.mayHold(record.server, index, term, events, nowUs);
    }
  }

  /** The disk holds what a restarted server has read from it. */
  private diskRead(record: ServerRecord): void {
    const { simulation, committed, durableQuorum, records } = this.checkers;
    const held: number[] = [];
    for (let index = Math.min(record.diskLast, committed.lastIndex); index > record.baseIndex; index--) {
      if (record.holdsOnDisk(index, committed.termAt(index)!)) held.push(index);
    }
    record.changedFrom = 0;
    record.logIsOnDisk();
    const lost = held.findLast((index) => !record.holdsOnDisk(index, committed.termAt(index)!));
    if (lost === undefined) return;
    const { events, nowUs } = simulation;
    durableQuorum.dropped(record.server, lost, committed.termAt(lost)!, committed.commitOf(lost), records, events, nowUs);
  }

  /** The log, as it is, is on disk now. */
  private logSaved(record: ServerRecord): void {
    const { simulation, snapshots, snapshotConsistency, committed, durableQuorum, records } = this.checkers;
    const { server, diskLast, changedFrom } = record;
    const { events, nowUs } = simulation;
    if (snapshots) snapshotConsistency.saved(record, events, nowUs);
    const term = changedFrom <= diskLast ? committed.termAt(changedFrom) : undefined;
    const had = term !== undefined && record.holdsOnDisk(changedFrom, term);
    record.logIsOnDisk();
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

  private messagesSent(record: ServerRecord, highestTerm: number): void {
    const { currentTerm, requestSent } = record;
    const { simulation, messageTerms } = this.checkers;
    record.highestTermSent = 0;
    messageTerms.looked++;
    if (highestTerm > currentTerm) messageTerms.above(record.server, highestTerm, currentTerm, simulation.events, simulation.nowUs);
    if (requestSent !== undefined) this.votesAskedFor(record, requestSent);
  }

  private votesAskedFor(record: ServerRecord, call: PaperCall): void {
    const { simulation, electionRestriction } = this.checkers;
    record.requestSent = undefined;
    // Who has come to another term meanwhile, or won at once, may have another log by now.
    if (record.currentTerm === call.term && record.role === "candidate")
      electionRestriction.asked(record, call, simulation.events, simulation.nowUs);
  }

  private leaderAnswered(record: ServerRecord, call: PaperCall): void {
    record.leaderAnswered = undefined;
    // Whoever has come to another term in the same event may well be a candidate there.
    if (record.currentTerm !== call.term) return;
    const { simulation, candidatesYield } = this.checkers;
    candidatesYield.looked++;
    if (record.role === "candidate") candidatesYield.answered(record.server, call, simulation.events, simulation.nowUs);
  }

  private entriesAcknowledged(record: ServerRecord): void {
    const { simulation, acknowledgedEntries } = this.checkers;
    const { events, nowUs } = simulation;
    const { acknowledged, currentTerm } = record;
    for (let i = 0; i < acknowledged.length; i++) {
      const call = acknowledged[i]!;
      const last = call.index + call.count;
      const isOfTerm = currentTerm === call.term;
      if (isOfTerm) acknowledgedEntries.looked++;
      if (!record.holds(last, call.lastTerm)) {
        if (isOfTerm) acknowledgedEntries.missing(record, call.from, last, call.lastTerm, events, nowUs);
        continue;
      }
      if (isOfTerm) noteForLeader(record, call, last, events, nowUs);
      if (last <= record.acknowledgedIndex) continue;
      record.acknowledgedIndex = last;
      record.acknowledgedEvent = events;
      record.acknowledgedUs = nowUs;
    }
    record.hasTakenEntries = false;
    // One by one: there is one as a rule, and to set the length of an array costs more than all of this.
    while (acknowledged.pop() !== undefined);
  }
}

function noteForLeader(record: ServerRecord, { term, from, lastTerm }: PaperCall, index: number, event: number, atUs: number): void {
  const former = record.acknowledgedToLeader;
  if (former?.leaderTerm === term && former.index >= index) return;
  record.acknowledgedToLeader = { leaderTerm: term, leader: from, index, term: lastTerm, event, atUs };
}

/** Lowest index from `first` to `last` at which the view shows another term than before; Infinity if there is none. */
function firstChange(view: RaftView, terms: readonly number[], first: number, last: number): number {
  for (let index = first; index <= last; index++) if (view.termAt(index) !== terms[index]) return index;
  return Number.POSITIVE_INFINITY;
}

/** Whether the view is one, and shows what it showed last: most events change nothing that shows. */
export function isAsLast(record: ServerRecord, view: RaftView): boolean {
  const { lastIndex } = record;
  return (
    typeof view === "object" &&
    view !== null &&
    typeof view.termAt === "function" &&
    view.currentTerm === record.currentTerm &&
    view.role === record.role &&
    view.commitIndex === record.commitIndex &&
    view.lastApplied === record.lastApplied &&
    view.lastIndex === lastIndex &&
    view.firstIndex === record.baseIndex + 1 &&
    (view.votedFor === record.votedFor || votedForOf(view) === record.votedFor) &&
    view.termAt(lastIndex) === record.lastTerm
  );
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
