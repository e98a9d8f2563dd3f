import { ImplementationError } from "../failure.ts";
import { type Happening, type Incarnation, SimEvent, TESTER } from "./sim-event.ts";

/** A call: of a timer's callback, of a sleeper's wake-up, of a method of a server. */
class Callback implements Happening {
  private readonly what: string;
  private readonly incarnation: Incarnation | undefined;
  // Set twice from the start, as `release` may later: V8 takes a field for constant until it sees it change, and then throws away all code that relied on it.
  private run: () => void = nothingToRun;

  constructor(incarnation: Incarnation | undefined, what: string, run: () => void) {
    this.incarnation = incarnation;
    this.what = what;
    this.run = run;
  }

  happen({ owner }: SimEvent): void {
    if (owner === TESTER) {
      this.run();
      return;
    }
    try {
      this.run();
    } catch (thrown) {
      throw ImplementationError.of(owner, this.what, thrown);
    }
  }

  waitsForOwner(): boolean {
    return true;
  }

  release(dead: Incarnation): void {
    if (this.incarnation === dead) this.run = nothingToRun;
  }

  describe({ owner }: SimEvent): string {
    return owner === TESTER ? `the test: ${this.what}` : `S${owner}: ${this.what}`;
  }
}

function nothingToRun(): void {}

/**
 * An event that is a call. `incarnation`: the life of the server it belongs to; undefined for the tester. `what`: names the call in reports, e.g. `a timer`.
 */
export function callbackEvent(kind: number, incarnation: Incarnation | undefined, what: string, run: () => void): SimEvent {
  const owner = incarnation === undefined ? TESTER : incarnation.server;
  return new SimEvent(kind, owner, incarnation, new Callback(incarnation, what, run));
}
