import { type PaperCall, rpcKinds } from "./figure2.ts";
import { evidence, type Report } from "./finding.ts";
import { properties } from "./properties.ts";

/** A request of an older term than the receiver's is refused. */
export class StaleRequests {
  /** Requests that were granted, or answered with success; the caller counts them. */
  looked = 0;
  private readonly report: Report;

  constructor(report: Report) {
    this.report = report;
  }

  /** The server, in a later term than the request's, has granted a vote, or said success, to `call`. */
  accepted(server: number, call: PaperCall, event: number, atUs: number): void {
    const sender = call.from;
    const what = call.kind === rpcKinds.requestVote ? "granted its vote to" : "answered with success the entries of";
    this.report({
      property: properties.staleRequests,
      sentence: `S${server}, in term ${call.termAtArrival}, ${what} S${sender}, who had asked in term ${call.term}`,
      evidence: [
        evidence({ event: call.sentEvent, atUs: call.sentUs }, sender, `S${sender} sent the request in term ${call.term}`),
        evidence({ event, atUs }, server, `S${server}, in term ${call.termAtArrival}, ${what} S${sender}`),
      ],
      server,
    });
  }
}
