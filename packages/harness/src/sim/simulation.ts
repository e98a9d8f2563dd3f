import { HarnessFault, ImplementationError, isHarnessFault, isOfClass, isRunError, type RunError } from "../failure.ts";
import { progressCells } from "../progress.ts";
import type { Adversary } from "../race/adversary.ts";
import type { TraceLevel } from "../result.ts";
import { callbackEvent } from "./callback.ts";
import { EventQueue } from "./event-queue.ts";
import type { Host } from "./host.ts";
import { deadlock, notEndedAfter, type SimulationLimits, stoppedAsAsked, timeStandsStill } from "./limits.ts";
import { LocalClock, timersAtRate } from "./local-clock.ts";
import { Pauses } from "./pauses.ts";
import { Question } from "./question.ts";
import { mix32, RandomStream } from "./random.ts";
import { randomKeys } from "./random-keys.ts";
import { RecentEvents } from "./recent-events.ts";
import type { RunWatch } from "./run-watch.ts";
import type { Seed } from "./seed.ts";
import { eventKinds, type Happening, type Incarnation, SimEvent, TESTER } from "./sim-event.ts";
import { Trace } from "./trace.ts";
import { TraceHash, WatchedHash } from "./trace-hash.ts";
import { Waits } from "./waits.ts";

export interface SimulationOptions {
  readonly seed: Seed;
  readonly traceLevel: TraceLevel;
  readonly limits: SimulationLimits;
  /** End the run before this event. */
  readonly stopAtEvent: number | undefined;
  readonly watch: RunWatch | undefined;
  readonly progress: Int32Array | undefined;
  /** Tells the real time since the run began, in microseconds; undefined on the virtual clock. */
  readonly realElapsedUs: (() => number) | undefined;
  /** Decides when packets and timers happen, and in which order those of one instant; without one they happen when they are due. */
  readonly adversary?: Adversary | undefined;
  /** Whether the servers leave nothing to promises (`RunSettings.synchronous`): only what tells the tester something can then leave a promise to run. */
  readonly synchronous?: boolean;
}

/** Is told that an event of a server is over, with all that followed at its instant, before the next one begins. */
export interface QuietWatch {
  /** `drain`: lets promises run that the watch may have made itself; undefined where none can be run at once. */
  quiet(owner: number, drain: (() => void) | undefined): void;
}

// Each event asks for these: as variables of the module they take less code than as fields of a table, and unoptimised code no look-up.
const { testerWake, enter } = eventKinds;
const { event: eventCell, virtualMs: virtualMsCell, turn: turnCell } = progressCells;

/**
 * The world of one run: its clock, what is going to happen, and the record of what has. Everything that happens is an event; an event belongs
 * to the tester or to one server and is run to quiescence, promises included, before the next one begins.
 */
export class Simulation {
  readonly seed: Seed;
  readonly trace: Trace;
  readonly hash: TraceHash;
  readonly recent: RecentEvents;
  readonly synchronous: boolean;
  /** Who looks into the run; undefined for an ordinary one. */
  readonly watch: RunWatch | undefined;
  /** Names of the RPC methods seen, for reports. */
  readonly methods: string[] = [""];
  /** Number of events that have begun. */
  events = 0;
  /** Whether an event is under way; what goes wrong then is its doing. */
  inEvent = false;
  /** Whose code is running: a server's number, or TESTER. */
  currentServer = TESTER;
  /** What stands in for the machine of each server: of its present life, or of its last one. */
  readonly hosts: (Host | undefined)[] = [];
  /** Fires an event; the real clock's loop sets it, to mark what the event leaves behind. */
  around: ((event: SimEvent) => void) | undefined = undefined;
  /** Told when something is scheduled; the real clock's loop sets it. */
  onScheduled: (() => void) | undefined = undefined;
  quietWatch: QuietWatch | undefined = undefined;
  /** Whether something is scheduled that is to happen at once; the real clock's loop unsets it. */
  isHurried = false;
  /** Who waits for what, for the report of a run that ends waiting. */
  readonly waits = new Waits();
  /** Whether code runs that is no part of the run, such as a server booted to see what its disk holds: whatever it does goes nowhere. */
  aside = false;

