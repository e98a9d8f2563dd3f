import type { StartResult } from "@raft-stress/raft/api";
import { eventKinds, SimEvent } from "../sim/sim-event.ts";
import type { Simulation } from "../sim/simulation.ts";

/** A server that took an offered command as leader. */
export interface Acceptance {
  readonly server: number;
  readonly index: number;
  readonly term: number;
}

export interface OfferedCluster {
  readonly simulation: Simulation;
  readonly size: number;
  isAlive(server: number): boolean;
  /** Calls start() now; the caller sees to it that this is an event of the server's. */
  startNow(server: number, command: unknown): StartResult;
}

/** Time a call takes: a client that offers again and again must not do so for ever at one instant. */
const callUs = 10;

/**
 * start() on every live server in order, each call an event of that server's. It is one event that goes from server to server: tests offer thousands of
 * commands, and a promise for each answer would cost more than the answers.
 */
export class Offer extends SimEvent {
  private readonly cluster: OfferedCluster;
  private readonly commandFor: () => unknown;
  private readonly done: (accepted: Acceptance[]) => void;
  private readonly accepted: Acceptance[] = [];

  constructor(cluster: OfferedCluster, commandFor: () => unknown, done: (accepted: Acceptance[]) => void) {
    super(eventKinds.enter, 0, undefined);
    this.cluster = cluster;
    this.commandFor = commandFor;
    this.done = done;
  }

  /** Goes on to the first live server from `server` on; without one the offer is over. */
  goTo(server: number): void {
    let next = server;
    while (next < this.cluster.size && !this.cluster.isAlive(next)) next++;
    if (next === this.cluster.size) {
      this.done(this.accepted);
      return;
    }
    this.owner = next;
    this.cluster.simulation.schedule(this, callUs);
  }

  override fire(): void {
    const server = this.owner;
    if (this.cluster.isAlive(server)) {
      const { index, term, isLeader } = this.cluster.startNow(server, this.commandFor());
      if (isLeader) this.accepted.push({ server, index, term });
    }
    this.goTo(server + 1);
  }

  /** An offer belongs to the tester: it goes on without the dead. */
  override release(): void {}

  override describe(): string {
    return `S${this.owner}: start()`;
  }
}
