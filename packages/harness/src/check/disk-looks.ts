import type { Simulation } from "../sim/simulation.ts";
import type { Checkers } from "./checkers.ts";
import { type DiskContents, showDisk } from "./write-ahead.ts";

/** What a restart of `server` would find on its disk now; undefined if that can't be told. To be asked when an event of the server's is over. */
export type ReadDisk = (server: number, drain: () => void) => DiskContents | undefined;

/** After which votes and which acknowledgements of a run the disk is looked at, counted from 0. */
export interface DiskLookPlan {
  votes(number: number): boolean;
  acknowledgements(number: number): boolean;
}

/**
 * A look boots a server, which costs as much as many events. So a run looks after one vote and one acknowledgement, chosen by its seed among the first of each: what is never saved is
 * found at once, and what is saved wrongly in some cases by the many runs of a campaign.
 */
export function sparsePlan(seedLow: number): DiskLookPlan {
  const vote = seedLow & 3;
  const acknowledgement = (seedLow >>> 2) & 7;
  return { votes: (number) => number === vote, acknowledgements: (number) => number === acknowledgement };
}

/** For checked mode: many looks, ever more rarely, so that long runs don't consist of them. */
export const densePlan: DiskLookPlan = {
  votes: (number) => number < 16 || (number < 256 && number % 16 === 0),
  acknowledgements: (number) => number < 8 || (number & (number - 1)) === 0,
};

/** Looks, now and then, at what a restart would find on a disk right after the server has promised something to others. */
export class DiskLooks {
  /** What was on the disks of servers at the end of the events that `noteAt` names. */
  readonly notes = new Map<number, string>();
  private readonly simulation: Simulation;
  private readonly checkers: Checkers;
  private readonly plan: DiskLookPlan;
  private readonly noteAt: readonly number[];
  /** Whether disks are looked at for a report, whatever has happened. */
  readonly notesEvents: boolean;
  private readonly read: ReadDisk;
  private votes = 0;
  private acknowledgements = 0;
  /** What the disk must hold when the event under way is over. */
  private question: ((disk: DiskContents) => void) | undefined = undefined;
  /** Whether there may be something to look at when the event under way is over. */
  isDue: boolean;

  constructor(checkers: Checkers, plan: DiskLookPlan, noteAt: readonly number[], read: ReadDisk) {
    this.simulation = checkers.simulation;
    this.checkers = checkers;
    this.plan = plan;
    this.noteAt = noteAt;
    this.notesEvents = noteAt.length > 0;
    this.isDue = this.notesEvents;
    this.read = read;
  }

  voted(server: number, term: number, candidate: number): void {
    if (!this.plan.votes(this.votes++)) return;
    const { events: event, nowUs: atUs } = this.simulation;
    const question = (disk: DiskContents) => this.checkers.writeAhead.voteOnDisk(server, term, candidate, disk, { event, atUs });
    this.ask(question);
  }

  /** `leaderTerm`: of the request. */
  acknowledged(server: number, index: number, term: number, leaderTerm: number): void {
    if (!this.plan.acknowledgements(this.acknowledgements++)) return;
    const { events: event, nowUs: atUs } = this.simulation;
    const question = (disk: DiskContents) => {
      // A handler that took its time speaks of what was there when it decided; a later leader may have overwritten it since.
      if (this.checkers.records[server]!.currentTerm === leaderTerm)
        this.checkers.writeAhead.entryOnDisk(server, index, term, disk, { event, atUs });
    };
    this.ask(question);
  }

  private ask(question: (disk: DiskContents) => void): void {
    this.question = question;
    this.isDue = true;
  }

  /** An event of `server` is over. `drain`: undefined where nothing can be booted now. */
  quiet(server: number, drain: (() => void) | undefined): void {
    const { question } = this;
    this.question = undefined;
    this.isDue = this.notesEvents;
    if (drain === undefined) return;
    // A server that died in this event is looked at when it restarts.
    const isAlive = this.checkers.records[server]!.raft !== undefined;
    if (question !== undefined && isAlive && !this.simulation.stopped) {
      const disk = this.read(server, drain);
      if (disk !== undefined) question(disk);
    }
    if (this.noteAt.includes(this.simulation.events)) this.note(server, drain);
  }

  private note(server: number, drain: () => void): void {
    const disk = this.read(server, drain);
    if (disk !== undefined) this.notes.set(this.simulation.events, showDisk(disk));
  }
}
