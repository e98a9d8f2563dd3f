import type { StartResult } from "@raft-stress/raft/api";
import { eventKinds, type Happening, SimEvent } from "../sim/sim-event.ts";
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
export class Offer implements Happening {
  private readonly event: SimEvent;
  private readonly cluster: OfferedCluster;
  private readonly commandFor: () => unknown;
  private readonly done: (accepted: Acceptance[]) => void;
  private readonly accepted: Acceptance[] = [];

  constructor(cluster: OfferedCluster, commandFor: () => unknown, done: (accepted: Acceptance[]) => void) {
    this.event = new SimEvent(eventKinds.enter, 0, undefined, this);
    this.cluster = cluster;
    this.commandFor = commandFor;
    this.done = done;
  }

  /** Goes on to the first live server from `server` on that is not paused; without one the offer is over. */
  goTo(server: number): void {
    if (!this.moveTo(server)) this.done(this.accepted);
  }

  private moveTo(server: number): boolean {
    const { cluster, event } = this;
    const { simulation, size } = cluster;
    let next = server;
    while (next < size && (!cluster.isAlive(next) || simulation.isPaused(next))) next++;
    if (next === size) return false;
    event.owner = next;
    simulation.schedule(event, callUs);
    return true;
  }

  happen({ owner: server }: SimEvent): void {
    const { cluster } = this;
    if (cluster.isAlive(server)) {
      const answer = cluster.startNow(server, this.commandFor());
      if (answer.isLeader) this.accepted.push({ server, index: answer.index, term: answer.term });
    }
    this.goTo(server + 1);
  }

  waitsForOwner({ owner }: SimEvent): boolean {
    // No event is under way in which the test could go on.
    if (!this.moveTo(owner + 1)) this.cluster.simulation.tellTester("has made its offers", () => this.done(this.accepted));
    return false;
  }

  /** An offer belongs to the tester: it goes on without the dead. */
  release(): void {}

  describe({ owner }: SimEvent): string {
    return `S${owner}: start()`;
  }
}
