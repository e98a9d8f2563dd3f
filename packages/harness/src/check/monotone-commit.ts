import type { RaftView } from "@raft-stress/raft/api";
import { evidence, type Report } from "./finding.ts";
import { properties } from "./properties.ts";
import type { ServerRecord } from "./server-record.ts";

/** In one life of a server commitIndex and lastApplied never go back, and nothing is committed that the log does not hold, nothing applied that is not committed. */
export class MonotoneCommit {
  looked = 0;
  private readonly report: Report;

  constructor(report: Report) {
    this.report = report;
  }

  /** `former`: the server one event earlier. */
  shows(former: ServerRecord, view: RaftView, event: number, atUs: number): void {
    this.looked++;
    const { commitIndex, lastApplied, lastIndex, firstIndex } = view;
    if (commitIndex < former.commitIndex)
      this.wrong(former, `commitIndex went back from ${former.commitIndex} to ${commitIndex}`, event, atUs);
    else if (lastApplied < former.lastApplied)
      this.wrong(former, `lastApplied went back from ${former.lastApplied} to ${lastApplied}`, event, atUs);
    else if (commitIndex > lastIndex) this.wrong(former, `commitIndex is ${commitIndex}, but the log ends at ${lastIndex}`, event, atUs);
    // What a snapshot holds is committed, whatever commitIndex says right after a restart.
    else if (lastApplied > commitIndex && lastApplied >= firstIndex)
      this.wrong(former, `lastApplied is ${lastApplied}, but commitIndex ${commitIndex}`, event, atUs);
  }

  private wrong({ server }: ServerRecord, what: string, event: number, atUs: number): void {
    this.report({
      property: properties.monotoneCommit,
      sentence: `S${server}: ${what}`,
      evidence: [evidence({ event, atUs }, server, `S${server}'s ${what}`)],
      server,
    });
  }
}
