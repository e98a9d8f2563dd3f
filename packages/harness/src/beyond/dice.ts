import type { RandomStream } from "../sim/random.ts";

/** Random choices of one task of a test. */
export class Dice {
  readonly #stream: RandomStream;

  constructor(stream: RandomStream) {
    this.#stream = stream;
  }

  /** A whole number in [0, bound). */
  below(bound: number): number {
    return this.#stream.int(0, bound);
  }

  /** A whole number in [least, most]. */
  between(least: number, most: number): number {
    return this.#stream.int(least, most + 1);
  }

  /** With probability `perCent` / 100. */
  chance(perCent: number): boolean {
    return this.#stream.int(0, 100) < perCent;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  /** The choices in a random order. */
  shuffled<T>(choices: readonly T[]): T[] {
    const order = [...choices];
    for (let last = order.length - 1; last > 0; last--) {
      const other = this.below(last + 1);
      [order[last], order[other]] = [order[other]!, order[last]!];
    }
    return order;
  }

  /** A number in [least, most): each doubling is as likely as any other, so that short and long ones both come up. `least` above 0. */
  logUniform(least: number, most: number): number {
    let doublings = 0;
    while (least * 2 ** (doublings + 1) < most) doublings++;
    // The last doubling is cut off where it passes `most`.
    const from = least * 2 ** this.below(doublings + 1);
    return from + this.#stream.next() * (Math.min(2 * from, most) - from);
  }
}
