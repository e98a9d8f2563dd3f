import type { Commit, CommittedLog } from "./committed-log.ts";
import { evidence, type Moment, type Report } from "./finding.ts";
import type { LogMatching } from "./log-matching.ts";
import { properties } from "./properties.ts";
import type { ServerRecord } from "./server-record.ts";

/** How a server's log ended when it came to lead a term: by Log Matching that says all of the log. */
interface Election extends Moment {
  readonly server: number;
  readonly term: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
}

/** An entry that was committed in a term is in the logs of the leaders of all later terms. The term that counts is the committing leader's, not the entry's. */
export class LeaderCompleteness {
  looked = 0;
  private readonly elections: Election[] = [];
  private highestTerm = 0;
  private readonly entries: LogMatching;
  private readonly report: Report;

  constructor(entries: LogMatching, report: Report) {
    this.entries = entries;
    this.report = report;
  }

  /** `leader` has come to lead its term. That it holds the last entry of those committed before says, with Log Matching, that it holds all. */
  elected(leader: ServerRecord, committed: CommittedLog, event: number, atUs: number): void {
    this.looked++;
    const { server, currentTerm, lastIndex, lastTerm } = leader;
    this.elections.push({ server, term: currentTerm, lastIndex, lastTerm, event, atUs });
    this.highestTerm = Math.max(this.highestTerm, currentTerm);
    const index = committed.lastCommittedBefore(currentTerm);
    if (index > 0) this.check(leader, index, committed.termAt(index)!, committed.commitOf(index), event, atUs);
  }

  /**
   * An entry of `term` was committed, by a leader that others may have followed already: the leaders of later terms than the commit's must have held it, whether they lead still or not.
   */
  committed(index: number, term: number, commit: Commit, servers: readonly ServerRecord[]): void {
    if (commit.commitTerm >= this.highestTerm) return;
    for (const election of this.elections) {
      if (election.term <= commit.commitTerm) continue;
      this.looked++;
      const leader = servers[election.server]!;
      if (leader.role === "leader" && leader.currentTerm === election.term)
        this.check(leader, index, term, commit, commit.event, commit.atUs);
      else this.checkFormer(election, index, term, commit);
    }
  }

  private checkFormer(
    { server, term: leaderTerm, lastIndex, lastTerm, event, atUs }: Election,
    index: number,
    term: number,
    commit: Commit,
  ): void {
    const found = index > lastIndex ? 0 : this.entries.termBelow(lastIndex, lastTerm, index);
    if (found === undefined || found === term) return;
    const has = found === 0 ? `its log ended at ${lastIndex}` : `its entry ${index} was of term ${found}`;
    this.report({
      property: properties.leaderCompleteness,
      sentence: `S${server} led term ${leaderTerm} without entry ${index} of term ${term}, committed in term ${commit.commitTerm}: ${has}`,
      evidence: [
        evidence({ event, atUs }, server, `S${server} came to lead term ${leaderTerm}; ${has}`),
        evidence(commit, commit.server, `S${commit.server} committed entry ${index} of term ${term} in term ${commit.commitTerm}`),
      ],
      server,
    });
  }

  private check(leader: ServerRecord, index: number, term: number, commit: Commit, event: number, atUs: number): void {
    if (leader.holds(index, term)) return;
    const { server, currentTerm, lastIndex } = leader;
    const has = index > lastIndex ? `its log ends at ${lastIndex}` : `its entry ${index} is of term ${leader.terms[index]}`;
    this.report({
      property: properties.leaderCompleteness,
      sentence: `S${server} leads term ${currentTerm} without entry ${index} of term ${term}, committed in term ${commit.commitTerm}: ${has}`,
      evidence: [
        evidence(commit, commit.server, `S${commit.server} committed entry ${index} of term ${term} in term ${commit.commitTerm}`),
        evidence({ event, atUs }, server, `S${server} leads term ${currentTerm}; ${has}`),
      ],
      server,
    });
  }
}
