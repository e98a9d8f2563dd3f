import { ImplementationError } from "../failure.ts";
import type { Happening, Incarnation, SimEvent } from "./sim-event.ts";
import type { Simulation } from "./simulation.ts";

/** A call into a server that is answered for sure: by the server, or for it when it dies before the call or in it. */
export class Question<T> implements Happening {
  private readonly simulation: Simulation;
  private readonly incarnation: Incarnation;
  private readonly what: string;
  // Set twice from the start: see callback.ts.
  private call: (() => T) | undefined = undefined;
  private readonly ifDead: T;
  private readonly resolve: (answer: T) => void;

  constructor(simulation: Simulation, incarnation: Incarnation, what: string, call: () => T, ifDead: T, resolve: (answer: T) => void) {
    this.simulation = simulation;
    this.incarnation = incarnation;
    this.what = what;
    this.call = call;
    this.ifDead = ifDead;
    this.resolve = resolve;
  }

  happen({ owner }: SimEvent): void {
    let answer: T;
    try {
      answer = this.call!();
    } catch (thrown) {
      if (!this.incarnation.alive) this.resolve(this.ifDead);
      throw ImplementationError.of(owner, this.what, thrown);
    }
    this.resolve(this.incarnation.alive ? answer : this.ifDead);
  }

  waitsForOwner(): boolean {
    return true;
  }

  release(dead: Incarnation): void {
    if (this.incarnation !== dead || this.call === undefined) return;
    this.call = undefined;
    this.simulation.tellTester(`learns that there is no answer to ${this.what}`, () => this.resolve(this.ifDead));
  }

  describe({ owner }: SimEvent): string {
    return `S${owner}: ${this.what}`;
  }
}
