import { logUniform, type RandomStream } from "../sim/random.ts";

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

  /** A number in [least, most): each doubling is as likely as any other, so that short and long ones both come up. `least`: at least 0.001. */
  logUniform(least: number, most: number): number {
    return logUniform(least * 1000, most * 1000, (bound) => this.below(bound)) / 1000;
  }
}
