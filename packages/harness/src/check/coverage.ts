/** What really happened in a run, beside what its test asserts: a test that never reaches what it exists for proves nothing. Results count in this order. */
export const coverageCounters = {
  leaderChanges: "a term got a leader after another one had",
  splitVotes: "a term had two candidates or more and no leader",
  votesDeniedByLog: "a vote was refused because the voter's log was newer",
  votesDeniedByVote: "a vote was refused because the voter had voted for another",
  commitsUnderFaults: "something was committed while a server was down or cut off, or the network unreliable",
  commitsOfOlderTerms: "an entry of an older term was committed with one of the present term",
  tailsOverwritten: "a server dropped or overwrote entries of its log",
  replicatedTailsOverwritten: "an entry that had been in two logs or more was overwritten in one",
  staleRequests: "a request of an older term arrived",
  staleReplies: "a reply to a request of an older term arrived",
  restarts: "a server restarted",
  restartsWithUncommittedTail: "a server restarted with entries that were not committed",
  snapshotsInstalled: "a snapshot was delivered to a service",
  snapshotsInstalledOnLaggards: "a snapshot replaced a log that had not reached so far",
  oldSnapshotsArrived: "an InstallSnapshot arrived that reached no further than what was committed there",
  oldRequests: "a request was delivered late, or once more",
  crashesBeforeSave: "a server crashed exactly before a save",
  crashesAfterSave: "a server crashed exactly after a save",
  cutLinks: "links between servers were cut one by one, some in one direction only",
  pausedServers: "a server was paused",
  slowApplies: "a service was slow",
  skewedClocks: "a server's clock ran at another rate",
  equalHalves: "the cluster was cut into two equal halves",
} as const;

export type CoverageCounter = keyof typeof coverageCounters;

export const coverageKeys: readonly CoverageCounter[] = Object.keys(coverageCounters) as CoverageCounter[];

export class Coverage {
  private readonly counts = new Map<CoverageCounter, number>();

  count(counter: CoverageCounter, times = 1): void {
    this.counts.set(counter, (this.counts.get(counter) ?? 0) + times);
  }

  /** In the order of `coverageKeys`. */
  values(): readonly number[] {
    return coverageKeys.map((key) => this.counts.get(key) ?? 0);
  }
}
