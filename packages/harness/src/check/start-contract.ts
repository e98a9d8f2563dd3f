import { sameCommand, showCommand } from "../cluster/service-log.ts";
import type { AcceptedCommands } from "./accepted-commands.ts";
import { evidence, type Report } from "./finding.ts";
import { properties } from "./properties.ts";

/**
 * start() gives an index to one command only in a term, and the indices of a term rise. If an entry of that term is applied at that index, it is that command.
 */
export class StartContract {
  looked = 0;
  private readonly accepted: AcceptedCommands;
  /** Highest index that each server has given, and the term it was in. */
  private readonly highestIndex: number[];
  private readonly highestTerm: number[];
  private readonly report: Report;

  constructor(servers: number, accepted: AcceptedCommands, report: Report) {
    this.accepted = accepted;
    this.highestIndex = new Array<number>(servers).fill(0);
    this.highestTerm = new Array<number>(servers).fill(-1);
    this.report = report;
  }

  /** A leader takes a command; it is not among the accepted ones yet. */
  takes(server: number, index: number, term: number, event: number, atUs: number): void {
    this.looked++;
    if (this.highestTerm[server] === term && index <= this.highestIndex[server]!) this.reused(server, index, term, event, atUs);
    this.highestTerm[server] = term;
    this.highestIndex[server] = index;
  }

  /** `term`: of the applied entry, where it is known. */
  applied(server: number, index: number, term: number | undefined, command: unknown, event: number, atUs: number): void {
    const accepted = this.accepted.find(index, term);
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

  private reused(server: number, index: number, term: number, event: number, atUs: number): void {
    const former = this.accepted.find(index, term);
    const given =
      former === undefined
        ? []
        : [evidence(former, former.server, `S${former.server} gave index ${index} of term ${term} to ${showCommand(former.command)}`)];
    this.report({
      property: properties.startContract,
      sentence: `S${server} gave index ${index} in term ${term}, after it had given ${this.highestIndex[server]} in that term`,
      evidence: [...given, evidence({ event, atUs }, server, `S${server} took a command in start(): index ${index}, term ${term}`)],
      server,
    });
  }
}
