import { listOf } from "../list-of.ts";
import type { PaperCall } from "./figure2.ts";
import { evidence, type Finding, type Moment, type Report } from "./finding.ts";
import type { EntryRecord } from "./log-matching.ts";
import { properties } from "./properties.ts";
import type { ServerRecord } from "./server-record.ts";

/** What a disk holds, as a restart would find it. */
export interface DiskContents {
  readonly currentTerm: number;
  /** Undefined also when the implementation has no inspect(). */
  readonly votedFor: number | undefined;
  /** Whether votedFor and the log below are known: by inspect(). */
  readonly whole: boolean;
  readonly baseIndex: number;
  readonly lastIndex: number;
  termAt(index: number): number;
}

/** What a restart of a server would find now; undefined if that can't be told. */
export type DiskOf = (server: number) => DiskContents | undefined;

/** A server told a term without a save that could have held it. */
interface Suspicion {
  readonly server: number;
  readonly term: number;
  /** How often it had saved then. */
  readonly saves: number;
  readonly finding: Finding;
}

/** The requests for votes of one term that have reached a server: how often it had saved when each candidate first asked. */
interface Asked {
  term: number;
  readonly saves: number[];
}

/**
 * Nothing may be told that a crash would make forgotten: a vote, an acknowledgement and a new term leave a server only after a save. Two ways of seeing it: a message left
 * with no save at all since it could have been decided; and, now and then, a look at what a restart would find on the disk.
 */
export class WriteAhead {
  looked = 0;
  private readonly report: Report;
  private readonly servers: number;
  private readonly asked: Asked[];
  /** How often each server had saved when it first was sent an entry, -1 where it never was: as many numbers as there are servers for each entry, from its `arrivals` on. */
  private readonly arrivals: number[] = [];
  /** Of the event under way. */
  private suspicion: Suspicion | undefined = undefined;
  /** Whether `settle` has something to settle. */
  isSuspicious = false;

  constructor(servers: number, report: Report) {
    this.servers = servers;
    this.report = report;
    this.asked = listOf(servers, () => ({ term: -1, saves: [] }));
  }

  /** A request for a vote has reached `voter`. */
  voteAsked(voter: ServerRecord, candidate: number, term: number): void {
    const asked = this.asked[voter.server]!;
    // Requests of older terms come too late for a vote.
    if (term < asked.term) return;
    if (term > asked.term) {
      asked.term = term;
      asked.saves.length = 0;
    }
    asked.saves[candidate] ??= voter.saves;
  }

  /** The first grant of a vote leaves `voter`. */
  voteGranted(voter: ServerRecord, call: PaperCall, event: number, atUs: number): void {
    this.looked++;
    const candidate = call.from;
    const asked = this.asked[voter.server]!;
    if (asked.term !== call.term || asked.saves[candidate] !== voter.saves) return;
    this.report({
      property: properties.writeAhead,
      sentence: `S${voter.server} granted its vote to S${candidate} in term ${call.term} without having saved it: after a crash it could vote again in that term`,
      evidence: [
        evidence({ event: call.sentEvent, atUs: call.sentUs }, candidate, `S${candidate} asked for votes in term ${call.term}`),
        evidence({ event, atUs }, voter.server, `S${voter.server}'s reply left; nothing had been saved since the request came`),
      ],
      server: voter.server,
    });
  }

