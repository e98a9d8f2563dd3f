import type { Act } from "../result.ts";
import { withSourcePositions } from "../source-positions.ts";
import { mix32 } from "./random.ts";
import type { RunWatch } from "./run-watch.ts";
import type { SimEvent } from "./sim-event.ts";

/** Everything that happened in one run and everything that code did in it, to be compared with another run of the same seed. */
export class Journal implements RunWatch {
  /** The events, as they were told when they began: an RPC's event is another one when it is over. */
  readonly #events: string[] = [];
  /** A word for each thing done, in order, those that tell the next event from others included. */
  readonly #acts: number[] = [];
  /** For each event, a hash of all acts until its end. */
  readonly #digests: number[] = [];
  #digest = 0;

  begin(event: SimEvent): void {
    this.#events.push(tellEvent(event));
  }

  scheduled(event: SimEvent, delayUs: number): void {
    this.add(wordOf(event, delayUs), () => tellScheduled(event, delayUs));
  }

  hashed(word: number): void {
    this.add(word, tellHashed);
  }

  protected add(word: number, _tell: () => string): void {
    this.#acts.push(word);
    this.#digest = mix32(this.#digest, word);
  }

  /** How many acts there have been. */
  protected get length(): number {
    return this.#acts.length;
  }

  end(): void {
    this.#digests.push(this.#digest);
  }

  /** For each event, a hash of all that had happened by its end: to compare with a run whose journal is elsewhere. */
  digests(): Int32Array {
    return Int32Array.from(this.#digests);
  }

  /** The act at a position; undefined beyond the end of the run. */
  act(position: number): number | undefined {
    return this.#acts[position];
  }

  /** The event of that number, from 1. */
  event(number: number): string | undefined {
    return this.#events[number - 1];
  }
}

/** Acts that are recorded before and after the one at which two runs have parted: two others may part somewhat sooner, or later. */
const recorded = { before: 300, after: 1000 };

/** A journal that has recorded what was done around a position, to be told whatever the next run does. */
export class Recorder extends Journal {
  readonly #around: number;
  readonly #acts = new Map<number, Seen>();

  constructor(around: number) {
    super();
    this.#around = around;
  }

  protected override add(word: number, tell: () => string): void {
    const position = this.length;
    if (position >= this.#around - recorded.before && position < this.#around + recorded.after) this.#acts.set(position, see(tell));
    super.add(word, tell);
  }

  actAt(position: number): Act | undefined {
    const seen = this.#acts.get(position);
    return seen && actOf(seen);
  }
}

/** Tells all that code did in one event. */
export class EventActs implements RunWatch {
  readonly #sought: number;
  #number = 0;
  readonly acts: Act[] = [];

  /** `event`: its number, from 1. */
  constructor(event: number) {
    this.#sought = event;
  }

  begin(event: SimEvent): void {
    this.#number++;
    if (this.#number === this.#sought) this.acts.push({ text: tellEvent(event), stack: "" });
  }

  scheduled(event: SimEvent, delayUs: number): void {
    this.#add(wordOf(event, delayUs), () => tellScheduled(event, delayUs));
  }

  hashed(word: number): void {
    this.#add(word, tellHashed);
  }

  /** The word tells contents apart that the text does not show. */
  #add(word: number, tell: () => string): void {
    if (this.#number !== this.#sought || this.acts.length === 0) return;
    const { text, stack } = actNow(tell);
    this.acts.push({ text: `${text} (hash ${(word >>> 0).toString(16)})`, stack });
  }

  end(): void {
    if (this.#number === this.#sought) this.#number = Number.POSITIVE_INFINITY;
  }
}

abstract class Reader implements RunWatch {
  protected readonly first: Journal;
  protected position = 0;
  protected eventNumber = 0;
  protected inEvent = false;
  /** The run has left the first one's way. */
  protected parted = false;

  /** `first`: the journal of the first run. */
  constructor(first: Journal) {
    this.first = first;
  }

  begin(_event: SimEvent): void {
    this.eventNumber++;
    this.inEvent = true;
  }

  scheduled(event: SimEvent, delayUs: number): void {
    this.#read(wordOf(event, delayUs), () => tellScheduled(event, delayUs));
  }

  hashed(word: number): void {
    this.#read(word, tellHashed);
  }

  end(): void {
    this.inEvent = false;
  }

  #read(word: number, tell: () => string): void {
    if (this.parted) return;
    this.see(word, tell);
    if (this.first.act(this.position) !== word) this.parted = true;
    this.position++;
  }

  protected abstract see(word: number, tell: () => string): void;
}

/** Where a second run left the way of the first. */
export interface Parting {
  /** Number of the event, from 1. */
  readonly event: number;
  /** Which of all acts. */
  readonly position: number;
  /** What the second run did; undefined when it was another event that came, or none. */
  readonly act: Act | undefined;
  /** The event as the second run had it; undefined when it had ended. */
  readonly second: string | undefined;
}

/** Compares a second run with the first as it goes, so that the very line of code is known that first did something else. */
export class Comparison extends Reader {
  #parting: Parting | undefined;
  #currentEvent: string | undefined;