  private readonly queue: EventQueue;
  // Of the options: each event looks at them.
  private readonly limits: SimulationLimits;
  private readonly maxVirtualUs: number;
  private readonly maxEventsPerInstant: number;
  private readonly stopAtEvent: number | undefined;
  private readonly progress: Int32Array | undefined;
  private readonly realElapsedUs: (() => number) | undefined;
  private readonly adversary: Adversary | undefined;
  /** Whether nobody but the queue has a say in what is scheduled: no watch, no adversary, no real clock. */
  private readonly isPlain: boolean;
  /** Undefined while no server has been paused. */
  private pauses: Pauses | undefined = undefined;
  /** Of the servers whose clocks have a rate of their own; undefined while there is none. */
  private clocks: (LocalClock | undefined)[] | undefined = undefined;
  /** What is to be done at the end of the event under way; undefined if nothing is. */
  private endings: (() => void)[] | undefined = undefined;
  private diedInEvent: number | undefined = undefined;
  /** Microseconds since the run began. Read by everyone, like the next two, and changed by the simulation alone. */
  nowUs = 0;
  stopped = false;
  /** What ended the run early; undefined if nothing did. */
  error: RunError | HarnessFault | undefined = undefined;
  /** Time of the latest event; on the real clock it lags behind the present. */
  private instantUs = 0;
  /** Number of the event before which the run ends whatever the time is. */
  private readonly lastEvent: number;
  /** Number of the first event that is one too many at its instant; of the one before which the run ends, if that comes first. */
  private tooMany: number;

  constructor(options: SimulationOptions) {
    const { limits, watch, realElapsedUs } = options;
    this.limits = limits;
    this.maxVirtualUs = limits.maxVirtualMs * 1000;
    this.maxEventsPerInstant = limits.maxEventsPerInstant;
    this.stopAtEvent = options.stopAtEvent;
    this.lastEvent = Math.min(options.stopAtEvent ?? Number.POSITIVE_INFINITY, limits.maxEvents + 1);
    this.tooMany = Math.min(this.lastEvent, limits.maxEventsPerInstant + 1);
    this.watch = watch;
    this.progress = options.progress;
    this.realElapsedUs = realElapsedUs;
    this.adversary = options.adversary;
    this.isPlain = watch === undefined && realElapsedUs === undefined && options.adversary === undefined;
    this.synchronous = options.synchronous ?? false;
    this.seed = options.seed;
    this.hash = watch === undefined ? new TraceHash() : new WatchedHash(watch);
    this.queue = new EventQueue(mix32(mix32(randomKeys.ties, options.seed.high), options.seed.low));
    this.trace = new Trace(options.traceLevel, () => this.nowMs);
    this.recent = RecentEvents.take();
  }

  get nowMs(): number {
    return this.nowUs / 1000;
  }

  /** Microseconds of real time since the run began. On the real clock only. */
  presentUs(): number {
    return this.realElapsedUs!();
  }

  /**
   * On the real clock, brings the run's time up to the present for code that runs between two events. Within an event it stands at the time for which the
   * event was due, however late it is.
   */
  refreshNow(): void {
    if (this.realElapsedUs !== undefined && !this.inEvent) this.nowUs = Math.max(this.nowUs, this.realElapsedUs());
  }

  /** The stream of random numbers of one consumer. */
  stream(...keys: readonly number[]): RandomStream {
    return new RandomStream(this.seed, ...keys);
  }

  /** Schedules an event that is not scheduled now. `delayUs`: a whole number, at least 0. */
  schedule(event: SimEvent, delayUs: number): void {
    if (this.isPlain) this.queue.push(event, this.nowUs + delayUs);
    else this.scheduleWatched(event, delayUs);
  }

