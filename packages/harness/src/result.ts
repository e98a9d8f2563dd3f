import type { Evidence } from "./failure.ts";

/** What goes into one run and what comes out of it: plain data, so that both cross a thread boundary. */

/** One iteration of one test. */
export interface Job {
  /** The test's name, e.g. `TestBackup2B`. */
  readonly test: string;
  /** 0-based number of the run among the runs of its test. */
  readonly iteration: number;
  /** Run seed: 16 lower-case hexadecimal digits. */
  readonly seed: string;
}

export type ClockKind = "virtual" | "real";

/**
 * How much of a run its log holds. `none`: the lab's own lines only. `debug`: also what the servers log, what they apply, and what the test
 * does. `trace`: also every packet and every save.
 */
export type TraceLevel = "none" | "debug" | "trace";

/** `event`: its number, from 1. `timeUs`: when it is due, since the run began. `owner`: the number of its server; -1 for the tester. */
export type BeforeEvent = (event: number, timeUs: number, owner: number) => void;

export interface RunSettings {
  readonly clock: ClockKind;
  readonly traceLevel: TraceLevel;
  /** Keep the log of a passing run too. */
  readonly archive: boolean;
  /** Run twice and compare the runs event by event (virtual clock only). */
  readonly checkDeterminism: boolean;
  /** End the run before this event: shows the way into a run that does not end by itself. */
  readonly stopAtEvent?: number;
  /** Tell what code does in the event of this number, from 1. */
  readonly tellActsOf?: number;
  /** Measure processor time too: it costs more than a short run. */
  readonly measureCpu?: boolean;
  /** Whether runs are held against the invariants of Raft (`on`, the default), and in an adversary's order of events, another one for each run seed (`race`, virtual clock only); `off` for measuring what that costs. */
  readonly checks?: "off" | "on" | "race";
  /**
   * The Raft under test leaves nothing to promises, neither its own nor those of its environment, nor to Node's own timers: nothing is looked for after each of its events. Of the built-in Raft only; of
   * another one that is not so, promises run late, `env.apply` resolves too early, and what it throws in them is held to be a fault of the harness.
   */
  readonly synchronous?: boolean;
  /** Where a watcher in another thread sees how far the run is; see `progress.ts`. */
  readonly progress?: Int32Array;
  /** Called before each event of a first pass happens: for a run that may end its whole process, `progress` with it. */
  readonly beforeEvent?: BeforeEvent;
}

/**
 * - `pass`
 * - `fail`: an assertion of the test, or a property, does not hold
 * - `stuck`: a limit of virtual time or of events was reached, or nothing is left to happen while the test still waits
 * - `timeout`: the limit of real time was reached (told by whoever watches the run)
 * - `crash`: the implementation threw, exited or ran out of memory
 * - `nondeterministic`: the same seed gave another run
 */
export type Outcome = "pass" | "fail" | "stuck" | "timeout" | "crash" | "nondeterministic";

/** Why a run did not pass. */
export interface Failure {
  /** One sentence without the numbers that differ from run to run: runs with equal causes are counted together. */
  readonly cause: string;
  /** One sentence with all values. */
  readonly reason: string;
  readonly expected?: string;
  readonly seen?: string;
  /** The step of the test during which it happened. */
  readonly step?: string;
  /** Virtual time since the run began. */
  readonly atMs: number;
  /** Number of the event during which it happened. */
  readonly event: number;
  /** The server whose code was running, if one was. */
  readonly server?: number;
  readonly stack?: string;
  /** What else was unusual when the run ended, a sentence each: handlers that had not answered for long. */
  readonly notes?: readonly string[];
  /** Where the implementation's code was when it did what it must not, e.g. `raft.ts:12:34 (campaign)`. */
  readonly place?: string;
  /** The name of the invariant that was violated. */
  readonly property?: string;
  /** Where the paper states it. */
  readonly source?: string;
  /** The events that contradict each other, oldest first. */
  readonly evidence?: readonly Evidence[];
}

/** Something that code did to its run. */
export interface Act {
  readonly text: string;
  /** Where the code was, lines of an Error's stack; empty when no code of the implementation was running. */
  readonly stack: string;
}

export interface IterationResult {
  readonly job: Job;
  readonly outcome: Outcome;
  /** The test's own time: virtual seconds on the virtual clock. */
  readonly seconds: number;
  /** Real time that the run took. */
  readonly realMs: number;
  /** Processor time of the whole process during the run, in milliseconds, with `measureCpu`; of this run alone only when no other is under way. */
  readonly userMs?: number;
  readonly systemMs?: number;
  readonly servers: number;
  /** RPCs and their encoded bytes, as the tester counts them from the test's begin to its end. */
  readonly rpcs: number;
  readonly bytes: number;
  /** Growth of the highest applied index. */
  readonly commands: number;
  /** Events of the whole run, and the hash over all of them: 16 hexadecimal digits. */
  readonly events: number;
  readonly traceHash: string;
  /** How often each invariant was looked at, in the order of `propertyKeys`; absent when nothing was checked. */
  readonly looks?: readonly number[];
  /** How often what tests exist for happened, in the order of `coverageKeys`. */
  readonly coverage?: readonly number[];
  /** With `checkDeterminism`: for each event, a hash of all that had happened by its end. */
  readonly eventDigests?: Int32Array;
  /** With `tellActsOf`: the event, then what was done in it, as long as the run came to it. */
  readonly acts?: readonly Act[];
  readonly failure?: Failure;
  /** With checks `race`: how the adversary went about it, and what was judged. */
  readonly schedule?: string;
  /** Under such a schedule: what the test complained of that nobody is to blame for; the run passes. */
  readonly excused?: string;
  /** The log's text without its header: the lab's own lines, then the trace. For failed runs, and for all with `archive`. */
  readonly log?: string;
}
