import { ImplementationError } from "../failure.ts";

/** Owner of the events of the tester itself: the test's script, its clients, its timers. Servers own theirs by their number. */
export const TESTER = -1;

/** What an event is, as hashed and traced. The numbers are part of every trace hash: add, never renumber. */
export const eventKinds = {
  testerWake: 1,
  serverTimer: 2,
  request: 3,
  reply: 4,
  lost: 5,
  apply: 6,
  enter: 7,
  handlerPoll: 8,
  oldRequest: 9,
} as const;

/** One life of a server, from boot to crash. Nothing that belongs to a dead one happens any more. */
export interface Incarnation {
  readonly server: number;
  readonly alive: boolean;
}

/**
 * Something that happens at one instant, at one owner. Intrusive: the event is itself the heap's node, and an RPC is one event that is
 * scheduled again for its reply. Few classes derive from it, so that the event loop stays monomorphic.
 */
export abstract class SimEvent {
  /** Virtual time in whole microseconds. */
  timeUs = 0;
  /** Order of scheduling within the run. */
  sequence = 0;
  /** Order among the events of one instant, least first; 0 in a run without an adversary (see race/). */
  rank = 0;
  /** Where the queue keeps it: its position in the heap, 0 also for the event in front of it, or a far larger number in a bucket of what is due later; -1 when not scheduled. */
  heapIndex = -1;
  /** Number of the server whose event it is, or TESTER. */
  owner: number;
  /** One of `eventKinds`. */
  kind: number;
  /** Hash of what the event carries; 0 if nothing. */
  digest = 0;
  /** Randomness of what this event carries; 0 if nothing draws. */
  key = 0;
  /** For the ring of recent events: what else tells this event from others of its kind. */
  detail = 0;
  /** The life the event belongs to; it is dropped when that life is over. */
  readonly incarnation: Incarnation | undefined;

  constructor(kind: number, owner: number, incarnation: Incarnation | undefined) {
    this.kind = kind;
    this.owner = owner;
    this.incarnation = incarnation;
  }

  /** Lets it happen. */
  abstract fire(): void;
  /** The owner is paused when the event is due: whether it waits for the owner to go on, or has found another way. */
  waitsForOwner(): boolean {
    return true;
  }

  /** One line for a human. Called for reports only. */
  abstract describe(): string;
  /**
   * A server has died: the event lets go of all that was that server's. Events can wait for many seconds, and what they hold of servers that crashed long
   * ago would be most of a run's memory.
   */
  abstract release(dead: Incarnation): void;
}

/** An event that is a call: of a timer's callback, of a sleeper's wake-up, of a method of a server. */
export class CallbackEvent extends SimEvent {
  private readonly what: string;
  private run: () => void;
  /** Called instead when the life that the event belongs to ends before. */
  ifDead: (() => void) | undefined = undefined;

  /** `what`: names the call in reports, e.g. `a timer`. */
  constructor(kind: number, incarnation: Incarnation | undefined, what: string, run: () => void) {
    super(kind, incarnation === undefined ? TESTER : incarnation.server, incarnation);
    this.what = what;
    this.run = run;
  }

  override fire(): void {
    if (this.owner === TESTER) {
      this.run();
      return;
    }
    try {
      this.run();
    } catch (thrown) {
      throw ImplementationError.of(this.owner, this.what, thrown);
    }
  }

  override release(dead: Incarnation): void {
    if (this.incarnation !== dead) return;
    this.run = nothingToRun;
    this.ifDead?.();
    this.ifDead = undefined;
  }

  override describe(): string {
    return this.owner === TESTER ? `the test: ${this.what}` : `S${this.owner}: ${this.what}`;
  }
}

function nothingToRun(): void {}
