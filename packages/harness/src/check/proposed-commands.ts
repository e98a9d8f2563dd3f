import { showCommand } from "../cluster/service-log.ts";
import type { AcceptedCommands } from "./accepted-commands.ts";
import { evidence, type Report } from "./finding.ts";
import { properties } from "./properties.ts";

/** What is applied at an index is a command that some leader has taken in start(), at that index. */
export class ProposedCommands {
  looked = 0;
  private readonly accepted: AcceptedCommands;
  private readonly report: Report;

  constructor(accepted: AcceptedCommands, report: Report) {
    this.accepted = accepted;
    this.report = report;
  }

  applied(server: number, index: number, command: unknown, event: number, atUs: number): void {
    this.looked++;
    if (this.accepted.has(index, command)) return;
    const shown = showCommand(command);
    this.report({
      property: properties.proposedCommands,
      sentence: `S${server} applied ${shown} at index ${index}, where no leader was given that command`,
      evidence: [evidence({ event, atUs }, server, `S${server} applied ${shown} at index ${index}`)],
      server,
    });
  }
}
