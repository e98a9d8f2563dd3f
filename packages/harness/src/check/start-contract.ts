import { sameCommand, showCommand } from "../cluster/service-log.ts";
import { evidence, type Moment, type Report } from "./finding.ts";
import { properties } from "./properties.ts";

interface Accepted extends Moment {
  readonly term: number;
  readonly server: number;
  readonly command: unknown;
  /** The one accepted before it at this index, in another term. */
  readonly former: Accepted | undefined;
}

/**
 * start() gives an index to one command only in a term, and the indices of a term rise. If an entry of that term is applied at that index, it is that command.
 */
export class StartContract {
  looked = 0;
  private readonly byIndex: (Accepted | undefined)[] = [];
  private readonly highest: { term: number; index: number }[] = [];
  private readonly report: Report;

  constructor(report: Report) {
    this.report = report;
  }

  accepted(server: number, index: number, term: number, command: unknown, event: number, atUs: number): void {
    this.looked++;
    const highest = this.highest[server];
    if (highest !== undefined && highest.term === term && index <= highest.index)
      this.reused(server, index, term, highest.index, event, atUs);
    this.highest[server] = { term, index };
    this.byIndex[index] = { term, server, command, event, atUs, former: this.byIndex[index] };
  }

  /** `term`: of the applied entry, where it is known. */
  applied(server: number, index: number, term: number | undefined, command: unknown, event: number, atUs: number): void {
    let accepted = this.byIndex[index];
    while (accepted !== undefined && accepted.term !== term) accepted = accepted.former;
    if (accepted === undefined) return;
    this.looked++;
    if (accepted.command === command || sameCommand(accepted.command, command)) return;
    const [proposed, applied] = [showCommand(accepted.command), showCommand(command)];
    this.report({
      property: properties.startContract,
      sentence: `S${accepted.server} took ${proposed} at index ${index} in term ${term}, but S${server} applied ${applied} as that entry`,
      evidence: [
        evidence(accepted, accepted.server, `S${accepted.server} took ${proposed} in start(): index ${index}, term ${term}`),
        evidence({ event, atUs }, server, `S${server} applied ${applied} at index ${index}, its entry of term ${term}`),
      ],
      server,
    });
  }

  private reused(server: number, index: number, term: number, highest: number, event: number, atUs: number): void {
    const former = this.byIndex[index];
    const given =
      former?.term === term
        ? [evidence(former, former.server, `S${former.server} gave index ${index} of term ${term} to ${showCommand(former.command)}`)]
        : [];
    this.report({
      property: properties.startContract,
      sentence: `S${server} gave index ${index} in term ${term}, after it had given ${highest} in that term`,
      evidence: [...given, evidence({ event, atUs }, server, `S${server} took a command in start(): index ${index}, term ${term}`)],
      server,
    });
  }
}
