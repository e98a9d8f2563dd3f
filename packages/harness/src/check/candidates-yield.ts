import type { PaperCall } from "./figure2.ts";
import { evidence, type Report } from "./finding.ts";
import { properties } from "./properties.ts";

/** A candidate that hears of the leader of its own term becomes a follower. */
export class CandidatesYield {
  /** Answers to AppendEntries of the server's own term; the caller counts them. */
  looked = 0;
  private readonly report: Report;

  constructor(report: Report) {
    this.report = report;
  }

  /** `server` has answered AppendEntries of its own term, and is a candidate when that event is over. */
  answered(server: number, call: PaperCall, event: number, atUs: number): void {
    this.report({
      property: properties.candidatesYield,
      sentence: `S${server} is still a candidate in term ${call.term}, though S${call.from}, the leader of that term, has sent it AppendEntries`,
      evidence: [
        evidence({ event: call.sentEvent, atUs: call.sentUs }, call.from, `S${call.from} sent AppendEntries in term ${call.term}`),
        evidence({ event, atUs }, server, `S${server} answered it in term ${call.term}, and is still a candidate`),
      ],
      server,
    });
  }
}
