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

/** What happens in an event, and what it takes to put it off, to tell of it, or to let go of it. */
export interface Happening {
  /** Lets it happen. */
  happen(event: SimEvent): void;
  /** The owner is paused when the event is due: whether it waits for the owner to go on, or has found another way. */
  waitsForOwner(event: SimEvent): boolean;
  /** One line for a human. Called for reports only. */
  describe(event: SimEvent): string;
  /**
   * A server has died: lets go of all that was that server's. Events can wait for many seconds, and what they hold of servers that crashed long
   * ago would be most of a run's memory.
   */
  release(dead: Incarnation): void;
}

/**
 * Something that happens at one instant, at one owner: a place in the queue. What happens is a part of its own, so that the event loop sees events of one class only: V8 compiles it
 * once, for that. Intrusive: the event is itself the heap's node, and an RPC is one event that is scheduled again for its reply.
 */
export class SimEvent {
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
  readonly happening: Happening;

  constructor(kind: number, owner: number, incarnation: Incarnation | undefined, happening: Happening) {
    this.kind = kind;
    this.owner = owner;
    this.incarnation = incarnation;
    this.happening = happening;
  }

  /** One line for a human. Called for reports only. */
  describe(): string {
    return this.happening.describe(this);
  }
}
