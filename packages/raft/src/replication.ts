import type { AppendEntriesArgs, AppendEntriesReply, Entry, InstallSnapshotArgs } from "./messages.ts";
import type { Progress } from "./progress.ts";
import type { RaftState } from "./state.ts";

/** A snapshot of which nothing is heard for so many heartbeats is sent again. */
const SNAPSHOT_RETRY_HEARTBEATS = 4;

const NO_ENTRIES: readonly Entry[] = [];

/** §5.2: the winner of an election sends heartbeats at once. It appends nothing: an index belongs to a command that was proposed. */
export function lead(state: RaftState, now: number): void {
  state.role = "leader";
  state.trace("LEAD", `T${state.currentTerm} leader with ${state.voteCount} votes, last entry ${state.log.lastIndex}`);
  for (const peer of state.peers) peer.beginLeadership(state.log.lastIndex, state.commitIndex, now);
  sendDue(state, now);
}

/** Sends each peer what is due to it: news when its pacing allows, a heartbeat when it was sent nothing for too long. */
export function sendDue(state: RaftState, now: number): void {
  const { peers } = state;
  // Not for...of, here and in the other loops of every event: unoptimised code makes an object for each step of it.
  for (let i = 0; i < peers.length; i++) {
    const peer = peers[i]!;
    if (now >= peer.nextSendMs && hasNews(state, peer, now)) sendNews(state, peer, now);
    else if (now >= peer.nextHeartbeatMs) sendHeartbeat(state, peer, now);
  }
}

/** When `sendDue` next has something to do, if nothing else happens before. */
export function nextSendDeadlineMs(state: RaftState, now: number): number {
  const { peers } = state;
  let deadline = Infinity;
  for (let i = 0; i < peers.length; i++) {
    const peer = peers[i]!;
    const due = hasNews(state, peer, now) ? peer.nextSendMs : peer.nextHeartbeatMs;
    if (due < deadline) deadline = due;
  }
  return deadline;
}

/** Whether nothing was heard of the peer for an election timeout: it is probably down or cut off. */
function isSilent(state: RaftState, peer: Progress, now: number): boolean {
  return now - peer.heardMs >= state.options.electionTimeoutMinMs;
}

/** Whether the peer should be told more than that the leader lives. One that is silent gets empty heartbeats until it answers, and then everything. */
function hasNews(state: RaftState, peer: Progress, now: number): boolean {
  const wasSentAll = !peer.probing && peer.nextIndex > state.log.lastIndex && peer.sentCommit >= state.commitIndex;
  if (wasSentAll || isSilent(state, peer, now)) return false;
  if (needsSnapshot(state, peer)) return peer.snapshotInFlight === 0 || now >= peer.snapshotRetryMs;
  return !(peer.probing && peer.probed);
}

/** §7: the next entry to send has been compacted away. */
function needsSnapshot(state: RaftState, peer: Progress): boolean {
  return peer.nextIndex < state.log.firstIndex;
}

function sendNews(state: RaftState, peer: Progress, now: number): void {
  const { log, options } = state;
  // Two may follow each other at once after a pause: the entries, and that they are committed.
  peer.nextSendMs = Math.max(peer.nextSendMs + options.sendIntervalMs, now);
  if (needsSnapshot(state, peer)) {
    sendSnapshot(state, peer, now);
    return;
  }
  const end = Math.min(log.lastIndex + 1, peer.nextIndex + options.maxEntriesPerRequest);
  const entries = peer.nextIndex === end ? NO_ENTRIES : log.slice(peer.nextIndex, end);
  sendAppend(state, peer, peer.nextIndex - 1, entries, now);
  if (peer.probing) peer.probed = true;
  else peer.nextIndex = end;
}

/**
 * A heartbeat makes the consistency check just before nextIndex, so its success acknowledges everything sent, whatever became of the
 * earlier replies. For a peer that waits for a snapshot it makes the check at the snapshot point.
 */
function sendHeartbeat(state: RaftState, peer: Progress, now: number): void {
  sendAppend(state, peer, Math.max(peer.nextIndex - 1, state.log.snapshotIndex), NO_ENTRIES, now);
}

function sendAppend(state: RaftState, peer: Progress, prevLogIndex: number, entries: readonly Entry[], now: number): void {
  peer.nextHeartbeatMs = now + msToNextHeartbeat(state, peer, now);
  peer.sentCommit = state.commitIndex;
  state.sendAppendEntries(peer.server, {
    term: state.currentTerm,
    leaderId: state.me,
    prevLogIndex,
    prevLogTerm: state.log.termAt(prevLogIndex),
    entries,
    leaderCommit: state.commitIndex,
  });
}

