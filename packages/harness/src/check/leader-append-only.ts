import { evidence, type Report } from "./finding.ts";
import { properties } from "./properties.ts";

/** A leader never overwrites or deletes entries of its log. */
export class LeaderAppendOnly {
  looked = 0;
  private readonly report: Report;

  constructor(report: Report) {
    this.report = report;
  }

  /** The log of a server that leads `term`, before and after the event, holds `kept` of the `lastIndex` entries that it held. */
  logAfter(server: number, term: number, kept: number, lastIndex: number, event: number, atUs: number): void {
    this.looked++;
    if (kept >= lastIndex) return;
    const which = kept + 1 === lastIndex ? `entry ${lastIndex}` : `entries ${kept + 1} to ${lastIndex}`;
    this.report({
      property: properties.leaderAppendOnly,
      sentence: `S${server}, leader of term ${term}, overwrote or dropped ${which} of its own log`,
      evidence: [evidence({ event, atUs }, server, `S${server}, leader of term ${term}, no longer has ${which} as before`)],
      server,
    });
  }
}
