import { evidence, type Report } from "./finding.ts";
import { properties } from "./properties.ts";

/** The terms of a log's entries never decrease, and none is above the term of the server that holds it. */
export class LogTerms {
  looked = 0;
  private readonly report: Report;

  constructor(report: Report) {
    this.report = report;
  }

  /** `prevTerm`: term of the entry before, -1 if unknown. `holderTerm`: of the server that holds or sends the entry. */
  entry(server: number, index: number, term: number, prevTerm: number, holderTerm: number, event: number, atUs: number): void {
    this.looked++;
    if (term >= prevTerm && term <= holderTerm) return;
    const problem =
      term < prevTerm
        ? `has entry ${index} of term ${term} after one of term ${prevTerm}`
        : `has entry ${index} of term ${term}, but is in term ${holderTerm}`;
    this.report({
      property: properties.logTerms,
      sentence: `S${server} ${problem}`,
      evidence: [evidence({ event, atUs }, server, `S${server} ${problem}`)],
      server,
    });
  }
}
