import { eventKinds, SimEvent } from "../sim/sim-event.ts";
import type { Simulation } from "../sim/simulation.ts";

/** Time that a look at one server takes: a test that looks again and again must not do so for ever at one instant. */
const visitUs = 10;

export interface TouredCluster {
  readonly simulation: Simulation;
  isAlive(server: number): boolean;
  isPaused(server: number): boolean;
}

/**
 * Calls into some servers, one after the other, each call an event of that server's. One that is down or paused when its turn comes is passed by, so a tour ends
 * whatever happens to the servers meanwhile.
 */
export class Tour extends SimEvent {
  readonly #cluster: TouredCluster;
  readonly #servers: readonly number[];
  readonly #visit: (server: number) => void;
  readonly #done: () => void;
  #next = 0;

  private constructor(cluster: TouredCluster, servers: readonly number[], visit: (server: number) => void, done: () => void) {
    super(eventKinds.enter, 0, undefined);
    this.#cluster = cluster;
    this.#servers = servers;
    this.#visit = visit;
    this.#done = done;
  }

  static of(cluster: TouredCluster, servers: readonly number[], visit: (server: number) => void): Promise<void> {
    return new Promise((done) => new Tour(cluster, servers, visit, done).#goOn());
  }

  #goOn(): void {
    if (!this.#setOut()) this.#done();
  }

  /** On the way to the next server that can be visited; false when there is none. */
  #setOut(): boolean {
    const cluster = this.#cluster;
    const servers = this.#servers;
    const canVisit = (server: number) => cluster.isAlive(server) && !cluster.isPaused(server);
    while (this.#next < servers.length && !canVisit(servers[this.#next]!)) this.#next++;
    if (this.#next === servers.length) return false;
    this.owner = servers[this.#next]!;
    cluster.simulation.schedule(this, visitUs);
    return true;
  }

  override fire(): void {
    const server = this.#servers[this.#next++]!;
    if (this.#cluster.isAlive(server)) this.#visit(server);
    this.#goOn();
  }

  override waitsForOwner(): boolean {
    this.#next++;
    // No event is under way in which the test could go on.
    if (!this.#setOut()) this.#cluster.simulation.tellTester("has been everywhere", this.#done);
    return false;
  }

  /** A tour belongs to the tester: it goes on without the dead. */
  override release(): void {}

  override describe(): string {
    return `the test calls into S${this.owner}`;
  }
}