  private scheduleWatched(event: SimEvent, delayUs: number): void {
    this.refreshNow();
    this.watch?.scheduled(event, delayUs);
    const { adversary } = this;
    this.queue.push(event, adversary === undefined ? this.nowUs + delayUs : adversary.place(event, this.nowUs, delayUs));
    this.onScheduled?.();
  }

  /**
   * The same for a timer of code that may compare it with Node's own clock: on the real clock its delay begins now, not when the event under way was
   * due, so that it never seems to fire early.
   */
  scheduleFromPresent(event: SimEvent, delayUs: number): void {
    this.refreshNow();
    const lagUs = this.realElapsedUs === undefined ? 0 : Math.max(0, this.realElapsedUs() - this.nowUs);
    this.schedule(event, delayUs + lagUs);
  }

  /** Schedules an event that nobody may let wait for the company of other runs. */
  scheduleAtOnce(event: SimEvent): void {
    this.isHurried = true;
    this.scheduleFromPresent(event, 0);
  }

  /** On the real clock, tells who watches the thread whether it is this run's turn: if the thread dies in it, this run has done it. */
  takeTurn(taken: boolean): void {
    if (this.progress !== undefined) this.progress[turnCell] = taken ? 1 : 0;
  }

  /** Returns whether the event was scheduled. */
  cancel(event: SimEvent): boolean {
    return this.queue.remove(event) || (this.pauses?.remove(event) ?? false);
  }

  /** Time of the next event; undefined if nothing is going to happen. */
  nextTimeUs(): number | undefined {
    for (;;) {
      const event = this.queue.peek();
      if (event === undefined || this.canHappen(event)) return event?.timeUs;
      this.queue.pop();
      this.setAside(event);
    }
  }

  /** What is going to happen, of one kind. */
  scheduledOf(kind: number): readonly Happening[] {
    return [...this.queue.values()].filter((event) => event.kind === kind).map(({ happening }) => happening);
  }

  /** Whether time is the run's own. */
  get isVirtual(): boolean {
    return this.realElapsedUs === undefined;
  }