  override begin(event: SimEvent): void {
    super.begin(event);
    this.#currentEvent = tellEvent(event);
    // The event itself was another one.
    if (this.#parting?.event === this.eventNumber && this.#parting.act === undefined) {
      this.#parting = { ...this.#parting, second: this.#currentEvent };
    }
  }

  protected override see(word: number, tell: () => string): void {
    if (this.first.act(this.position) === word) return;
    const { position } = this;
    if (this.inEvent) this.#parting = { event: this.eventNumber, position, act: actNow(tell), second: this.#currentEvent };
    else this.#parting = { event: this.eventNumber + 1, position, act: undefined, second: undefined };
  }

  /** Undefined when the second run, which is over, was the first one again. */
  get parting(): Parting | undefined {
    if (this.#parting !== undefined || this.first.act(this.position) === undefined) return this.#parting;
    return { event: this.eventNumber + 1, position: this.position, act: undefined, second: undefined };
  }
}

/** Goes the way of the first run once more, to tell what it did at one position. Finds nothing if this run, too, is another one. */
export class Witness extends Reader {
  readonly #sought: number;
  act: Act | undefined = undefined;

  constructor(first: Journal, position: number) {
    super(first);
    this.#sought = position;
  }

  protected override see(word: number, tell: () => string): void {
    if (this.position === this.#sought && this.first.act(this.#sought) === word) this.act = actNow(tell);
  }
}

/** The first thing that differs between two runs, told side by side. `firstAct`: what the first run did there, if a witness has found it. */
export function tellDifference(
  first: Journal,
  { event, act, second }: Parting,
  firstAct: Act | undefined,
  [one, other]: readonly [string, string] = ["first", "second"],
): string[] {
  const firstEvent = first.event(event) ?? "(the run had ended)";
  if (act === undefined) {
    const both = [`  ${label(one)} ${firstEvent}`, `  ${label(other)} ${second ?? "(the run had ended)"}`];
    return [`event ${event} differs`, ...both, "  up to here both runs were the same"];
  }
  const unknown: Act = { text: "something else, or nothing more", stack: "" };
  return [
    `event ${event} differs`,
    `  both runs:  ${firstEvent}`,
    ...tellAct(label(one), firstAct ?? unknown),
    ...tellAct(label(other), act),
  ];
}

/** Where two more runs of the seed part, when what the first one did there never comes again. Undefined if they did not, or where nothing was recorded. */
export function tellOthers(recorder: Recorder, parting: Parting | undefined): string[] | undefined {
  if (parting === undefined) return undefined;
  const act = recorder.actAt(parting.position);
  if (parting.act !== undefined && act === undefined) return undefined;
  const why = "  what the first run did differs each time; so these are two more runs of the seed";
  const [heading, ...sides] = tellDifference(recorder, parting, act, ["third", "fourth"]);
  return [heading!, why, ...sides];
}

function label(whose: string): string {
  return `${whose} run:`.padEnd("second run:".length);
}

function tellAct(whose: string, { text, stack }: Act): string[] {
  return [`  ${whose} ${text}`, ...(stack === "" ? [] : stack.split("\n"))];
}

/** Frames of the user's that are shown, and as many of all as it takes to come to them below ours. */
const shownFrames = 10;
const seenFrames = 100;

function actNow(tell: () => string): Act {
  return actOf(see(tell));
}

/** An act whose stack has not been written out: that takes long, and most are never shown. */
interface Seen {
  readonly text: string;
  readonly error: Error;
}

function see(tell: () => string): Seen {
  return { text: tell(), error: withStackLimit(seenFrames, () => new Error()) };
}

function actOf({ text, error }: Seen): Act {
  const frames = withStackLimit(seenFrames, () => error.stack ?? "").split("\n");
  const shown = withSourcePositions(frames.slice(1).join("\n")).split("\n");
  // `at new Promise (<anonymous>)` is nowhere.
  return {
    text,
    stack: shown
      .filter((frame) => !frame.includes("<anonymous>"))
      .slice(0, shownFrames)
      .join("\n"),
  };
}

/** Code under test may have set V8's settings for stacks. */
function withStackLimit<T>(limit: number, act: () => T): T {
  const { stackTraceLimit, prepareStackTrace } = Error;
  try {
    Error.stackTraceLimit = limit;
    Reflect.set(Error, "prepareStackTrace", undefined);
    return act();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    Error.prepareStackTrace = prepareStackTrace;
  }
}

function tellScheduled(event: SimEvent, delayUs: number): string {
  return `${event.describe()}, in ${delayUs / 1000} ms`;
}

function tellHashed(): string {
  return "a save, an answer or a state with other contents";
}

function tellEvent(event: SimEvent): string {
  return `at ${(event.timeUs / 1000).toFixed(3)} ms, ${event.describe()}`;
}

function wordOf({ kind, owner, digest }: SimEvent, delayUs: number): number {
  return mix32(mix32(kind | ((owner + 1) << 8), digest), delayUs);
}
