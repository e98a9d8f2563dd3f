import { evidence, type Report } from "./finding.ts";
import { properties } from "./properties.ts";
import type { ServerRecord } from "./server-record.ts";

/** A leader commits by counting copies only entries of its own term; older ones are committed with them (Figure 8). */
export class CommitRule {
  looked = 0;
  private readonly report: Report;

  constructor(report: Report) {
    this.report = report;
  }

  /** `leader` has committed up to `index`, which nobody had before it. An entry that is on every disk is as safe as one of the present term. */
  committed(leader: ServerRecord, index: number, term: number, servers: readonly ServerRecord[], event: number, atUs: number): void {
    this.looked++;
    if (term === leader.currentTerm || servers.every((server) => server.holdsOnDisk(index, term))) return;
    const { server, currentTerm } = leader;
    this.report({
      property: properties.commitRule,
      sentence: `S${server}, leader of term ${currentTerm}, committed entry ${index} of term ${term} by itself: a later leader may still overwrite it`,
      evidence: [
        evidence(
          { event, atUs },
          server,
          `S${server}, leader of term ${currentTerm}, raised commitIndex to ${index}, an entry of term ${term}`,
        ),
      ],
      server,
    });
  }
}
