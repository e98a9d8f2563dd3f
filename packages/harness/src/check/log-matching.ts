import { sameCommand, showCommand } from "../cluster/service-log.ts";
import { evidence, type Moment, type Report } from "./finding.ts";
import { properties } from "./properties.ts";

/** How an entry was seen. */
export type EntrySign = "was given the command in start()" | "sent it in AppendEntries" | "holds it in its log (inspect())";

/** Who showed something first, when and how. */
interface Sighting extends Moment {
  readonly server: number;
  readonly sign: EntrySign;
}

/** An entry that has existed somewhere: index and term name it. It is the sighting of the entry itself. */
export interface EntryRecord extends Sighting {
  readonly index: number;
  readonly term: number;
  /** Term of the entry before it; -1 while unknown. */
  prevTerm: number;
  /** Of the entry before it, if that was not seen together with this one. */
  prevSighting: Sighting | undefined;
  hasCommand: boolean;
  command: unknown;
  /** Of the command, if that was not seen together with the entry. */
  commandSighting: Sighting | undefined;
  /** Where WriteAhead keeps what it knows of its arrivals; -1: nothing. */
  arrivals: number;
  /** Another entry at the same index. */
  next: EntryRecord | undefined;
}

/**
 * If two logs hold an entry of the same index and term, they hold the same command there, and the logs are the same up to there. Held against every entry that ever
 * existed: an entry's index and term determine its command and the term before it; the rest follows by induction.
 */
export class LogMatching {
  looked = 0;
  private readonly report: Report;
  private readonly appeared: (entry: EntryRecord) => void;
  private readonly byIndex: (EntryRecord | undefined)[] = [];
  /** Highest term of an entry at each index: most that are new are of a higher one, and there can be hundreds. */
  private readonly highestTerms: number[] = [];

  /** `appeared`: told of each entry that was never seen before, unless by `mayHold`. */
  constructor(report: Report, appeared: (entry: EntryRecord) => void) {
    this.report = report;
    this.appeared = appeared;
  }

  private find(index: number, term: number): EntryRecord | undefined {
    const first = this.byIndex[index];
    return first === undefined || first.term === term ? first : this.findBehind(first, index, term);
  }

  /** Brings the entry to the front: who fights over an index fights over the latest terms. */
  private findBehind(first: EntryRecord, index: number, term: number): EntryRecord | undefined {
    if (term > this.highestTerms[index]!) return undefined;
    let before = first;
    let entry = first.next;
    while (entry !== undefined && entry.term !== term) {
      before = entry;
      entry = entry.next;
    }
    if (entry === undefined) return undefined;
    before.next = entry.next;
    entry.next = first;
    this.byIndex[index] = entry;
    return entry;
  }

  /**
   * An entry was seen. `prevTerm`: of the entry before it, -1 if not known. Returns its record. Its command, if it was seen too, is held against
   * the record by `commandSeen`.
   */
  entrySeen(server: number, index: number, term: number, prevTerm: number, sign: EntrySign, event: number, atUs: number): EntryRecord {
    this.looked++;
    const known = this.find(index, term);
    if (known === undefined) {
      const entry = this.add(server, index, term, prevTerm, sign, event, atUs);
      this.appeared(entry);
      return entry;
    }
    if (prevTerm < 0 || known.prevTerm === prevTerm) return known;
    if (known.prevTerm < 0) {
      known.prevTerm = prevTerm;
      known.prevSighting = { server, sign, event, atUs };
    } else this.mismatch(known, server, prevTerm, sign, { event, atUs });
    return known;
  }

  /** The term at `index` of a log that holds an entry of `lastTerm` at `lastIndex`; undefined where what was seen does not reach so far down. */
  termBelow(lastIndex: number, lastTerm: number, index: number): number | undefined {
    let term: number | undefined = lastTerm;
    for (let at = lastIndex; at > index; at--) {
      const prevTerm: number = this.find(at, term)?.prevTerm ?? -1;
      if (prevTerm < 0) return undefined;
      term = prevTerm;
    }
    return term;
  }

  /** A server that died may have had the entry: what it did last was seen by nobody, but it may have sent it. */
  mayHold(server: number, index: number, term: number, event: number, atUs: number): void {
    if (this.find(index, term) === undefined) this.add(server, index, term, -1, "holds it in its log (inspect())", event, atUs);
  }

  /** A command was seen in an entry. */
  commandSeen(entry: EntryRecord, server: number, command: unknown, sign: EntrySign, event: number, atUs: number): void {
    if (!entry.hasCommand) {
      entry.hasCommand = true;
      entry.command = command;
      const isSameSighting = entry.event === event && entry.server === server && entry.sign === sign;
      if (!isSameSighting) entry.commandSighting = { server, sign, event, atUs };
      return;
    }
    if (entry.command === command || sameCommand(entry.command, command)) return;
    const former = entry.commandSighting ?? entry;
    this.report({
      property: properties.logMatching,
      sentence: `entry ${entry.index} of term ${entry.term} holds ${showCommand(entry.command)} and ${showCommand(command)}`,
      evidence: [
        evidence(former, former.server, `S${former.server} ${former.sign}: ${showCommand(entry.command)}`),
        evidence({ event, atUs }, server, `S${server} ${sign}: ${showCommand(command)}`),
      ],
      server,
    });
  }

  private add(server: number, index: number, term: number, prevTerm: number, sign: EntrySign, event: number, atUs: number): EntryRecord {
    const entry: EntryRecord = {
      index,
      term,
      prevTerm,
      prevSighting: undefined,
      hasCommand: false,
      command: undefined,
      commandSighting: undefined,
      server,
      sign,
      event,
      atUs,
      arrivals: -1,
      next: this.byIndex[index],
    };
    this.byIndex[index] = entry;
    this.highestTerms[index] = Math.max(term, this.highestTerms[index] ?? 0);
    return entry;
  }

  private mismatch(known: EntryRecord, server: number, prevTerm: number, sign: EntrySign, moment: Moment): void {
    const { index, term } = known;
    const former = known.prevSighting ?? known;
    const before = (of: number) => (of === 0 ? "the beginning of the log" : `one of term ${of}`);
    this.report({
      property: properties.logMatching,
      sentence: `entry ${index} of term ${term} follows ${before(known.prevTerm)} at S${former.server}, and ${before(prevTerm)} at S${server}`,
      evidence: [
        evidence(former, former.server, `entry ${index} of term ${term} after ${before(known.prevTerm)} at S${former.server}`),
        evidence(moment, server, `S${server} ${sign}: entry ${index} of term ${term} after ${before(prevTerm)}`),
      ],
      server,
    });
  }
}
