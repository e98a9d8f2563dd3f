import type { ApplyMessage } from "@raft-stress/raft/api";
import { copiedDigest, copyOverWire } from "../net/wire.ts";
import { callbackEvent } from "../sim/callback.ts";
import { mix32 } from "../sim/random.ts";
import { eventKinds, type Incarnation, type SimEvent } from "../sim/sim-event.ts";
import type { Simulation } from "../sim/simulation.ts";

interface Pending {
  readonly message: ApplyMessage;
  /** Undefined when nobody waits for it. */
  readonly taken: (() => void) | undefined;
  /** The one behind it. */
  next: Pending | undefined;
}

/** How fast the service is. */
export interface ServicePace {
  /** Time it takes for one message. */
  readonly takeUs: number;
}

/** For all deliveries of servers that leave nothing to promises: to make one for each would cost as much as the delivery. */
const nobodyWaits = Promise.resolve();

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
  private readonly event: SimEvent;
  // A queue.
  private first: Pending | undefined = undefined;
  private last: Pending | undefined = undefined;

  /** `pace`: asked anew for each message. */
  constructor(simulation: Simulation, incarnation: Incarnation, take: (message: ApplyMessage) => void, pace = usualPace) {
    this.simulation = simulation;
    this.incarnation = incarnation;
    this.take = take;
    this.pace = pace;
    this.event = callbackEvent(eventKinds.apply, incarnation, "the apply channel", () => this.takeNext());
  }

  send(message: ApplyMessage): Promise<void> {
    const copy = this.copyMessage(message);
    if (this.simulation.synchronous) {
      this.append(copy, undefined);
      return nobodyWaits;
    }
    return new Promise((taken) => this.append(copy, taken));
  }

  private append(message: ApplyMessage, taken: (() => void) | undefined): void {
    if (!this.incarnation.alive) return;
    const pending = { message, taken, next: undefined };
    if (this.first === undefined) this.first = pending;
    else this.last!.next = pending;
    this.last = pending;
    if (this.event.heapIndex < 0) this.simulation.schedule(this.event, this.pace.takeUs);
  }

  private takeNext(): void {
    const pending = this.first!;
    this.first = pending.next;
    this.take(pending.message);
    pending.taken?.();
    // It may have crashed while it took the message: in a snapshot() call.
    if (this.first === undefined || !this.incarnation.alive) return;
    if (this.event.heapIndex < 0) this.simulation.schedule(this.event, this.pace.takeUs);
  }

  /** Checks the shape of what an implementation delivers, makes the service's own copy and adds it to the trace hash. */
  private copyMessage(message: ApplyMessage): ApplyMessage {
    const { type, index } = message;
    if (!Number.isSafeInteger(index)) throw new TypeError(`apply(message) needs a whole number as index, got ${String(index)}`);
    if (type === "command") {
      const command = copyOverWire(message.command);
      this.simulation.hash.mix(mix32(index, copiedDigest));
      return { type, index, command };
    }
    if (type !== "snapshot" || !(message.snapshot instanceof Uint8Array)) {
      throw new TypeError(`apply(message) needs type "command", or "snapshot" with a Uint8Array, got type ${JSON.stringify(type)}`);
    }
    const snapshot = copyOverWire(message.snapshot) as Uint8Array;
    this.simulation.hash.mix(mix32(index, copiedDigest));
    return { type, index, term: message.term, snapshot };
  }
}
