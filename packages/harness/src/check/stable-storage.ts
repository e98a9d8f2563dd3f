import type { RaftView } from "@raft-stress/raft/api";
import { evidence, type Moment, type Report } from "./finding.ts";
import type { Vote } from "./one-vote.ts";
import { properties } from "./properties.ts";
import { type ServerRecord, votedForOf } from "./server-record.ts";

/** A restarted server still knows what it had told others: its term, its vote, the entries that it had acknowledged. */
export class StableStorage {
  looked = 0;
  private readonly report: Report;

  constructor(report: Report) {
    this.report = report;
  }

  /** `record`: as it was when the former life ended. `vote`: whom it had voted for in the view's term, as far as it had told. `leader`: of the view's term, if there was one. */
  restarted(record: ServerRecord, view: RaftView, vote: Vote | undefined, leader: number | undefined, event: number, atUs: number): void {
    this.looked++;
    const { server } = record;
    const now = { event, atUs };
    if (view.currentTerm < record.toldTerm) {
      this.lost(server, `had told others that it was in term ${record.toldTerm}, and is in term ${view.currentTerm}`, [
        evidence({ event: record.toldTermEvent, atUs: record.toldTermUs }, server, `S${server} sent a message of term ${record.toldTerm}`),
        evidence(now, server, `S${server} restarted in term ${view.currentTerm}`),
      ]);
      return;
    }
    const known = votedForOf(view);
    // Some note the term's leader as their vote: it harms nobody, for the election is over.
    if (vote !== undefined && known !== vote.candidate && (known === undefined || known !== leader)) {
      const votedFor = known === undefined ? "no vote" : `a vote for S${known}`;
      this.lost(server, `had voted for S${vote.candidate} in term ${view.currentTerm}, and knows of ${votedFor}`, [
        evidence(vote, server, `S${server} voted for S${vote.candidate} in term ${view.currentTerm}`),
        evidence(now, server, `S${server} restarted in term ${view.currentTerm} with ${votedFor}`),
      ]);
      return;
    }
    // A death right after a save may have kept inspect() from showing what was saved, such as a later leader's entries in the place of acknowledged ones.
    if (!record.diedSaving) this.entries(record, view, now);
  }

  private entries(record: ServerRecord, view: RaftView, now: Moment): void {
    const { server, terms, acknowledgedIndex } = record;
    const first = Math.max(view.firstIndex, record.baseIndex + 1, record.knownFrom);
    for (let index = acknowledgedIndex; index >= first; index--) {
      const found = index > view.lastIndex ? undefined : view.termAt(index);
      if (found === terms[index]) continue;
      const has = found === undefined ? `its log ends at ${view.lastIndex}` : `it has one of term ${found} there`;
      this.lost(server, `had acknowledged entry ${index} of term ${terms[index]}, and ${has}`, [
        evidence(
          { event: record.acknowledgedEvent, atUs: record.acknowledgedUs },
          server,
          `S${server} acknowledged its log up to entry ${acknowledgedIndex}`,
        ),
        evidence(now, server, `S${server} restarted: ${has}`),
      ]);
      return;
    }
  }

  private lost(server: number, what: string, events: readonly ReturnType<typeof evidence>[]): void {
    this.report({
      property: properties.stableStorage,
      sentence: `S${server}, restarted, has forgotten: it ${what}`,
      evidence: events,
      server,
    });
  }
}
