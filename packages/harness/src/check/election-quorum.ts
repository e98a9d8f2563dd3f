import { evidence, type Report } from "./finding.ts";
import type { OneVote } from "./one-vote.ts";
import { properties } from "./properties.ts";

/** Who leads a term has the votes of a majority in that very term: votes of other terms, and one server's vote twice, don't count. */
export class ElectionQuorum {
  looked = 0;
  /** Whether all answers to requests for votes could be read: who says in words of its own that it grants its vote is not to be counted as one who doesn't. */
  private readable = true;
  private readonly servers: number;
  private readonly oneVote: OneVote;
  private readonly report: Report;

  constructor(servers: number, oneVote: OneVote, report: Report) {
    this.servers = servers;
    this.oneVote = oneVote;
    this.report = report;
  }

  /** A request for a vote was answered with something that says neither yes nor no in the words of Figure 2. */
  answeredOtherwise(): void {
    this.readable = false;
  }

  /** A server was seen to lead a term that nobody was seen to lead before. Whoever was made leader without asking for votes is no case for this. */
  elected(leader: number, term: number, event: number, atUs: number): void {
    if (!this.readable) return;
    const request = this.oneVote.find(leader, term);
    if (request?.candidate !== leader) return;
    this.looked++;
    const voters: number[] = [];
    for (let server = 0; server < this.servers; server++) if (this.oneVote.of(server, term) === leader) voters.push(server);
    if (2 * voters.length > this.servers) return;
    const who = voters.map((server) => `S${server}`).join(", ");
    const grants = voters
      .filter((server) => server !== leader)
      .map((server) => evidence(this.oneVote.find(server, term)!, server, `S${server} granted its vote to S${leader} in term ${term}`))
      .sort((a, b) => a.event - b.event);
    this.report({
      property: properties.electionQuorum,
      sentence: `S${leader} leads term ${term} with the votes of ${voters.length} of ${this.servers} servers (${who})`,
      evidence: [
        evidence(request, leader, `S${leader} asked for votes in term ${term}`),
        ...grants,
        evidence({ event, atUs }, leader, `S${leader} leads term ${term}`),
      ],
      server: leader,
    });
  }
}
