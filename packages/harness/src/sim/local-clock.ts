import type { SimEvent } from "./sim-event.ts";

/**
 * A server's clock that runs faster or slower than the run's. In whole microseconds and per mille, so that it is exact: a timer never fires before its own
 * server's clock has passed the delay.
 */
export class LocalClock {
  #ratePerMille = 1000;
  /** The run's time when the present rate began, and what this clock showed then. */
  #sinceUs = 0;
  #shownUs = 0;

  /** `ratePerMille`: 1000 runs as the run does. What the clock shows does not jump. */
  setRate(ratePerMille: number, nowUs: number): void {
    this.#shownUs = this.readUs(nowUs);
    this.#sinceUs = nowUs;
    this.#ratePerMille = ratePerMille;
  }

  /** What the clock shows at a time of the run's. */
  readUs(nowUs: number): number {
    return this.#shownUs + Math.floor(((nowUs - this.#sinceUs) * this.#ratePerMille) / 1000);
  }

  /** How long a delay on this clock is in the run's time. */
  toRunUs(delayUs: number): number {
    return Math.ceil((delayUs * 1000) / this.#ratePerMille);
  }

  /** How much this clock shows to have passed, at most, after a delay in the run's time. */
  fromRunUs(delayUs: number): number {
    return Math.ceil((delayUs * this.#ratePerMille) / 1000);
  }
}

/**
 * Sets the clock's rate. Returns when the server's timers under way are due then, in the run's time from now, in the order in which they were to happen.
 * `ratePerMille`: as for `setRate`.
 */
export function timersAtRate(
  clock: LocalClock,
  ratePerMille: number,
  nowUs: number,
  timers: readonly SimEvent[],
): readonly { readonly timer: SimEvent; readonly delayUs: number }[] {
  const left = timers
    .toSorted((a, b) => a.timeUs - b.timeUs || a.rank - b.rank || a.sequence - b.sequence)
    .map((timer) => ({ timer, ownUs: clock.fromRunUs(timer.timeUs - nowUs) }));
  clock.setRate(ratePerMille, nowUs);
  return left.map(({ timer, ownUs }) => ({ timer, delayUs: clock.toRunUs(ownUs) }));
}