  /** The entries are new to `server`, or may be. */
  entriesCame({ server, saves }: ServerRecord, entries: readonly EntryRecord[]): void {
    const { arrivals } = this;
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]!;
      if (entry.arrivals < 0) this.firstArrival(entry);
      const at = entry.arrivals + server;
      if (arrivals[at]! < 0) arrivals[at] = saves;
    }
  }

  private firstArrival(entry: EntryRecord): void {
    const { arrivals, servers } = this;
    entry.arrivals = arrivals.length;
    for (let i = 0; i < servers; i++) arrivals.push(-1);
  }

  /** `server` acknowledges the entries of `call`. */
  entriesAcknowledged(server: ServerRecord, call: PaperCall, event: number, atUs: number): void {
    const leader = call.from;
    const index = call.index + call.count;
    const term = call.lastTerm;
    if (index <= server.commitIndex || index <= server.diskSnapshotIndex || server.holdsOnDisk(index, term)) return;
    this.looked++;
    const { arrivals } = call.entries[call.count - 1]!;
    if (arrivals < 0 || this.arrivals[arrivals + server.server] !== server.saves) return;
    this.report({
      property: properties.writeAhead,
      sentence: `S${server.server} acknowledged entry ${index} of term ${term} to S${leader} without having saved it: after a crash it would be lost`,
      evidence: [
        evidence({ event: call.sentEvent, atUs: call.sentUs }, leader, `S${leader} sent entries up to index ${index} in term ${call.term}`),
        evidence({ event, atUs }, server.server, `S${server.server}'s reply left; nothing had been saved since the entry came`),
      ],
      server: server.server,
    });
  }

  /** A message of `term` leaves `server`, whose inspect() shows its term. Returns whether the term could have been saved. */
  couldHaveSaved(server: ServerRecord, term: number): boolean {
    this.looked++;
    const { currentTerm } = server;
    return term < currentTerm || server.saves > (term > currentTerm ? server.savesAtQuiet : server.savesBeforeTerm);
  }

  /** It could not. `what`: `RequestVote`, `a reply`. */
  suspect(server: ServerRecord, term: number, what: string, event: number, atUs: number): void {
    if (this.suspicion !== undefined) return;
    const finding: Finding = {
      property: properties.writeAhead,
      sentence: `S${server.server} sent ${what} of term ${term} without having saved that term: after a crash it would be in an older one`,
      evidence: [
        evidence({ event, atUs }, server.server, `${what} left; nothing had been saved since S${server.server} came to term ${term}`),
      ],
      server: server.server,
    };
    this.suspicion = { server: server.server, term, saves: server.saves, finding };
    this.isSuspicious = true;
  }

  /**
   * The event of `server` is over. A server that saves first and shows its term events later, when its disk is done, has saved all the same: what is on the disk that the message left behind
   * has the last word.
   */
  settle({ server, saves }: ServerRecord, diskOf: DiskOf): void {
    const { suspicion } = this;
    if (suspicion === undefined) return;
    this.suspicion = undefined;
    this.isSuspicious = false;
    const disk = suspicion.server === server && suspicion.saves === saves ? diskOf(server) : undefined;
    if (disk === undefined || disk.currentTerm < suspicion.term) this.report(suspicion.finding);
  }

  /** The disk was looked at after `server` had voted. */
  voteOnDisk(server: number, term: number, candidate: number, disk: DiskContents, moment: Moment): void {
    this.looked++;
    if (disk.currentTerm > term || (disk.currentTerm === term && (!disk.whole || disk.votedFor === candidate))) return;
    const whom = candidate === server ? "for itself" : `for S${candidate}`;
    const has = disk.currentTerm < term ? `term ${disk.currentTerm}` : `term ${term} and ${voteShown(disk.votedFor)}`;
    this.report({
      property: properties.writeAhead,
      sentence: `S${server} voted ${whom} in term ${term}, but after a restart it would not know: its disk holds ${has}`,
      evidence: [{ ...evidence(moment, server, `S${server} voted ${whom} in term ${term}`), disk: showDisk(disk) }],
      server,
    });
  }

  /** The disk was looked at after `server` had acknowledged the entry. */
  entryOnDisk(server: number, index: number, term: number, disk: DiskContents, moment: Moment): void {
    if (!disk.whole) return;
    this.looked++;
    if (isOn(disk, index, term)) return;
    this.report({
      property: properties.writeAhead,
      sentence: `S${server} acknowledged entry ${index} of term ${term}, but after a restart it would not have it: ${showDisk(disk)}`,
      evidence: [{ ...evidence(moment, server, `S${server} acknowledged entry ${index} of term ${term}`), disk: showDisk(disk) }],
      server,
    });
  }
}

/** Whether the disk is known to hold this very entry, or a snapshot of it. */
export function isOn(disk: DiskContents, index: number, term: number): boolean {
  return disk.whole && (index <= disk.baseIndex || (index <= disk.lastIndex && disk.termAt(index) === term));
}

function voteShown(votedFor: number | undefined): string {
  return votedFor === undefined ? "no vote" : `a vote for S${votedFor}`;
}

/** What is on a disk, in a line. */
export function showDisk(disk: DiskContents): string {
  if (!disk.whole) return `term ${disk.currentTerm}`;
  const { baseIndex, lastIndex } = disk;
  const snapshot = baseIndex > 0 ? `, snapshot up to ${baseIndex}` : "";
  const log = lastIndex > baseIndex ? `log ${baseIndex + 1}..${lastIndex}, the last of term ${disk.termAt(lastIndex)}` : "no log";
  return `term ${disk.currentTerm}, ${voteShown(disk.votedFor)}${snapshot}, ${log}`;
}
