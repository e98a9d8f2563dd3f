import type { Commit } from "./committed-log.ts";
import { evidence, type Report } from "./finding.ts";
import { properties } from "./properties.ts";
import type { ServerRecord } from "./server-record.ts";

/** What is committed is on the disks of a majority, from the event that commits it on. */
export class DurableQuorum {
  looked = 0;
  private readonly report: Report;

  constructor(report: Report) {
    this.report = report;
  }

  /** `by` has committed the entry, which nobody had before it. */
  committed(by: ServerRecord, index: number, term: number, servers: readonly ServerRecord[], event: number, atUs: number): void {
    this.looked++;
    if (isOnMajority(index, term, servers)) return;
    const holders = holdersOf(index, term, servers);
    const role = by.role === "leader" ? `leader of term ${by.currentTerm}` : `a ${by.role} of term ${by.currentTerm}`;
    this.report({
      property: properties.durableQuorum,
      sentence: `S${by.server}, ${role}, committed entry ${index} of term ${term}, which is on ${holders.length} of ${servers.length} disks`,
      evidence: [evidence({ event, atUs }, by.server, `S${by.server} raised commitIndex to ${index}; the entry is on ${who(holders)}`)],
      server: by.server,
    });
  }

  /** `server` has dropped a committed entry from its disk. */
  dropped(
    server: number,
    index: number,
    term: number,
    commit: Commit,
    servers: readonly ServerRecord[],
    event: number,
    atUs: number,
  ): void {
    this.looked++;
    if (isOnMajority(index, term, servers)) return;
    const holders = holdersOf(index, term, servers);
    this.report({
      property: properties.durableQuorum,
      sentence: `S${server} dropped entry ${index} of term ${term}, which is committed; now it is on ${holders.length} of ${servers.length} disks`,
      evidence: [
        evidence(commit, commit.server, `S${commit.server} committed entry ${index} of term ${term}`),
        evidence({ event, atUs }, server, `S${server} saved a log without it; it is left on ${who(holders)}`),
      ],
      server,
    });
  }
}

function isOnMajority(index: number, term: number, servers: readonly ServerRecord[]): boolean {
  let holders = 0;
  for (const server of servers) if (server.holdsOnDisk(index, term)) holders++;
  return 2 * holders > servers.length;
}

function holdersOf(index: number, term: number, servers: readonly ServerRecord[]): readonly ServerRecord[] {
  return servers.filter((server) => server.holdsOnDisk(index, term));
}

function who(holders: readonly ServerRecord[]): string {
  return holders.length === 0 ? "no disk" : `the disk of ${holders.map(({ server }) => `S${server}`).join(", ")}`;
}
