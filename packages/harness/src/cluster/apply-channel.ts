import type { ApplyMessage } from "@raft-stress/raft/api";
import { copiedDigest, copyOverWire } from "../net/wire.ts";
import { mix32 } from "../sim/random.ts";
import { CallbackEvent, eventKinds, type Incarnation } from "../sim/sim-event.ts";
import type { Simulation } from "../sim/simulation.ts";

interface Pending {
  readonly message: ApplyMessage;
  readonly taken: () => void;
}

/** How fast the service is. */
export interface ServicePace {
  /** Time it takes for one message. */
  readonly takeUs: number;
}

export const usualPace: ServicePace = { takeUs: 5 };

/**
 * The apply channel of one life of a server: messages wait in order, each is taken in an event of its own. What still waits when the server
 * dies is lost with it.
 */
export class ApplyChannel {
  private readonly simulation: Simulation;
  private readonly incarnation: Incarnation;
  private readonly take: (message: ApplyMessage) => void;
  private readonly pace: ServicePace;
  /** The one event of the channel, scheduled whenever something waits. */
  private readonly event: CallbackEvent;
  private waiting: Pending[] = [];
  private taking: Pending[] = [];
  private next = 0;

  /** `pace`: asked anew for each message. */
  constructor(simulation: Simulation, incarnation: Incarnation, take: (message: ApplyMessage) => void, pace = usualPace) {
    this.simulation = simulation;
    this.incarnation = incarnation;
    this.take = take;
    this.pace = pace;
    this.event = new CallbackEvent(eventKinds.apply, incarnation, "the apply channel", () => this.takeNext());
  }

  send(message: ApplyMessage): Promise<void> {
    const copy = this.copyMessage(message);
    return new Promise((taken) => {
      if (!this.incarnation.alive) return;
      this.waiting.push({ message: copy, taken });
      if (this.event.heapIndex < 0) this.simulation.schedule(this.event, this.pace.takeUs);
    });
  }

  private takeNext(): void {
    if (this.next >= this.taking.length) {
      // Two arrays in turn: taking from the front costs nothing however long the queue is.
      [this.taking, this.waiting] = [this.waiting, this.taking];
      this.waiting.length = 0;
      this.next = 0;
    }
    const pending = this.taking[this.next++]!;
    this.take(pending.message);
    pending.taken();
    // It may have crashed while it took the message: in a snapshot() call.
    if (!this.incarnation.alive) return;
    if (this.next >= this.taking.length && this.waiting.length === 0) return;
    if (this.event.heapIndex < 0) this.simulation.schedule(this.event, this.pace.takeUs);
  }

  /** Checks the shape of what an implementation delivers, makes the service's own copy and adds it to the trace hash. */
  private copyMessage(message: ApplyMessage): ApplyMessage {
    const { type, index } = message;
    if (!Number.isSafeInteger(index)) throw new TypeError(`apply(message) needs a whole number as index, got ${String(index)}`);
    if (type === "command") {
      const command = copyOverWire(message.command);
      this.simulation.hash.mix(mix32(index, copiedDigest()));
      return { type, index, command };
    }
    if (type !== "snapshot" || !(message.snapshot instanceof Uint8Array)) {
      throw new TypeError(`apply(message) needs type "command", or "snapshot" with a Uint8Array, got type ${JSON.stringify(type)}`);
    }
    const snapshot = copyOverWire(message.snapshot) as Uint8Array;
    this.simulation.hash.mix(mix32(index, copiedDigest()));
    return { type, index, term: message.term, snapshot };
  }
}
