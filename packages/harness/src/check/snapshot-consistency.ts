import { Buffer } from "node:buffer";
import type { CommittedLog } from "./committed-log.ts";
import type { PaperCall } from "./figure2.ts";
import { evidence, type Moment, type Report } from "./finding.ts";
import { properties } from "./properties.ts";
import type { ServerRecord } from "./server-record.ts";
import type { DiskOf } from "./write-ahead.ts";

interface Taken extends Moment {
  readonly server: number;
  readonly bytes: Uint8Array;
}

/**
 * A snapshot stands for a committed prefix of the log: it names the right term for its last entry, reaches no further than what is committed, is delivered as it was taken, and
 * is on disk before the entries that it holds are gone.
 */
export class SnapshotConsistency {
  looked = 0;
  /** By index; services are deterministic: all servers' snapshots of one index are equal. */
  private readonly taken: (Taken | undefined)[] = [];
  private readonly diskOf: DiskOf;
  private readonly report: Report;

  constructor(diskOf: DiskOf, report: Report) {
    this.diskOf = diskOf;
    this.report = report;
  }

  /** The service of `server` hands over its snapshot up to `index`. */
  took(server: number, index: number, bytes: Uint8Array, event: number, atUs: number): void {
    this.taken[index] ??= { server, bytes: bytes.slice(), event, atUs };
  }

  delivered(server: number, index: number, bytes: Uint8Array, event: number, atUs: number): void {
    this.looked++;
    const taken = this.taken[index];
    if (taken !== undefined && Buffer.compare(taken.bytes, bytes) === 0) return;
    const seen = evidence({ event, atUs }, server, `S${server} applied a snapshot of ${bytes.length} bytes up to index ${index}`);
    if (taken === undefined) this.wrong(server, `applied a snapshot up to index ${index}, which no service has taken`, [seen]);
    else {
      const origin = evidence(
        taken,
        taken.server,
        `the service of S${taken.server} took a snapshot of ${taken.bytes.length} bytes up to index ${index}`,
      );
      this.wrong(server, `applied a snapshot up to index ${index} that is not the one that was taken`, [origin, seen]);
    }
  }

  /** The service of `server` is given a snapshot with `term` as that of its last entry. */
  deliveredAs(server: number, index: number, term: unknown, committed: CommittedLog, event: number, atUs: number): void {
    const known = committed.termAt(index);
    if (known === undefined) return;
    this.looked++;
    if (known === term) return;
    const seen = evidence({ event, atUs }, server, `S${server} applied a snapshot up to index ${index}, term ${String(term)}`);
    const what = `applied a snapshot up to index ${index} as of term ${String(term)}; the committed entry there is of term ${known}`;
    this.wrong(server, what, [committedAt(index, committed), seen]);
  }

  /** `whole`: whether `committed` is all that is committed, because all servers show it. */
  sent(leader: number, call: PaperCall, committed: CommittedLog, whole: boolean, event: number, atUs: number): void {
    const { index, logTerm } = call;
    const term = committed.termAt(index);
    if (term === undefined && !whole) return;
    this.looked++;
    const what = `sent InstallSnapshot with lastIncludedIndex ${index}, lastIncludedTerm ${logTerm}`;
    const seen = evidence({ event, atUs }, leader, `S${leader} ${what}`);
    if (term === undefined) this.wrong(leader, `${what}, but only ${committed.lastIndex} entries are committed`, [seen]);
    else if (term !== logTerm)
      this.wrong(leader, `${what}; the committed entry there is of term ${term}`, [committedAt(index, committed), seen]);
  }

  /** The log of `server` now begins after `index`, whose term it gives as `term`. */
  compacted(server: number, index: number, term: number, committed: CommittedLog, event: number, atUs: number): void {
    this.looked++;
    const known = committed.termAt(index);
    if (known === undefined || known === term) return;
    const what = `gives the entry ${index} under its snapshot term ${term}; it was committed with term ${known}`;
    this.wrong(server, what, [committedAt(index, committed), evidence({ event, atUs }, server, `S${server} ${what}`)]);
  }

  /**
   * Something was saved: entries up to the log's base are on disk as a snapshot or not at all. Unless the log on disk begins before the one in memory: who trims its log first and saves the
   * snapshot later keeps on disk what belongs to the former one.
   */
  saved({ server, baseIndex, diskSnapshotIndex }: ServerRecord, event: number, atUs: number): void {
    this.looked++;
    if (baseIndex <= diskSnapshotIndex) return;
    const disk = this.diskOf(server);
    if (disk?.whole && disk.baseIndex <= diskSnapshotIndex) return;
    const has = diskSnapshotIndex === 0 ? "there is no snapshot on its disk" : `the snapshot on its disk ends at ${diskSnapshotIndex}`;
    this.wrong(server, `saved a log that begins after index ${baseIndex}, but ${has}`, [
      evidence({ event, atUs }, server, `S${server} saved its log from index ${baseIndex + 1} on; ${has}`),
    ]);
  }

  private wrong(server: number, what: string, events: readonly ReturnType<typeof evidence>[]): void {
    this.report({ property: properties.snapshotConsistency, sentence: `S${server} ${what}`, evidence: events, server });
  }
}

function committedAt(index: number, committed: CommittedLog) {
  const commit = committed.commitOf(index);
  return evidence(commit, commit.server, `S${commit.server} committed entry ${index} of term ${committed.termAt(index)}`);
}
