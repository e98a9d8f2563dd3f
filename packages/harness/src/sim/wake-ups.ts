import { performance } from "node:perf_hooks";
import { clearTimeout, setTimeout } from "node:timers";
import type { RunError } from "../failure.ts";

/** What waits for its time on the real clock: one run. */
export interface Sleeper {
  /** When it is to be woken, in milliseconds of `performance.now()`; infinite when nothing is due. Read after each wake-up of the thread. */
  readonly dueMs: number;
  /** Whether it is not to wait for the company of others. */
  readonly isHurried: boolean;
  wake(): void;
  /** Ends it with an error, or lets it have ended with one. */
  fail(error: RunError): void;
}

/** Real time, and the one timer of a thread. */
export interface RealTime {
  nowMs(): number;
  /** `delayMs`: a whole number. A timer that was set before is no more. */
  setTimer(fire: () => void, delayMs: number): void;
}

/**
 * The longest that a thread with many runs lets what is due wait for company, in real milliseconds: about the tick by which timers fire on Windows. Nobody's
 * network slows down by it (see `runReal`); timers of a server's own do, by half of it on average.
 */
const longestPauseMs = 16;

/** Between two looks at what all runs of a thread share, in real milliseconds. */
const lookEveryMs = 500;

/**
 * Wakes all runs that wait side by side in one thread. A wake-up of an idle thread costs more than the events it is for, so they share it: the
 * thread pauses after each, a millisecond for each run that waits, up to `longestPauseMs`. Nobody is woken early.
 */
export class WakeUps {
  readonly #time: RealTime;
  readonly #sleepers = new Set<Sleeper>();
  #wokenMs = Number.NEGATIVE_INFINITY;
  /** When the timer is going to fire; infinite when none is set. */
  #nextMs = Number.POSITIVE_INFINITY;
  #waking = false;
  #lookedMs = Number.NEGATIVE_INFINITY;
  /** Looks at what all share: now and then, and when a run has ended. Given the run if there is but one in the thread. */
  look: ((only: Sleeper | undefined) => void) | undefined = undefined;

  constructor(time: RealTime) {
    this.#time = time;
  }

  add(sleeper: Sleeper): void {
    this.#sleepers.add(sleeper);
    this.isDue(sleeper);
  }

  remove(sleeper: Sleeper): void {
    this.#lookAtAll();
    this.#sleepers.delete(sleeper);
  }

  /** To be told when a sleeper outside of its `wake` becomes due earlier than it was. */
  isDue(sleeper: Sleeper): void {
    if (!this.#waking) this.#comeAt(this.#timeFor(sleeper));
  }

  /** When a sleeper is going to be woken if nobody else is. */
  #timeFor({ dueMs, isHurried }: Sleeper): number {
    return isHurried ? dueMs : Math.max(dueMs, this.#wokenMs + this.#pauseMs());
  }

  #comeAt(nextMs: number): void {
    if (nextMs >= this.#nextMs) return;
    this.#nextMs = nextMs;
    // Rounded up: Node cuts a fraction off, and would wake the thread for nothing.
    this.#time.setTimer(() => this.#wakeAll(), Math.max(0, Math.ceil(nextMs - this.#time.nowMs())));
  }

  #lookAtAll(): void {
    if (this.look === undefined) return;
    this.#lookedMs = this.#time.nowMs();
    const [first] = this.#sleepers;
    this.look(this.#sleepers.size === 1 ? first : undefined);
  }

  #pauseMs(): number {
    return Math.min(longestPauseMs, this.#sleepers.size);
  }

  #wakeAll(): void {
    const nowMs = this.#time.nowMs();
    this.#wokenMs = nowMs;
    this.#nextMs = Number.POSITIVE_INFINITY;
    this.#waking = true;
    try {
      for (const sleeper of this.#sleepers) if (sleeper.dueMs <= nowMs) sleeper.wake();
    } finally {
      if (nowMs - this.#lookedMs >= lookEveryMs) this.#lookAtAll();
      // Also after a throw, which goes up to Node: whoever has not been woken is still due.
      this.#waking = false;
      let firstMs = Number.POSITIVE_INFINITY;
      for (const sleeper of this.#sleepers) firstMs = Math.min(firstMs, this.#timeFor(sleeper));
      this.#comeAt(firstMs);
    }
  }
}

/** Node's timers. One that is set again with the delay it had is the cheapest there is: with many runs side by side nearly all are. */
function nodeTimer(): RealTime["setTimer"] {
  let timer: NodeJS.Timeout | undefined;
  let timerDelayMs: number | undefined;
  let fire: () => void = () => {};
  return (next, delayMs) => {
    fire = next;
    if (timer !== undefined && delayMs === timerDelayMs) timer.refresh();
    else {
      clearTimeout(timer);
      timer = setTimeout(() => fire(), delayMs);
      timerDelayMs = delayMs;
    }
  };
}

/** The wake-ups of this thread. */
export const wakeUps = new WakeUps({ nowMs: () => performance.now(), setTimer: nodeTimer() });