  /** The tester sleeps. */
  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.schedule(callbackEvent(eventKinds.testerWake, undefined, "wakes up", resolve), Math.round(delayMs * 1000));
    });
  }

  /** Wakes the tester at this instant, in an event of its own. */
  tellTester(what: string, tell: () => void): void {
    this.schedule(callbackEvent(eventKinds.testerWake, undefined, what, tell), 0);
  }

  /**
   * Calls into a server, as an event of its own, at this instant: so that whatever runs until the next event is that server's.
   * Never resolves if the server dies before.
   */
  enter<T>(incarnation: Incarnation, what: string, call: () => T): Promise<T> {
    return new Promise((resolve) => {
      this.schedule(
        callbackEvent(eventKinds.enter, incarnation, what, () => resolve(call())),
        0,
      );
    });
  }

  /** The same with an answer for sure: `ifDead` if the server dies before the call or in it. */
  ask<T>(incarnation: Incarnation, what: string, call: () => T, ifDead: T): Promise<T> {
    return new Promise((resolve) => {
      const question = new Question(this, incarnation, what, call, ifDead, resolve);
      this.schedule(new SimEvent(enter, incarnation.server, incarnation, question), 0);
    });
  }

  /** Calls `act` when all that the event under way causes at its instant has happened. Code between two events, on the real clock, counts as one. */
  atEventEnd(act: () => void): void {
    if (this.inEvent) {
      this.endings ??= [];
      this.endings.push(act);
    } else this.tellTester("sees to what was to be done", act);
  }

  /** The server whose event is under way has died in it: what its code still throws, until the event ends, is of no account. */
  dieInEvent(server: number): void {
    if (!this.inEvent || server !== this.currentServer) return;
    this.diedInEvent = server;
    this.atEventEnd(() => {
      this.diedInEvent = undefined;
    });
  }

  /** A server has died: nothing that is still to come may hold on to it. */
  bury(dead: Incarnation): void {
    for (const event of this.queue.values()) event.happening.release(dead);
    if (this.pauses !== undefined) for (const event of this.pauses.values()) event.happening.release(dead);
  }

  isPaused(server: number): boolean {
    return this.pauses?.isPaused(server) ?? false;
  }

  /** From here on nothing happens at the server until it goes on: neither timers nor messages nor calls into it. */
  pause(server: number): void {
    this.pauses ??= new Pauses();
    this.pauses.pause(server);
  }

  /** All that was due at the server happens now, in order, and its life goes on. */
  resume(server: number): void {
    const held = this.pauses?.resume(server) ?? [];
    for (const event of held) this.schedule(event, 0);
  }

  /**
   * Lets a server's clock run at another rate than the run's, its timers with it, also those under way. For the virtual clock only.
   * `ratePerMille`: 1000 is the run's own.
   */
  setClockRate(server: number, ratePerMille: number): void {
    this.clocks ??= [];
    this.clocks[server] ??= new LocalClock();
    const clock = this.clocks[server];
    const timers = this.queue.values().filter(({ kind, owner }) => kind === eventKinds.serverTimer && owner === server);
    const due = timersAtRate(clock, ratePerMille, this.nowUs, timers);
    for (const { timer } of due) this.queue.remove(timer);
    for (const { timer, delayUs } of due) this.schedule(timer, delayUs);
  }

  /** What the server's clock shows, in ms since the run began. */
  nowMsOf(server: number): number {
    const clock = this.clocks?.[server];
    return (clock === undefined ? this.nowUs : clock.readUs(this.nowUs)) / 1000;
  }

  /** How long a delay by the server's clock is, in the run's time. */
  delayUsOf(server: number, delayUs: number): number {
    const clock = this.clocks?.[server];
    return clock === undefined ? delayUs : clock.toRunUs(delayUs);
  }

  /** The run is over. */
  stop(): void {
    this.stopped = true;
    this.onScheduled?.();
  }

  /** Ends the run with an error. The first one counts: what follows from it is no news. */
  fail(thrown: unknown): void {
    if (this.stopped || this.isOfTheDead(thrown)) return;
    this.error = isRunError(thrown) || isHarnessFault(thrown) ? thrown : HarnessFault.of(thrown);
    this.stop();
  }

  /** The same for what a server does when the run is over and it is told: what ended the run before that counts more. */
  failLate(error: RunError): void {
    this.error ??= error;
    this.stop();
  }

  /** Blames asynchronous code of whoever runs now: a rejection nobody handles, a throw in a microtask. */
  failAsync(thrown: unknown, what: string): void {
    if (this.aside) return;
    this.fail(this.currentServer === TESTER ? thrown : ImplementationError.of(this.currentServer, what, thrown));
  }

  /**
   * Ends the run for a throw of some server's code that ran outside of any event, as Node's own timers let it on the real clock. `server`: undefined
   * when nobody knows.
   */
  failOutside(thrown: unknown, what: string, server: number | undefined): void {
    const known = server === TESTER ? undefined : server;
    this.fail(isRunError(thrown) || isHarnessFault(thrown) ? thrown : new ImplementationError(known, what, thrown));
  }

  /** Lets the next event happen, with all that follows from it before time moves. */
  step(drain: () => void): void {
    const event = this.begin();
    if (event === undefined) return;
    const { kind } = event;
    // Of an event of enter that is scheduled again, an offer that goes from server to server, the tester learns at its end.
    if (!this.synchronous || kind === testerWake || (kind === enter && event.heapIndex < 0)) drain();
    this.end(drain);
  }

  /** The first half of a step. What the event left in the microtask queue must have run before `end`. */
  begin(): SimEvent | undefined {
    const event = this.nextEvent();
    if (event === undefined) return undefined;
    this.watch?.begin(event);
    this.currentServer = event.owner;
    this.inEvent = true;
    try {
      if (this.around === undefined) event.happening.happen(event);
      else this.around(event);
    } catch (thrown) {
      this.fail(thrown);
    }
    return event;
  }

  end(drain?: () => void): void {
    const { quietWatch, currentServer } = this;
    if (quietWatch !== undefined && currentServer !== TESTER) {
      try {
        quietWatch.quiet(currentServer, drain);
      } catch (thrown) {
        this.fail(thrown);
      }
      // What inspect() has left to promises is still this server's doing.
      if (!this.synchronous) drain?.();
    }
    if (this.endings !== undefined) this.carryOut(this.endings);
    this.watch?.end();
    this.currentServer = TESTER;
    this.inEvent = false;
  }

  /** What is done here may add more. */
  private carryOut(endings: (() => void)[]): void {
    while (endings.length > 0) endings.shift()!();
    this.endings = undefined;
  }

  private isOfTheDead(thrown: unknown): boolean {
    return (
      this.diedInEvent !== undefined &&
      isOfClass(thrown, ImplementationError) &&
      (thrown as ImplementationError).details.server === this.diedInEvent
    );
  }

  private nextEvent(): SimEvent | undefined {
    const event = this.takeNext();
    if (event === undefined) {
      this.fail(deadlock(this.waits));
      return undefined;
    }
    const number = this.events + 1;
    const { timeUs, digest } = event;
    if (number === this.tooMany && this.endsBefore(event, number)) return undefined;
    if (timeUs > this.instantUs) this.moveOn(timeUs, number);
    this.events = number;
    const kindAndOwner = event.kind | ((event.owner + 1) << 8);
    this.hash.mixEvent(kindAndOwner, timeUs, digest);
    this.recent.add(number, timeUs, kindAndOwner, event.detail, digest);
    if (this.progress !== undefined) this.progress[eventCell] = number;
    return this.stopped ? undefined : event;
  }

  private takeNext(): SimEvent | undefined {
    const { queue } = this;
    for (;;) {
      const event = queue.pop();
      if (event === undefined || this.canHappen(event)) return event;
      this.setAside(event);
    }
  }

  private canHappen(event: SimEvent): boolean {
    const { incarnation } = event;
    if (incarnation !== undefined && !incarnation.alive) return false;
    return this.pauses === undefined || !this.pauses.isPaused(event.owner);
  }

  /** The event can't happen, or not now. */
  private setAside(event: SimEvent): void {
    if (event.incarnation === undefined || event.incarnation.alive) this.pauses?.hold(event);
  }

  /** Time moves on, with event `number`. On the real clock the present may be later still. */
  private moveOn(timeUs: number, number: number): void {
    this.instantUs = timeUs;
    if (timeUs > this.nowUs) this.nowUs = timeUs;
    this.tooMany = Math.min(this.lastEvent, number + this.maxEventsPerInstant + 1);
    if (this.progress !== undefined) this.progress[virtualMsCell] = this.nowUs / 1000;
    if (timeUs > this.maxVirtualUs) this.fail(notEndedAfter(`${this.limits.maxVirtualMs / 1000} s`, this.waits));
  }

  /** Whether the run ends before the event. One that is too many at its instant, or in all, is counted and then not allowed to happen. */
  private endsBefore(event: SimEvent, number: number): boolean {
    if (number === this.stopAtEvent) {
      this.fail(stoppedAsAsked(event, number));
      return true;
    }
    if (event.timeUs <= this.instantUs && number < this.lastEvent)
      this.fail(timeStandsStill(event, this.maxEventsPerInstant + 1, this.nowMs));
    else if (number > this.limits.maxEvents) this.fail(notEndedAfter(`${this.limits.maxEvents} events`, this.waits));
    return false;
  }
}
