import { evidence, type Moment, type Report } from "./finding.ts";
import { properties } from "./properties.ts";

interface Delivery extends Moment {
  readonly index: number;
}

/** Each life of a server hands every index to its service once, in order; only a snapshot goes on over a gap, and never back. */
export class ApplyOrder {
  looked = 0;
  private readonly last: (Delivery | undefined)[];
  private readonly report: Report;

  constructor(servers: number, report: Report) {
    this.last = new Array<Delivery | undefined>(servers).fill(undefined);
    this.report = report;
  }

  /** `snapshotIndex`: what the service begins with; 0 if it begins with nothing. */
  booted(server: number, snapshotIndex: number, event: number, atUs: number): void {
    this.last[server] = snapshotIndex > 0 ? { index: snapshotIndex, event, atUs } : undefined;
  }

  /** The service of `server` is given the command at `index`, or a snapshot up to there. */
  delivered(server: number, index: number, snapshot: boolean, event: number, atUs: number): void {
    this.looked++;
    const last = this.last[server];
    // A life without a snapshot may begin where it likes as far as this is concerned: the service looks after gaps.
    const right = last === undefined || (snapshot ? index >= last.index : index === last.index + 1);
    if (right) {
      this.last[server] = { index, event, atUs };
      return;
    }
    const what = snapshot ? `a snapshot up to index ${index}` : `index ${index}`;
    const expected = snapshot ? `${last.index} or above` : `${last.index + 1}`;
    this.report({
      property: properties.applyOrder,
      sentence: `S${server} applied ${what} after index ${last.index}, expected ${expected}`,
      evidence: [
        evidence(last, server, `S${server}'s service had everything up to index ${last.index}`),
        evidence({ event, atUs }, server, `S${server} applied ${what}`),
      ],
      server,
    });
  }
}
