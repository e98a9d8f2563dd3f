import { InvariantError } from "./assert.ts";
import type { AppendEntriesArgs, AppendEntriesReply, InstallSnapshotArgs, InstallSnapshotReply } from "./messages.ts";
import type { RaftState } from "./state.ts";

/** For a request whose term has been observed. */
export function handleAppendEntries(state: RaftState, args: AppendEntriesArgs, now: number): AppendEntriesReply {
  if (args.term < state.currentTerm) return { term: state.currentTerm, success: false, conflictIndex: 0, conflictTerm: 0 };
  state.followLeader(args.leaderId, now);
  if (!matchesAt(state, args)) return rejectWithHint(state, args);
  if (args.entries.length > 0) store(state, args);
  // Beyond the last entry of this request the log may still hold what conflicts with the leader's.
  const commitIndex = Math.min(args.leaderCommit, args.prevLogIndex + args.entries.length);
  if (commitIndex > state.commitIndex) state.commitTo(commitIndex);
  return { term: state.currentTerm, success: true, conflictIndex: 0, conflictTerm: 0 };
}

/** The consistency check of §5.3. What the snapshot covers is committed and therefore matches. */
function matchesAt({ log }: RaftState, { prevLogIndex, prevLogTerm }: AppendEntriesArgs): boolean {
  if (prevLogIndex < log.snapshotIndex) return true;
  return prevLogIndex <= log.lastIndex && log.termAt(prevLogIndex) === prevLogTerm;
}

/** No entry above the hint can match: the leader's terms up to prevLogIndex are at most prevLogTerm. */
function rejectWithHint(state: RaftState, args: AppendEntriesArgs): AppendEntriesReply {
  const { log, currentTerm } = state;
  if (args.prevLogIndex <= state.commitIndex) {
    const mine = `committed entry ${args.prevLogIndex} of term ${log.termAt(args.prevLogIndex)}`;
    throw new InvariantError(`${mine} has term ${args.prevLogTerm} at the leader S${args.leaderId} of term ${args.term}`);
  }
  const conflictIndex = log.lastIndexUpToTerm(args.prevLogTerm, args.prevLogIndex);
  return { term: currentTerm, success: false, conflictIndex, conflictTerm: log.termAt(conflictIndex) };
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
    const mine = `committed entry ${index} of term ${log.termAt(index)}`;
    throw new InvariantError(`${mine} would be overwritten by the leader S${args.leaderId} of term ${args.term}`);
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
