import type { PaperCall } from "./figure2.ts";
import { evidence, type Report } from "./finding.ts";
import { properties } from "./properties.ts";
import type { ServerRecord } from "./server-record.ts";

/** A server votes only for candidates whose logs are at least as up-to-date as its own; and candidates say truly how theirs ends. */
export class ElectionRestriction {
  looked = 0;
  private readonly report: Report;

  constructor(report: Report) {
    this.report = report;
  }

  granted(voter: ServerRecord, call: PaperCall, event: number, atUs: number): void {
    this.looked++;
    const candidate = call.from;
    const lastTerm = voter.lastTerm;
    // A handler that takes its time may have decided on an older log than the present one: both must be newer than the candidate's.
    if (!isNewer(lastTerm, voter.lastIndex, call) || !isNewer(call.lastTermAtArrival, call.lastIndexAtArrival, call)) return;
    this.report({
      property: properties.electionRestriction,
      sentence: `S${voter.server} granted its vote in term ${call.term} to S${candidate}, whose log is older: its last entry is ${call.index} of term ${call.logTerm}, the voter's is ${voter.lastIndex} of term ${lastTerm}`,
      evidence: [
        evidence(
          { event: call.sentEvent, atUs: call.sentUs },
          candidate,
          `S${candidate} asked for votes in term ${call.term} with lastLogIndex ${call.index}, lastLogTerm ${call.logTerm}`,
        ),
        evidence(
          { event, atUs },
          voter.server,
          `S${voter.server} granted its vote; its own log ends with index ${voter.lastIndex} of term ${lastTerm}`,
        ),
      ],
      server: voter.server,
    });
  }

  /** A candidate's view at the end of the event in which it asked. */
  asked(candidate: ServerRecord, call: PaperCall, event: number, atUs: number): void {
    this.looked++;
    const lastTerm = candidate.lastTerm;
    if (call.index === candidate.lastIndex && call.logTerm === lastTerm) return;
    this.report({
      property: properties.electionRestriction,
      sentence: `S${candidate.server} asked for votes in term ${call.term} with lastLogIndex ${call.index} and lastLogTerm ${call.logTerm}, but its log ends with index ${candidate.lastIndex} of term ${lastTerm}`,
      evidence: [
        evidence(
          { event, atUs },
          candidate.server,
          `S${candidate.server} sent RequestVote with lastLogIndex ${call.index}, lastLogTerm ${call.logTerm}`,
        ),
      ],
      server: candidate.server,
    });
  }
}

/** §5.4.1: whether a log that ends with (`lastTerm`, `lastIndex`) is more up-to-date than the candidate's. */
function isNewer(lastTerm: number, lastIndex: number, call: PaperCall): boolean {
  return lastIndex >= 0 && (lastTerm > call.logTerm || (lastTerm === call.logTerm && lastIndex > call.index));
}
