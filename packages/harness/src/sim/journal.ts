import type { SimEvent } from "./sim-event.ts";

/** One event of a run as remembered for a comparison. */
interface JournalEntry {
  readonly what: string;
  readonly timeUs: number;
  /** The run's hash when the event was over, so that it covers all that the event did. */
  readonly hashAfter: number;
}

/** Is told of every event of a run. */
export interface EventWatch {
  /** Before the event happens. */
  begin(event: SimEvent): void;
  /** When the event is over; `hashAfter`: the run's hash then. */
  end(timeUs: number, hashAfter: number): void;
}

/** Everything that happened in one run, to be compared with another run of the same seed. */
export class Journal implements EventWatch {
  readonly #entries: JournalEntry[] = [];
  /** The event under way, told before it happens: an RPC's event is another one when it is over. */
  #what = "";

  begin(event: SimEvent): void {
    this.#what = event.describe();
  }

  end(timeUs: number, hashAfter: number): void {
    this.#entries.push({ what: this.#what, timeUs, hashAfter });
  }

  /** The first event in which the two runs differ, told side by side; undefined when they are the same run. */
  firstDifference(other: Journal): string[] | undefined {
    const longer = Math.max(this.#entries.length, other.#entries.length);
    for (let i = 0; i < longer; i++) {
      const mine = this.#entries[i];
      const theirs = other.#entries[i];
      if (mine !== undefined && theirs !== undefined && mine.hashAfter === theirs.hashAfter) continue;
      return [`event ${i + 1} differs`, `  first run:  ${text(mine)}`, `  second run: ${text(theirs)}`, sameText(mine, theirs)];
    }
    return undefined;
  }
}

function text(entry: JournalEntry | undefined): string {
  return entry === undefined ? "(the run had ended)" : `at ${(entry.timeUs / 1000).toFixed(3)} ms, ${entry.what}`;
}

function sameText(a: JournalEntry | undefined, b: JournalEntry | undefined): string {
  if (a === undefined || b === undefined || a.what !== b.what || a.timeUs !== b.timeUs) return "  up to here both runs were the same";
  return "  the same event with the same contents did something else: other calls, other saves or other draws";
}
