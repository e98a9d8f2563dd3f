import { sameCommand, showCommand } from "../cluster/service-log.ts";
import type { Commit } from "./committed-log.ts";
import { evidence, type Moment, type Report } from "./finding.ts";
import { properties } from "./properties.ts";

interface Applied extends Moment {
  readonly command: unknown;
  readonly server: number;
}

/** No two servers apply different commands at one index, nor commit different entries there. */
export class StateMachineSafety {
  looked = 0;
  private readonly applied: (Applied | undefined)[] = [];
  private readonly report: Report;

  constructor(report: Report) {
    this.report = report;
  }

  /** The service of `server` has been given the command. */
  applies(server: number, index: number, command: unknown, event: number, atUs: number): void {
    this.looked++;
    const former = this.applied[index];
    if (former === undefined) {
      this.applied[index] = { command, server, event, atUs };
      return;
    }
    if (former.command === command || sameCommand(former.command, command)) return;
    const [theirs, mine] = [showCommand(former.command), showCommand(command)];
    this.report({
      property: properties.stateMachineSafety,
      sentence: `S${former.server} applied ${theirs} at index ${index}, S${server} applied ${mine} there`,
      evidence: [
        evidence(former, former.server, `S${former.server} applied ${theirs} at index ${index}`),
        evidence({ event, atUs }, server, `S${server} applied ${mine} at index ${index}`),
      ],
      server,
    });
  }

  /** By inspect(), `server` has committed an entry of `term` at an index at which `commit` had one of `committedTerm`. */
  commits(server: number, index: number, term: number, committedTerm: number, commit: Commit, event: number, atUs: number): void {
    this.looked++;
    if (term === committedTerm) return;
    this.report({
      property: properties.stateMachineSafety,
      sentence: `S${commit.server} committed entry ${index} of term ${committedTerm}, S${server} committed one of term ${term} there`,
      evidence: [
        evidence(commit, commit.server, `S${commit.server} committed entry ${index} of term ${committedTerm}`),
        evidence({ event, atUs }, server, `S${server} committed entry ${index} of term ${term}`),
      ],
      server,
    });
  }
}
