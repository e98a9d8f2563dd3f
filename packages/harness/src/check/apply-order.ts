import { evidence, type Report } from "./finding.ts";
import { properties } from "./properties.ts";

/** Before the first life of a server. */
const nothing = -2;
/** A later life begins without a snapshot. It delivers from the beginning again, or goes on where it was: the service, which remembers, looks after gaps. */
const unknown = -1;

/** Each life of a server hands every index to its service once, in order; only a snapshot goes on over a gap, and never back. */
export class ApplyOrder {
  looked = 0;
  // The latest delivery to each service, or what is known before it.
  private readonly lastIndex: number[];
  private readonly lastEvent: number[];
  private readonly lastUs: number[];
  private readonly report: Report;

  constructor(servers: number, report: Report) {
    this.lastIndex = new Array<number>(servers).fill(nothing);
    this.lastEvent = new Array<number>(servers).fill(0);
    this.lastUs = new Array<number>(servers).fill(0);
    this.report = report;
  }

  /** `snapshotIndex`: what the service begins with; 0 if it begins with nothing. In its first life it must begin at the beginning then. */
  booted(server: number, snapshotIndex: number, event: number, atUs: number): void {
    const isFirstLife = this.lastIndex[server] === nothing;
    this.note(server, snapshotIndex > 0 || isFirstLife ? snapshotIndex : unknown, event, atUs);
  }

  /** The service of `server` is given the command at `index`, or a snapshot up to there. */
  delivered(server: number, index: number, snapshot: boolean, event: number, atUs: number): void {
    this.looked++;
    const last = this.lastIndex[server]!;
    const right = last === unknown || (snapshot ? index >= last : index === last + 1);
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
