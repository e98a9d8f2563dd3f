import type { ApplyMessage, MakeRaft, Persister, Raft, RaftEnv, StartResult } from "@raft-stress/raft/api";
import type { CheckedCluster, Checks } from "../check/checks.ts";
import type { DiskContents } from "../check/write-ahead.ts";
import { ImplementationError } from "../failure.ts";
import { type ClientEnd, Network, NetworkServer } from "../net/network.ts";
import { copyOverWire } from "../net/wire.ts";
import { serverClock } from "../sim/clock.ts";
import { Host } from "../sim/host.ts";
import { mix32 } from "../sim/random.ts";
import type { Incarnation } from "../sim/sim-event.ts";
import { randomKeys, type Simulation } from "../sim/simulation.ts";
import { type Applier, plainApplier, SnapshotApplier } from "./appliers.ts";
import { ApplyChannel } from "./apply-channel.ts";
import { readDisk } from "./disk-reader.ts";
import { type Acceptance, Offer } from "./offer.ts";
import { endsAsPeers } from "./peers.ts";
import { MemoryPersister } from "./persister.ts";
import { ServiceLogs, showCommand } from "./service-log.ts";
import { checkRaft, checkServerState, checkStartResult, type ServerState } from "./shape.ts";

export interface ClusterOptions {
  readonly servers: number;
  /** Whether the service takes snapshots and demands gapless delivery. */
  readonly snapshots: boolean;
  /** Told of all that the servers do; undefined when nothing is checked. */
  readonly checks?: Checks | undefined;
}

const serverIsDown: Promise<StartResult> = Promise.resolve({ index: -1, term: -1, isLeader: false });
const nobody: Promise<undefined> = Promise.resolve(undefined);

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
export class Cluster implements CheckedCluster {
  readonly simulation: Simulation;
  readonly network: Network;
  readonly logs: ServiceLogs;
  readonly size: number;
  readonly checks: Checks | undefined;
  private readonly makeRaft: MakeRaft;
  private readonly snapshots: boolean;
  private readonly lives: (Life | undefined)[];
  private readonly connected: boolean[];
  private readonly persisters: MemoryPersister[];
  /** ends[from][to]. */
  private readonly ends: ClientEnd[][];
  private readonly boots: number[];

  constructor(simulation: Simulation, makeRaft: MakeRaft, options: ClusterOptions) {
    const { servers, checks } = options;
    this.simulation = simulation;
    this.checks = checks;
    this.network = new Network(simulation, undefined, checks);
    this.logs = new ServiceLogs(servers);
    this.size = servers;
    this.makeRaft = makeRaft;
    this.snapshots = options.snapshots;
    this.lives = new Array(servers).fill(undefined);
    this.connected = new Array(servers).fill(false);
    this.persisters = Array.from({ length: servers }, (_, server) => new MemoryPersister(simulation, server, checks));
    this.ends = Array.from({ length: servers }, () => []);
    this.boots = new Array(servers).fill(0);
    checks?.attach(this);
    if (checks !== undefined) simulation.onQuiet = (owner, drain) => checks.quiet(owner, drain);
  }

  hasFaults(): boolean {
    return !this.network.reliable || this.connected.includes(false);
  }

  readDisk(server: number, drain: () => void): DiskContents | undefined {
    return readDisk(
      { simulation: this.simulation, makeRaft: this.makeRaft, server, size: this.size, saved: this.persisters[server]!.copy() },
      drain,
    );
  }

  /** Whether the server has booted and not crashed since. */
  isAlive(server: number): boolean {
    return this.lives[server]?.raft !== undefined;
  }

  isConnected(server: number): boolean {
    return this.connected[server]!;
  }

  /** Bytes of persisted Raft state of the server that has most. */
  largestState(): number {
    return Math.max(...this.persisters.map((persister) => persister.stateSize()));
  }

  /**
   * Boots a server, first crashing the one that runs, with fresh ends and what its predecessor had saved. It is not connected: that is the
   * caller's next step.
   */
  async start(server: number): Promise<void> {
    await this.crash(server);
    const life = new Life(server);
    this.lives[server] = life;
    this.ends[server] = Array.from({ length: this.size }, (_, to) => this.network.makeEnd(server, to));
    this.persisters[server] = this.persisters[server]!.succeed();
    this.simulation.trace.test(`start S${server}`);
    await this.simulation.enter(life, "MakeRaft", () => this.boot(life));
  }

  /** Stops a server as a power failure does: what it had saved is left, nothing else. */
  async crash(server: number): Promise<void> {
    this.disconnect(server);
    this.network.deleteServer(server);
    const life = this.lives[server];
    if (life === undefined) return;
    this.simulation.trace.test(`crash S${server}`);
    this.lives[server] = undefined;
    this.persisters[server] = this.persisters[server]!.succeed();
    await this.simulation.enter(life, "kill()", () => {
      life.raft?.kill();
      life.alive = false;
      this.simulation.bury(life);
      this.checks?.died(server);
    });
  }

  connect(server: number): void {
    this.simulation.trace.test(`connect S${server}`);
    this.connected[server] = true;
    this.enableEnds(server, (peer) => this.connected[peer]!);
  }

  disconnect(server: number): void {
    if (this.connected[server]) this.simulation.trace.test(`disconnect S${server}`);
    this.connected[server] = false;
    this.enableEnds(server, () => false);
  }

