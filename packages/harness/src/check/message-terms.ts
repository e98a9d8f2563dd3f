import { evidence, type Report } from "./finding.ts";
import { properties } from "./properties.ts";

/** No message carries a higher term than its sender is in. */
export class MessageTerms {
  /** Events in which messages left; the caller counts them. */
  looked = 0;
  private readonly report: Report;

  constructor(report: Report) {
    this.report = report;
  }

  /** `highest`: the highest term of the messages that left during the event; `currentTerm`: the server's lower term at its end. */
  above(server: number, highest: number, currentTerm: number, event: number, atUs: number): void {
    this.report({
      property: properties.messageTerms,
      sentence: `S${server} sent a message of term ${highest}, but is in term ${currentTerm}`,
      evidence: [evidence({ event, atUs }, server, `S${server}, in term ${currentTerm}, sent a message of term ${highest}`)],
      server,
    });
  }
}
