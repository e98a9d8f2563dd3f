import { evidence, type Report } from "./finding.ts";
import type { EntryRecord } from "./log-matching.ts";
import { properties } from "./properties.ts";

/** Entries of a term are made by the leader of that term alone: nobody else can be the first to have one. */
export class EntryOrigin {
  looked = 0;
  private readonly report: Report;

  constructor(report: Report) {
    this.report = report;
  }

  /** An entry was seen for the first time anywhere. `leader`: of its term, as far as anybody was seen to lead it. */
  appeared(entry: EntryRecord, leader: number | undefined): void {
    this.looked++;
    const { server, index, term } = entry;
    if (leader === server) return;
    const who = leader === undefined ? "which nobody leads" : `whose leader S${leader} never had that entry`;
    this.report({
      property: properties.entryOrigin,
      sentence: `S${server} has an entry ${index} of term ${term}, ${who}`,
      evidence: [evidence(entry, server, `S${server} ${entry.sign}: entry ${index} of term ${term}`)],
      server,
    });
  }
}