  /** Proposes a command; `isLeader` is false when the server is down. */
  startCommand(server: number, command: unknown): Promise<StartResult> {
    const life = this.lives[server];
    if (life?.raft === undefined) return serverIsDown;
    return this.simulation.enter(life, "start()", () => this.startNow(server, command));
  }

  /** Proposes a command of its own to every live server in order; returns who took theirs. `commandFor` is called once for each. */
  offerToAll(commandFor: () => unknown): Promise<Acceptance[]> {
    return new Promise((done) => new Offer(this, commandFor, done).goTo(0));
  }

  /** start() on a live server, within an event of that server's. Throws an ImplementationError. */
  startNow(server: number, command: unknown): StartResult {
    let result: StartResult;
    try {
      result = checkStartResult(server, this.lives[server]!.raft!.start(ownCopy(command)));
    } catch (thrown) {
      throw ImplementationError.of(server, "start()", thrown);
    }
    this.checks?.started(server, command, result);
    if (!result.isLeader) return result;
    const { hash, trace } = this.simulation;
    hash.mix(mix32(result.index, result.term));
    if (trace.debugOn) trace.test(`S${server} takes ${showCommand(command)} at index ${result.index} in term ${result.term}`);
    return result;
  }

  /** Undefined when the server is down. */
  getState(server: number): Promise<ServerState | undefined> {
    const life = this.lives[server];
    if (life?.raft === undefined) return nobody;
    return this.simulation.enter(life, "getState()", () => {
      const state = checkServerState(server, life.raft!.getState());
      this.simulation.hash.mix((state.term << 1) | (state.isLeader ? 1 : 0));
      this.checks?.stateTold(server, state.term, state.isLeader);
      return state;
    });
  }

  /**
   * The end of the run: all servers die, calls fail. Each is told, as labrpc's cleanup does: on the real clock a server may have timers of Node's own, which
   * would go on for ever. The result is known by then; what kill() throws now is no news.
   */
  shutDown(): void {
    this.network.close();
    for (const life of this.lives) {
      if (life === undefined) continue;
      life.alive = false;
      this.simulation.currentServer = life.server;
      try {
        life.raft?.kill();
      } catch {}
    }
  }

  private boot(life: Life): void {
    const { server } = life;
    const boot = this.boots[server]!++;
    const { simulation } = this;
    simulation.hosts[server] = new Host(life, () => simulation.stream(randomKeys.ambient, server, boot));
    const saved = this.persisters[server]!.readSnapshot();
    const { checks } = this;
    const onSnapshot = checks && ((index: number, snapshot: Uint8Array) => checks.snapshotTaken(server, index, snapshot));
    const applier = this.snapshots ? new SnapshotApplier(server, this.logs, saved, onSnapshot) : plainApplier(server, this.logs);
    let raft: Raft;
    try {
      raft = checkRaft(this.makeRaft(this.env(life, boot, applier)));
    } catch (thrown) {
      throw ImplementationError.of(server, "MakeRaft", thrown);
    }
    life.raft = raft;
    checks?.booted(server, raft, applier instanceof SnapshotApplier ? applier.lastApplied : 0);
    this.network.addServer(server, new NetworkServer(life, raft.handlers));
  }

  private env(life: Life, boot: number, applier: Applier): RaftEnv {
    const { simulation } = this;
    const { server } = life;
    const random = simulation.stream(randomKeys.server, server, boot);
    const channel = new ApplyChannel(simulation, life, (message) => {
      traceApply(simulation, server, message);
      this.checks?.applied(server, message);
      applier.take(message, life.raft);
    });
    return {
      me: server,
      peers: endsAsPeers(this.network, life, this.ends[server]!),
      persister: unbound(this.persisters[server]!),
      clock: serverClock(simulation, life),
      random: { next: () => random.next(), int: (lo, hi) => random.int(lo, hi) },
      apply: (message) => channel.send(message),
      log: (topic, message) => {
        // Checked whether or not a trace is recorded: what throws must throw in every pass.
        if (typeof topic !== "string" || typeof message !== "string") {
          throw new TypeError(`log(topic, message) needs two strings, got ${typeof topic} and ${typeof message}`);
        }
        if (life.alive) simulation.trace.line(topic, server, message);
      },
    };
  }

  private enableEnds(server: number, enabled: (peer: number) => boolean): void {
    for (let peer = 0; peer < this.size; peer++) {
      const on = this.connected[server]! && enabled(peer);
      const outgoing = this.ends[server]![peer];
      const incoming = this.ends[peer]![server];
      if (outgoing !== undefined) outgoing.enabled = on;
      if (incoming !== undefined) incoming.enabled = on;
    }
  }
}

/** The environment is plain objects all through, so that a wrapper can spread it and take its functions out. */
function unbound(persister: MemoryPersister): Persister {
  return {
    save: (state, snapshot) => persister.save(state, snapshot),
    readState: () => persister.readState(),
    readSnapshot: () => persister.readSnapshot(),
    stateSize: () => persister.stateSize(),
    snapshotSize: () => persister.snapshotSize(),
  };
}

/** No two servers share an object. */
function ownCopy(command: unknown): unknown {
  return typeof command === "object" && command !== null ? copyOverWire(command) : command;
}

function traceApply(simulation: Simulation, server: number, message: ApplyMessage): void {
  if (!simulation.trace.debugOn) return;
  if (message.type === "command")
    simulation.trace.line("CMIT", server, `applied ${showCommand(message.command)} at index ${message.index}`);
  else simulation.trace.line("SNAP", server, `applied a snapshot as of index ${message.index}, term ${message.term}`);
}
