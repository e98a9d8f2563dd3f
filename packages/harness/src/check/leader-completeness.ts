import type { Commit, CommittedLog } from "./committed-log.ts";
import { evidence, type Report } from "./finding.ts";
import { properties } from "./properties.ts";
import type { ServerRecord } from "./server-record.ts";

/** An entry that was committed in a term is in the logs of the leaders of all later terms. The term that counts is the committing leader's, not the entry's. */
export class LeaderCompleteness {
  looked = 0;
  private readonly report: Report;

  constructor(report: Report) {
    this.report = report;
  }

  /** `leader` has come to lead its term. That it holds the last entry of those committed before says, with Log Matching, that it holds all. */
  elected(leader: ServerRecord, committed: CommittedLog, event: number, atUs: number): void {
    this.looked++;
    const index = committed.lastCommittedBefore(leader.currentTerm);
    if (index > 0) this.check(leader, index, committed.termAt(index)!, committed.commitOf(index), event, atUs);
  }

  /** An entry of `term` was committed: leaders of later terms than the commit's that there are already must hold it. */
  committed(index: number, term: number, commit: Commit, servers: readonly ServerRecord[]): void {
    for (const server of servers) {
      if (server.role !== "leader" || server.currentTerm <= commit.commitTerm) continue;
      this.looked++;
      this.check(server, index, term, commit, commit.event, commit.atUs);
    }
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
