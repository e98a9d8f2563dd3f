/** One invariant of Raft as the harness checks it. */
export interface Property {
  readonly name: string;
  /** Where it is stated: a section or figure of the extended Raft paper, or of the lab. */
  readonly source: string;
  /** The least that an implementation must show for it to be checked. */
  readonly needs: Need;
}

/**
 * - `nothing`: what every implementation shows: the apply channel, saves, start(), getState()
 * - `messages`: RPCs in the names of Figure 2
 * - `inspect`: inspect()
 * - `messages or inspect`: either; with both it sees more
 * - `messages and inspect`
 */
type Need = "nothing" | "messages" | "inspect" | "messages or inspect" | "messages and inspect";

function property(name: string, source: string, needs: Need): Property {
  return { name, source, needs };
}

/** Every invariant that is checked, in the order of the paper. Results count by this order. */
export const properties = {
  electionSafety: property("Election Safety", "§5.2", "nothing"),
  oneVote: property("One Vote per Term", "§5.2", "messages or inspect"),
  electionQuorum: property("Election Quorum", "§5.2", "messages"),
  candidatesYield: property("Candidates Yield", "§5.2", "messages and inspect"),
  electionRestriction: property("Election Restriction", "§5.4.1", "messages and inspect"),
  monotoneTerm: property("Monotone Term", "§5.1", "nothing"),
  messageTerms: property("Message Terms", "§5.1", "messages and inspect"),
  staleRequests: property("Stale Requests Refused", "§5.1", "messages"),
  writeAhead: property("Write-Ahead Rule", "Figure 2, persistent state", "messages"),
  stableStorage: property("Stable Storage", "Figure 2, persistent state", "messages and inspect"),
  logMatching: property("Log Matching", "§5.3", "messages or inspect"),
  logTerms: property("Log Terms", "§5.3", "messages or inspect"),
  entryOrigin: property("Entry Origin", "§5.3", "messages or inspect"),
  leaderAppendOnly: property("Leader Append-Only", "§5.3", "inspect"),
  acknowledgedEntries: property("Acknowledged Entries", "§5.3", "messages and inspect"),
  commitRule: property("Commit Rule", "§5.4.2", "inspect"),
  durableQuorum: property("Durable Quorum", "§5.3, §5.4.2", "inspect"),
  leaderCompleteness: property("Leader Completeness", "§5.4.3", "inspect"),
  stateMachineSafety: property("State Machine Safety", "§5.4.3", "nothing"),
  monotoneCommit: property("Monotone Commit", "Figure 2, volatile state", "inspect"),
  applyOrder: property("Apply Order", "Figure 2, rules for all servers", "nothing"),
  startContract: property("Start Contract", "the lab's start()", "nothing"),
  proposedCommands: property("Proposed Commands", "§5.3", "nothing"),
  snapshotConsistency: property("Snapshot Consistency", "§7", "nothing"),
  eventStorm: property("No Event Storm", "the lab's bounds on RPCs", "nothing"),
} as const satisfies Record<string, Property>;

export type PropertyKey = keyof typeof properties;

export const propertyKeys: readonly PropertyKey[] = Object.keys(properties) as PropertyKey[];
