import type { Commit } from "./committed-log.ts";
import { evidence, type Report } from "./finding.ts";
import { properties } from "./properties.ts";
import type { ServerRecord } from "./server-record.ts";
import { type DiskOf, isOn } from "./write-ahead.ts";

/**
 * What is committed is on the disks of a majority, from the event that commits it on. What a disk holds is taken from what its server showed when it had saved; before a violation is
 * told, the disks themselves are asked: a server may save first and show its log events later.
 */
export class DurableQuorum {
  looked = 0;
  private readonly diskOf: DiskOf;
  private readonly report: Report;

  constructor(diskOf: DiskOf, report: Report) {
    this.diskOf = diskOf;
    this.report = report;
  }

  /** `by` has committed the entry, which nobody had before it. */
  committed(by: ServerRecord, index: number, term: number, servers: readonly ServerRecord[], event: number, atUs: number): void {
    this.looked++;
    if (isOnMajority(index, term, servers)) return;
    const holders = this.holders(index, term, servers);
    if (2 * holders.length > servers.length) return;
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
    const holders = this.holders(index, term, servers);
    if (2 * holders.length > servers.length) return;
    this.report({
      property: properties.durableQuorum,
      sentence: `S${server} dropped entry ${index} of term ${term}, which is committed; now it is on ${holders.length} of ${servers.length} disks`,
      evidence: [
        evidence(commit, commit.server, `S${commit.server} committed entry ${index} of term ${term}`),
        evidence({ event, atUs }, server, `S${server} has saved, or read at its restart, a log without it; it is left on ${who(holders)}`),
      ],
      server,
    });
  }

  private holders(index: number, term: number, servers: readonly ServerRecord[]): readonly ServerRecord[] {
    return servers.filter((server) => {
      if (server.holdsOnDisk(index, term)) return true;
      const disk = this.diskOf(server.server);
      return disk !== undefined && isOn(disk, index, term);
    });
  }
}

function isOnMajority(index: number, term: number, servers: readonly ServerRecord[]): boolean {
  let holders = 0;
  for (const server of servers) if (server.holdsOnDisk(index, term)) holders++;
  return 2 * holders > servers.length;
}

function who(holders: readonly ServerRecord[]): string {
  return holders.length === 0 ? "no disk" : `the disk of ${holders.map(({ server }) => `S${server}`).join(", ")}`;
}
