import { showCommand } from "../cluster/service-log.ts";
import { copiedDigest, copyOverWire } from "../net/wire.ts";
import { evidence, type Report } from "./finding.ts";
import { properties } from "./properties.ts";

/** Only commands that some leader has taken in start() are applied. */
export class ProposedCommands {
  looked = 0;
  private readonly plain = new Set<unknown>();
  /** Of commands that are objects. */
  private readonly digests = new Set<number>();
  private readonly report: Report;

  constructor(report: Report) {
    this.report = report;
  }

  proposed(command: unknown): void {
    if (typeof command === "object" && command !== null) this.digests.add(digestOf(command));
    else this.plain.add(command);
  }

  applied(server: number, index: number, command: unknown, event: number, atUs: number): void {
    this.looked++;
    const known = typeof command === "object" && command !== null ? this.digests.has(digestOf(command)) : this.plain.has(command);
    if (known) return;
    this.report({
      property: properties.proposedCommands,
      sentence: `S${server} applied ${showCommand(command)} at index ${index}, which no leader was given`,
      evidence: [evidence({ event, atUs }, server, `S${server} applied ${showCommand(command)} at index ${index}`)],
      server,
    });
  }
}

function digestOf(command: object): number {
  copyOverWire(command);
  return copiedDigest();
}
