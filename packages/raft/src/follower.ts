import { InvariantError } from "./assert.ts";
import type { AppendEntriesArgs, AppendEntriesReply, InstallSnapshotArgs, InstallSnapshotReply } from "./messages.ts";
import type { RaftState } from "./state.ts";

/** For a request whose term has been observed. */
export function handleAppendEntries(state: RaftState, args: AppendEntriesArgs, now: number): AppendEntriesReply {
  if (args.term < state.currentTerm) return { term: state.currentTerm, success: false, conflictTerm: 0, conflictIndex: 0 };
  state.followLeader(args.leaderId, now);
  const { log } = state;
  // What the snapshot covers is committed and therefore matches; the check is made from the snapshot point on.
  if (args.prevLogIndex >= log.snapshotIndex) {
    if (args.prevLogIndex > log.lastIndex) return reject(state, 0, log.lastIndex + 1);
    if (log.termAt(args.prevLogIndex) !== args.prevLogTerm) return rejectConflict(state, args);
  }
  if (args.entries.length > 0) store(state, args);
  const newest = args.prevLogIndex + args.entries.length;
  // Beyond the last entry of this request the log may still hold what conflicts with the leader's.
  const commitIndex = Math.min(args.leaderCommit, newest);
  if (commitIndex > state.commitIndex) state.commitTo(commitIndex);
  return { term: state.currentTerm, success: true, conflictTerm: 0, conflictIndex: 0 };
}

function reject(state: RaftState, conflictTerm: number, conflictIndex: number): AppendEntriesReply {
  return { term: state.currentTerm, success: false, conflictTerm, conflictIndex };
}

function rejectConflict(state: RaftState, args: AppendEntriesArgs): AppendEntriesReply {
  const { log, commitIndex } = state;
  const conflictTerm = log.termAt(args.prevLogIndex);
  if (args.prevLogIndex <= commitIndex) {
    throw new InvariantError(
      `committed entry ${args.prevLogIndex} has term ${conflictTerm}, but term ${args.prevLogTerm} at the leader S${args.leaderId} of term ${args.term}; commitIndex is ${commitIndex}`,
    );
  }
  state.trace(
    "LOG2",
    `T${state.currentTerm} entry ${args.prevLogIndex} has T${conflictTerm}, leader S${args.leaderId} has T${args.prevLogTerm}`,
  );
  // Committed entries match: the run of the conflicting term is of interest only above them.
  const before = Math.max(commitIndex, log.lastIndexUpToTerm(conflictTerm - 1, args.prevLogIndex));
  return reject(state, conflictTerm, before + 1);
}

/** §5.3: skips what is there already, deletes from the first real conflict on, appends the rest. */
function store(state: RaftState, args: AppendEntriesArgs): void {
  const { log } = state;
  const { entries, prevLogIndex } = args;
  let i = Math.max(0, log.snapshotIndex - prevLogIndex);
  while (i < entries.length && prevLogIndex + 1 + i <= log.lastIndex) {
    const index = prevLogIndex + 1 + i;
    if (log.termAt(index) !== entries[i]!.term) {
      truncateConflict(state, index, args);
      break;
    }
    i += 1;
  }
  if (i >= entries.length) return;
  for (; i < entries.length; i += 1) log.append(entries[i]!);
  state.unsaved = true;
}

function truncateConflict(state: RaftState, index: number, args: AppendEntriesArgs): void {
  const { log } = state;
  if (index <= state.commitIndex) {
    throw new InvariantError(
      `the leader S${args.leaderId} of term ${args.term} would overwrite entry ${index} of term ${log.termAt(index)}, commitIndex is ${state.commitIndex}`,
    );
  }
  state.trace("LOG2", `T${state.currentTerm} drops entries ${index}..${log.lastIndex}, in conflict with the leader S${args.leaderId}`);
  log.truncateFrom(index);
  state.unsaved = true;
}

/** Figure 13, for a request whose term has been observed. */
export function handleInstallSnapshot(state: RaftState, args: InstallSnapshotArgs, now: number): InstallSnapshotReply {
  const { log } = state;
  if (args.term < state.currentTerm) return { term: state.currentTerm };
  state.followLeader(args.leaderId, now);
  const { lastIncludedIndex, lastIncludedTerm } = args;
  // Late or repeated: everything in it is committed here. The service must never be taken back.
  if (lastIncludedIndex <= state.commitIndex) return { term: state.currentTerm };
  state.trace(
    "SNAP",
    `T${state.currentTerm} installs snapshot up to ${lastIncludedIndex} of T${lastIncludedTerm} over log end ${log.lastIndex}`,
  );
  if (lastIncludedIndex <= log.lastIndex && log.termAt(lastIncludedIndex) === lastIncludedTerm) log.compactTo(lastIncludedIndex);
  else log.reset(lastIncludedIndex, lastIncludedTerm);
  state.snapshot = args.data;
  state.commitIndex = lastIncludedIndex;
  state.lastApplied = lastIncludedIndex;
  state.snapshotToApply = true;
  state.unsaved = true;
  return { term: state.currentTerm };
}