/**
 * Heartbeats to a silent peer are most likely in vain, so it gets fewer where election timeouts leave room for it. But it may hear us, and only its replies be lost, and should not
 * stand for election then: one heartbeat may be lost, too, and the next one still comes half a heartbeat interval before the shortest election timeout is over.
 */
function msToNextHeartbeat(state: RaftState, peer: Progress, now: number): number {
  const { heartbeatIntervalMs, electionTimeoutMinMs } = state.options;
  if (!isSilent(state, peer, now)) return heartbeatIntervalMs;
  return Math.max(heartbeatIntervalMs, (electionTimeoutMinMs - heartbeatIntervalMs / 2) / 2);
}

function sendSnapshot(state: RaftState, peer: Progress, now: number): void {
  const { log, options } = state;
  state.trace(
    "SNAP",
    `T${state.currentTerm} snapshot up to ${log.snapshotIndex} to S${peer.server}, whose next entry is ${peer.nextIndex}`,
  );
  peer.nextHeartbeatMs = now + options.heartbeatIntervalMs;
  peer.snapshotInFlight = log.snapshotIndex;
  peer.snapshotSequence = state.sequence;
  peer.snapshotRetryMs = now + SNAPSHOT_RETRY_HEARTBEATS * options.heartbeatIntervalMs;
  state.sendInstallSnapshot(peer.server, {
    term: state.currentTerm,
    leaderId: state.me,
    lastIncludedIndex: log.snapshotIndex,
    lastIncludedTerm: log.snapshotTerm,
    data: state.snapshot,
  });
}

/** For the reply to request number `sequence` of the current term, while leader; the reply's term has been observed. */
export function handleAppendReply(
  state: RaftState,
  peer: Progress,
  sequence: number,
  args: AppendEntriesArgs,
  reply: AppendEntriesReply,
): void {
  if (reply.success) acknowledge(state, peer, args.prevLogIndex + args.entries.length);
  // What has matched in this term stays matched: a rejection below is older than the success that raised matchIndex.
  else if (sequence >= peer.repairedAt && args.prevLogIndex > peer.matchIndex) backUp(state, peer, reply);
}

export function handleSnapshotReply(state: RaftState, peer: Progress, args: InstallSnapshotArgs): void {
  acknowledge(state, peer, args.lastIncludedIndex);
}

/** Request or reply was lost. Heartbeats follow anyway; entries are sent again. */
export function handleAppendLoss(state: RaftState, peer: Progress, sequence: number, args: AppendEntriesArgs): void {
  if (args.entries.length === 0 || sequence < peer.repairedAt || args.prevLogIndex + args.entries.length <= peer.matchIndex) return;
  peer.backUpTo(args.prevLogIndex + 1, state.sequence);
}

export function handleSnapshotLoss(peer: Progress, sequence: number): void {
  if (peer.snapshotSequence === sequence) peer.snapshotInFlight = 0;
}

/**
 * §5.3, fast back-up: the highest index at which both logs can match is where both terms are at most conflictTerm. A whole term, and often
 * several, is skipped at once.
 */
function backUp(state: RaftState, peer: Progress, reply: AppendEntriesReply): void {
  const { log } = state;
  let index = reply.conflictIndex;
  if (index >= log.snapshotIndex) {
    index = log.lastIndexUpToTerm(reply.conflictTerm, index);
    // The match is below what this log still knows: only a snapshot can help.
    if (log.termAt(index) > reply.conflictTerm) index -= 1;
  }
  peer.backUpTo(index + 1, state.sequence);
  peer.probing = true;
}

function acknowledge(state: RaftState, peer: Progress, matchIndex: number): void {
  const raised = peer.raiseMatch(matchIndex);
  if (matchIndex >= peer.nextIndex - 1) peer.probing = false;
  if (raised && matchIndex > state.commitIndex) advanceCommit(state);
}

/** The leader's rule of Figure 2 for commitIndex. */
export function advanceCommit(state: RaftState): void {
  const index = majorityIndex(state);
  // §5.4.2: an entry of an older term is never committed by counting its copies, only together with one of the current term above it.
  if (index > state.commitIndex && state.log.termAt(index) === state.currentTerm) state.commitTo(index);
}

/** The highest index that a majority holds, or commitIndex if that is higher. */
function majorityIndex(state: RaftState): number {
  const { peers, majority } = state;
  if (majority === 1) return state.log.lastIndex;
  let highest = state.commitIndex;
  for (const candidate of peers) {
    if (candidate.matchIndex <= highest) continue;
    let copies = 1;
    for (const peer of peers) if (peer.matchIndex >= candidate.matchIndex) copies += 1;
    if (copies >= majority) highest = candidate.matchIndex;
  }
  return highest;
}
