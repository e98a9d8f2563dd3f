import type { ApplyMessage, MakeRaft, Raft, RaftEnv } from "@raft-stress/raft/api";
import { ImplementationError } from "../failure.ts";
import { type ClientEnd, Network, NetworkServer } from "../net/network.ts";
import { serverClock } from "../sim/clock.ts";
import type { Incarnation } from "../sim/sim-event.ts";
import { randomKeys, type Simulation } from "../sim/simulation.ts";
import { type Applier, plainApplier, SnapshotApplier } from "./appliers.ts";
import { ApplyChannel } from "./apply-channel.ts";
import { endsAsPeers } from "./peers.ts";
import { MemoryPersister } from "./persister.ts";
import { ServiceLogs, showCommand } from "./service-log.ts";
import { checkRaft } from "./shape.ts";

export interface ClusterOptions {
  readonly servers: number;
  /** Whether the service takes snapshots and demands gapless delivery. */
  readonly snapshots: boolean;
}

/** One life of a server. */
class Life implements Incarnation {
  readonly server: number;
  alive = true;
  raft: Raft | undefined;

  constructor(server: number) {
    this.server = server;
  }
}

/**
 * The servers of one run and what the tester does to them: start, crash, connect, disconnect. Every call into a server is an event of that
 * server's, at the present instant.
 */
export class Cluster {
  readonly simulation: Simulation;
  readonly network: Network;
  readonly logs: ServiceLogs;
  readonly size: number;
  readonly #makeRaft: MakeRaft;
  readonly #snapshots: boolean;
  readonly #lives: (Life | undefined)[];
  readonly #connected: boolean[];
  readonly #persisters: MemoryPersister[];
  /** ends[from][to]. */
  readonly #ends: ClientEnd[][];
  readonly #boots: number[];

  constructor(simulation: Simulation, makeRaft: MakeRaft, options: ClusterOptions) {
    const { servers } = options;
    this.simulation = simulation;
    this.network = new Network(simulation);
    this.logs = new ServiceLogs(servers);
    this.size = servers;
    this.#makeRaft = makeRaft;
    this.#snapshots = options.snapshots;
    this.#lives = new Array(servers).fill(undefined);
    this.#connected = new Array(servers).fill(false);
    this.#persisters = Array.from({ length: servers }, (_, server) => new MemoryPersister(simulation, server));
    this.#ends = Array.from({ length: servers }, () => []);
    this.#boots = new Array(servers).fill(0);
  }

  isAlive(server: number): boolean {
    return this.#lives[server] !== undefined;
  }

  isConnected(server: number): boolean {
    return this.#connected[server]!;
  }

