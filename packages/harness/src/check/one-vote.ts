import { listOf } from "../list-of.ts";
import { evidence, type Moment, type Report } from "./finding.ts";
import { properties } from "./properties.ts";

export interface Vote extends Moment {
  readonly candidate: number;
}

/** A server votes for one candidate in a term, whatever happens to it between two requests. A candidate's own request is its vote for itself. */
export class OneVote {
  looked = 0;
  private readonly votes: Map<number, Vote>[];
  private readonly report: Report;

  constructor(servers: number, report: Report) {
    this.votes = listOf(servers, () => new Map<number, Vote>());
    this.report = report;
  }

  /** A vote has left the server. Returns whether it is its first one in the term. */
  voted(server: number, term: number, candidate: number, event: number, atUs: number): boolean {
    this.looked++;
    const votes = this.votes[server]!;
    const former = votes.get(term);
    if (former === undefined) {
      votes.set(term, { candidate, event, atUs });
      return true;
    }
    if (former.candidate !== candidate) {
      this.report({
        property: properties.oneVote,
        sentence: `S${server} voted for S${former.candidate} and for S${candidate} in term ${term}`,
        evidence: [
          evidence(former, server, voteText(server, term, former.candidate)),
          evidence({ event, atUs }, server, voteText(server, term, candidate)),
        ],
        server,
      });
    }
    return false;
  }

  /** A server shows by inspect(), or gives away, another vote than it has shown before in that life and term. */
  changed(server: number, term: number, former: number, candidate: number, event: number, atUs: number): void {
    this.looked++;
    if (former === candidate) return;
    this.report({
      property: properties.oneVote,
      sentence: `S${server} changed its vote from S${former} to S${candidate} within term ${term}`,
      evidence: [evidence({ event, atUs }, server, `S${server} votes for S${candidate}; its votedFor was S${former} in the same term`)],
      server,
    });
  }

  /** Whom the server has voted for in the term, as far as anybody was told. */
  of(server: number, term: number): number | undefined {
    return this.votes[server]!.get(term)?.candidate;
  }

  /** The vote of the server in the term, as far as anybody was told. */
  find(server: number, term: number): Vote | undefined {
    return this.votes[server]!.get(term);
  }
}

function voteText(server: number, term: number, candidate: number): string {
  return server === candidate
    ? `S${server} voted for itself in term ${term}: it sent RequestVote`
    : `S${server} granted its vote to S${candidate} in term ${term}`;
}
