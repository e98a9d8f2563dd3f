import type { RandomStream } from "./random.ts";
import type { Incarnation } from "./sim-event.ts";

/** What stands in for the machine that one life of a server runs on, for code that does not use the environment it was given. */
export class Host {
  readonly life: Incarnation;
  readonly #makeRandom: () => RandomStream;
  #random: RandomStream | undefined;

  /** `makeRandom`: called at the first use; most implementations use one source of randomness only. */
  constructor(life: Incarnation, makeRandom: () => RandomStream) {
    this.life = life;
    this.#makeRandom = makeRandom;
  }

  get random(): RandomStream {
    this.#random ??= this.#makeRandom();
    return this.#random;
  }
}
