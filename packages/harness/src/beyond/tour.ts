import { eventKinds, SimEvent } from "../sim/sim-event.ts";
import type { Simulation } from "../sim/simulation.ts";

/** Time that a look at one server takes: a test that looks again and again must not do so for ever at one instant. */
const visitUs = 10;

export interface TouredCluster {
  readonly simulation: Simulation;
  isAlive(server: number): boolean;
}

/**
 * Calls into some servers, one after the other, each call an event of that server's. One that is down when its turn comes is passed by, so a tour ends
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
    const { simulation } = this.#cluster;
    const servers = this.#servers;
    while (this.#next < servers.length && !this.#cluster.isAlive(servers[this.#next]!)) this.#next++;
    if (this.#next === servers.length) {
      this.#done();
      return;
    }
    this.owner = servers[this.#next]!;
    simulation.schedule(this, visitUs);
  }

  override fire(): void {
    const server = this.#servers[this.#next++]!;
    if (this.#cluster.isAlive(server)) this.#visit(server);
    this.#goOn();
  }

  /** A tour belongs to the tester: it goes on without the dead. */
  override release(): void {}

  override describe(): string {
    return `the test calls into S${this.owner}`;
  }
}
