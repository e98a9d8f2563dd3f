import { evidence, type Report } from "./finding.ts";
import { properties } from "./properties.ts";

/** Each life of a server hands every index to its service once, in order; only a snapshot goes on over a gap, and never back. */
export class ApplyOrder {
  looked = 0;
  // The latest delivery to each service; index -1 before the first one.
  private readonly lastIndex: number[];
  private readonly lastEvent: number[];
  private readonly lastUs: number[];
  private readonly report: Report;

  constructor(servers: number, report: Report) {
    this.lastIndex = new Array<number>(servers).fill(-1);
    this.lastEvent = new Array<number>(servers).fill(0);
    this.lastUs = new Array<number>(servers).fill(0);
    this.report = report;
  }

  /** `snapshotIndex`: what the service begins with; 0 if it begins with nothing. */
  booted(server: number, snapshotIndex: number, event: number, atUs: number): void {
    this.note(server, snapshotIndex > 0 ? snapshotIndex : -1, event, atUs);
  }

  /** The service of `server` is given the command at `index`, or a snapshot up to there. */
  delivered(server: number, index: number, snapshot: boolean, event: number, atUs: number): void {
    this.looked++;
    const last = this.lastIndex[server]!;
    // A life without a snapshot may begin where it likes as far as this is concerned: the service looks after gaps.
    const right = last < 0 || (snapshot ? index >= last : index === last + 1);
    if (right) this.note(server, index, event, atUs);
    else this.wrong(server, index, snapshot, last, event, atUs);
  }

  private note(server: number, index: number, event: number, atUs: number): void {
    this.lastIndex[server] = index;
    this.lastEvent[server] = event;
    this.lastUs[server] = atUs;
  }

  private wrong(server: number, index: number, snapshot: boolean, last: number, event: number, atUs: number): void {
    const what = snapshot ? `a snapshot up to index ${index}` : `index ${index}`;
    const expected = snapshot ? `${last} or above` : `${last + 1}`;
    this.report({
      property: properties.applyOrder,
      sentence: `S${server} applied ${what} after index ${last}, expected ${expected}`,
      evidence: [
        evidence(
          { event: this.lastEvent[server]!, atUs: this.lastUs[server]! },
          server,
          `S${server}'s service had everything up to index ${last}`,
        ),
        evidence({ event, atUs }, server, `S${server} applied ${what}`),
      ],
      server,
    });
  }
}
