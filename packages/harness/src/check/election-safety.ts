import { evidence, type Moment, type Report } from "./finding.ts";
import { properties } from "./properties.ts";

/** How a server was seen to lead. */
export type LeadershipSign =
  | "sent AppendEntries"
  | "sent InstallSnapshot"
  | "took a command in start()"
  | "said in getState() that it leads"
  | "leads (inspect())";

interface Leader extends Moment {
  readonly server: number;
  readonly sign: LeadershipSign;
}

/** At most one leader in a term, ever. Fed from messages it also sees leaders that live between two looks of a tester. */
export class ElectionSafety {
  looked = 0;
  /** Terms that have had a leader. */
  leaders = 0;
  private readonly leaderOf = new Map<number, Leader>();
  private readonly report: Report;
  /** Most looks are at the leader of the latest term. */
  private latestTerm = -1;
  private latestServer = -1;

  constructor(report: Report) {
    this.report = report;
  }

  /** Returns whether the term had no leader before. */
  leads(server: number, term: number, sign: LeadershipSign, event: number, atUs: number): boolean {
    this.looked++;
    if (term === this.latestTerm && server === this.latestServer) return false;
    const known = this.leaderOf.get(term);
    if (known === undefined) {
      this.leaderOf.set(term, { server, sign, event, atUs });
      this.leaders++;
      this.latestTerm = term;
      this.latestServer = server;
      return true;
    }
    if (known.server !== server) {
      this.report({
        property: properties.electionSafety,
        sentence: `term ${term} has two leaders, S${known.server} and S${server}`,
        evidence: [
          evidence(known, known.server, `S${known.server} ${known.sign} in term ${term}`),
          evidence({ event, atUs }, server, `S${server} ${sign} in term ${term}`),
        ],
        server,
      });
    }
    return false;
  }

  /** The leader of a term; undefined when nobody was seen to lead it. */
  of(term: number): number | undefined {
    return term === this.latestTerm ? this.latestServer : this.leaderOf.get(term)?.server;
  }
}
