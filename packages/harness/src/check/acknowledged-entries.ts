import { evidence, type Report } from "./finding.ts";
import { properties } from "./properties.ts";
import type { AcknowledgedEntry, ServerRecord } from "./server-record.ts";

/** A follower that answers AppendEntries with success holds the leader's log up to the last entry that the request spoke of, and keeps it as long as that leader's term lasts. */
export class AcknowledgedEntries {
  /** Acknowledgements in the term of the request that were held against the log; the caller counts them. */
  looked = 0;
  private readonly report: Report;

  constructor(report: Report) {
    this.report = report;
  }

  /** What the follower had acknowledged to the leader of its present term is no longer in its log. */
  dropped({ server, lastIndex, terms }: ServerRecord, entry: AcknowledgedEntry, event: number, atUs: number): void {
    const { index, term, leader, leaderTerm } = entry;
    const has = index > lastIndex ? `its log ends at ${lastIndex}` : `its entry ${index} is of term ${terms[index]}`;
    this.report({
      property: properties.acknowledgedEntries,
      sentence: `S${server} no longer has entry ${index} of term ${term}, which it had acknowledged to S${leader}, the leader of its term ${leaderTerm}: ${has}`,
      evidence: [
        evidence(entry, server, `S${server} acknowledged entry ${index} of term ${term} to S${leader} in term ${leaderTerm}`),
        evidence({ event, atUs }, server, `S${server} changed its log: ${has}`),
      ],
      server,
    });
  }

  /** At the end of the event in which its reply left, still in the term of the request, the follower does not hold the entry. */
  missing(follower: ServerRecord, leader: number, index: number, term: number, event: number, atUs: number): void {
    const { server, lastIndex } = follower;
    const has = index > lastIndex ? `its log ends at ${lastIndex}` : `its entry ${index} is of term ${follower.terms[index]}`;
    this.report({
      property: properties.acknowledgedEntries,
      sentence: `S${server} answered S${leader} with success up to entry ${index} of term ${term}, but ${has}`,
      evidence: [evidence({ event, atUs }, server, `S${server} acknowledged entry ${index} of term ${term} to S${leader}; ${has}`)],
      server,
    });
  }
}