  /** Bytes of persisted Raft state of the server that has most. */
  largestState(): number {
    return Math.max(...this.#persisters.map((persister) => persister.stateSize()));
  }

  /**
   * Boots a server, first crashing the one that runs, with fresh ends and what its predecessor had saved. It is not connected: that is the
   * caller's next step.
   */
  async start(server: number): Promise<void> {
    await this.crash(server);
    const life = new Life(server);
    this.#lives[server] = life;
    this.#ends[server] = Array.from({ length: this.size }, (_, to) => this.network.makeEnd(server, to));
    this.#persisters[server] = this.#persisters[server]!.succeed();
    this.simulation.trace.test(`start S${server}`);
    await this.simulation.enter(life, "MakeRaft", () => this.#boot(life));
  }

  /** Stops a server as a power failure does: what it had saved is left, nothing else. */
  async crash(server: number): Promise<void> {
    this.disconnect(server);
    this.network.deleteServer(server);
    const life = this.#lives[server];
    if (life === undefined) return;
    this.simulation.trace.test(`crash S${server}`);
    this.#lives[server] = undefined;
    this.#persisters[server] = this.#persisters[server]!.succeed();
    await this.simulation.enter(life, "kill()", () => {
      life.raft?.kill();
      life.alive = false;
    });
  }

  connect(server: number): void {
    this.simulation.trace.test(`connect S${server}`);
    this.#connected[server] = true;
    this.#enableEnds(server, (peer) => this.#connected[peer]!);
  }

  disconnect(server: number): void {
    if (this.#connected[server]) this.simulation.trace.test(`disconnect S${server}`);
    this.#connected[server] = false;
    this.#enableEnds(server, () => false);
  }

  /** Proposes a command; undefined when the server is down. */
  async startCommand(server: number, command: unknown): Promise<{ index: number; term: number; isLeader: boolean } | undefined> {
    const result = await this.#call(server, "start()", (raft) => raft.start(command));
    if (result === undefined) return undefined;
    if (result.isLeader) {
      this.simulation.trace.test(`S${server} takes ${showCommand(command)} at index ${result.index} in term ${result.term}`);
    }
    return result;
  }

  /** Undefined when the server is down. */
  getState(server: number): Promise<{ term: number; isLeader: boolean } | undefined> {
    return this.#call(server, "getState()", (raft) => raft.getState());
  }

  /** The end of the run: all servers die, calls fail. */
  shutDown(): void {
    this.network.close();
    for (const life of this.#lives) {
      if (life !== undefined) life.alive = false;
    }
  }

  async #call<T extends object>(server: number, what: string, call: (raft: Raft) => T): Promise<T | undefined> {
    const life = this.#lives[server];
    if (life === undefined) return undefined;
    return this.simulation.enter(life, what, () => {
      const raft = life.raft;
      return raft === undefined ? undefined : checkAnswer(server, what, call(raft), this.simulation);
    });
  }

  #boot(life: Life): void {
    const { server } = life;
    const saved = this.#persisters[server]!.readSnapshot();
    const applier: Applier = this.#snapshots ? new SnapshotApplier(server, this.logs, saved) : plainApplier(server, this.logs);
    let raft: Raft;
    try {
      raft = checkRaft(this.#makeRaft(this.#env(life, applier)));
    } catch (thrown) {
      throw ImplementationError.of(server, "MakeRaft", thrown);
    }
    life.raft = raft;
    this.network.addServer(server, new NetworkServer(life, raft.handlers));
  }

  #env(life: Life, applier: Applier): RaftEnv {
    const { simulation } = this;
    const { server } = life;
    const channel = new ApplyChannel(simulation, life, (message) => {
      traceApply(simulation, server, message);
      applier.take(message, life.raft);
    });
    return {
      me: server,
      peers: endsAsPeers(this.network, life, this.#ends[server]!),
      persister: this.#persisters[server]!,
      clock: serverClock(simulation, life),
      random: simulation.stream(randomKeys.server, server, this.#boots[server]!++),
      apply: (message) => channel.send(message),
      log: (topic, message) => {
        if (life.alive) simulation.trace.line(topic, server, message);
      },
    };
  }

  #enableEnds(server: number, enabled: (peer: number) => boolean): void {
    for (let peer = 0; peer < this.size; peer++) {
      const on = this.#connected[server]! && enabled(peer);
      const outgoing = this.#ends[server]![peer];
      const incoming = this.#ends[peer]![server];
      if (outgoing !== undefined) outgoing.enabled = on;
      if (incoming !== undefined) incoming.enabled = on;
    }
  }
}

/** An answer must be a plain object of numbers and booleans; `start()` must not return a promise. */
function checkAnswer<T extends object>(server: number, what: string, answer: T, simulation: Simulation): T {
  const { term, isLeader, index } = answer as { term?: unknown; isLeader?: unknown; index?: unknown };
  const needsIndex = what === "start()" && isLeader === true;
  if (typeof term !== "number" || typeof isLeader !== "boolean" || (needsIndex && typeof index !== "number")) {
    const got = (answer as unknown) instanceof Promise ? "a promise" : JSON.stringify(answer);
    const shape = what === "start()" ? "{ index, term, isLeader }" : "{ term, isLeader }";
    throw new ImplementationError(server, what, new TypeError(`expected ${shape} at once, got ${got}`));
  }
  simulation.hash.mix((term << 1) | (isLeader ? 1 : 0));
  if (needsIndex) simulation.hash.mix(index as number);
  return answer;
}

function traceApply(simulation: Simulation, server: number, message: ApplyMessage): void {
  if (!simulation.trace.debugOn) return;
  if (message.type === "command")
    simulation.trace.line("CMIT", server, `applied ${showCommand(message.command)} at index ${message.index}`);
  else simulation.trace.line("SNAP", server, `applied a snapshot as of index ${message.index}, term ${message.term}`);
}
