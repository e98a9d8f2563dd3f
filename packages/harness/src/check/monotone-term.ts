import { evidence, type Report } from "./finding.ts";
import { properties } from "./properties.ts";

/** A server's term never goes back. Across a restart only that counts which it had told somebody: see `stable-storage`. */
export class MonotoneTerm {
  looked = 0;
  private readonly report: Report;

  constructor(report: Report) {
    this.report = report;
  }

  /** `former`: the highest term known of the server in this life; `term`: what it says now. */
  shows(server: number, former: number, term: number, how: string, event: number, atUs: number): void {
    this.looked++;
    if (term >= former) return;
    this.report({
      property: properties.monotoneTerm,
      sentence: `S${server} went back from term ${former} to term ${term}`,
      evidence: [evidence({ event, atUs }, server, `S${server} is in term ${term} (${how}); it was in term ${former}`)],
      server,
    });
  }
}
