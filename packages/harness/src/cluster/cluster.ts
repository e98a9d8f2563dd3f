import type { ApplyMessage, MakeRaft, Raft, RaftEnv, StartResult } from "@raft-stress/raft/api";
import { checkNothingOutlives } from "../ambient/tampering.ts";
import type { CheckedCluster, Checks } from "../check/checks.ts";
import type { DiskContents } from "../check/write-ahead.ts";
import { ImplementationError } from "../failure.ts";
import { listOf } from "../list-of.ts";
import { fullMesh, type Links } from "../net/links.ts";
import { type ClientEnd, Network, NetworkServer } from "../net/network.ts";
import { copyOverWire } from "../net/wire.ts";
import { Host } from "../sim/host.ts";
import { mix32 } from "../sim/random.ts";
import { randomKeys } from "../sim/random-keys.ts";
import type { Simulation } from "../sim/simulation.ts";
import { type Applier, labSnapshots, plainApplier, SnapshotApplier } from "./appliers.ts";
import { ApplyChannel, usualPace } from "./apply-channel.ts";
import { type ArmedCrash, type CrashPoint, CrashPoints } from "./crash-points.ts";
import { readDisk } from "./disk-reader.ts";
import { environmentOf } from "./environment.ts";
import { Life } from "./life.ts";
import { type Acceptance, Offer } from "./offer.ts";
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

const noAnswer: StartResult = { index: -1, term: -1, isLeader: false };
const serverIsDown: Promise<StartResult> = Promise.resolve(noAnswer);
const nobody: Promise<undefined> = Promise.resolve(undefined);

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
  /** Commands between two snapshots by the service, from now on; Infinity: never. For clusters whose service takes snapshots. */
  snapshotInterval = labSnapshots.snapshotInterval;
  private readonly makeRaft: MakeRaft;
  private readonly snapshots: boolean;
  private readonly lives: (Life | undefined)[];
  private readonly connected: boolean[];
  private readonly persisters: MemoryPersister[];
  /** ends[from][to]. */
  private readonly ends: ClientEnd[][];
  private readonly paces: { takeUs: number }[];
  private readonly boots: number[];
  /** Undefined while no test has asked for one. */
  private crashPoints: CrashPoints | undefined = undefined;

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
    this.persisters = listOf(servers, (server) => new MemoryPersister(simulation, server, checks));
    this.ends = listOf(servers, () => []);
    this.paces = listOf(servers, () => ({ ...usualPace }));
    this.boots = new Array(servers).fill(0);
    checks?.attach(this);
  }

  hasFaults(): boolean {
    return !this.network.reliable || this.network.links !== undefined || this.connected.includes(false);
  }

  readDisk(server: number, drain: () => void): DiskContents | undefined {
    const { simulation, network, makeRaft } = this;
    return readDisk({ simulation, network, makeRaft, server, ends: this.ends[server]!, saved: this.persisters[server]!.copy() }, drain);
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
    // Somebody else may have started it meanwhile, at this very instant: no server has two lives.
    while (this.lives[server] !== undefined) await this.crash(server);
    const life = new Life(server);
    this.lives[server] = life;
    this.ends[server] = listOf(this.size, (to) => this.network.makeEnd(server, to));
    this.persisters[server] = this.persisters[server]!.succeed();
    this.simulation.trace.test(`start S${server}`);
    await this.simulation.ask(life, "MakeRaft", () => this.boot(life), undefined);
  }

  /** Stops a server as a power failure does: what it had saved is left, nothing else. */
  async crash(server: number): Promise<void> {
    if (this.isPaused(server)) {
      await this.crashAtOnce(server);
      return;
    }
    const life = this.takeAway(server);
    if (life === undefined) return;
    const kill = () => {
      life.kill();
      life.alive = false;
      this.simulation.bury(life);
    };
    await this.simulation.enter(life, "kill()", kill);
  }

  /**
   * Sets how long the server's service takes for each message, from the next one on: deliveries wait for one another, so that a slow service lags far behind
   * what is committed, and its snapshots come late.
   */
  setApplyTime(server: number, takeMs: number): void {
    this.paces[server]!.takeUs = Math.round(takeMs * 1000);
    if (takeMs * 1000 > usualPace.takeUs) this.checks?.coverage.count("slowApplies");
  }

  /**
   * Sets a point at which the server is going to crash, within the event that reaches it: its life is over at once, also for the code that still runs. A test
   * learns of it by the promise, restarts the server and connects it.
   */
  armCrash(server: number, point: CrashPoint): ArmedCrash {
    if (this.crashPoints === undefined) {
      this.crashPoints = new CrashPoints(this.simulation, this.size, (crashing, reached) => {
        if (reached.at === "save") this.checks?.coverage.count(reached.moment === "before" ? "crashesBeforeSave" : "crashesAfterSave");
        void this.crashAtOnce(crashing);
      });
      this.network.deliveries = this.crashPoints;
      for (const persister of this.persisters) persister.watch = this.crashPoints;
    }
    return this.crashPoints.arm(server, point);
  }

  /** The server dies in the event under way. It is told by kill() all the same, after that event: what it does then goes nowhere. */
  private async crashAtOnce(server: number): Promise<void> {
    const life = this.takeAway(server);
    if (life === undefined) return;
    const { simulation } = this;
    life.alive = false;
    simulation.dieInEvent(server);
    simulation.bury(life);
    // What was held for the dead happens to the others: their calls fail.
    simulation.resume(server);
    await simulation.enter({ server, alive: true }, "kill()", () => life.kill());
  }

  isPaused(server: number): boolean {
    return this.simulation.isPaused(server);
  }

  /**
   * Stops a server in its tracks, as a stopped process or a long collection of garbage does: nothing happens at it, nobody gets an answer from it, its clock goes on.
   * Calls of the tester into it wait, but offers to all pass it by. A server that is down can't be paused; a crash ends the pause.
   */
  pause(server: number): void {
    if (!this.isAlive(server) || this.isPaused(server)) return;
    this.simulation.trace.test(`pause S${server}`);
    this.checks?.coverage.count("pausedServers");
    this.simulation.pause(server);
  }

  /** A paused server goes on: all that was due at it happens now, in order. */
  resume(server: number): void {
    if (!this.isPaused(server)) return;
    this.simulation.trace.test(`resume S${server}`);
    this.simulation.resume(server);
  }

  /**
   * Lets a server's clock and timers run at another rate than time does, through restarts: 1 is time's own. To a thousandth. On the real clock it has no effect.
   */
  setClockRate(server: number, rate: number): void {
    if (!(rate >= 0.001 && rate <= 1000)) throw new RangeError(`a clock rate must be 0.001 to 1000, got ${rate}`);
    if (!this.simulation.isVirtual) return;
    if (rate !== 1) this.checks?.coverage.count("skewedClocks");
    this.simulation.trace.test(`the clock of S${server} runs at rate ${rate}`);
    this.simulation.setClockRate(server, Math.round(rate * 1000));
  }

  /** Takes a server off the network and its disk away; returns the life that is to end, undefined if none runs. */
  private takeAway(server: number): Life | undefined {
    this.disconnect(server);
    this.network.deleteServer(server);
    const life = this.lives[server];
    if (life === undefined) return undefined;
    this.simulation.trace.test(`crash S${server}`);
    // From here on nothing that it still says reaches anybody, and nothing that it saves is kept.
    this.checks?.died(server);
    this.lives[server] = undefined;
    this.persisters[server] = this.persisters[server]!.succeed();
    return life;
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

  /** Cuts the direction from -> to: of requests and of replies that travel that way. Connecting and disconnecting servers is apart from it. */
  cut(from: number, to: number): void {
    this.setLinks((this.network.links ?? fullMesh(this.size)).cut(from, to));
  }

  mend(from: number, to: number): void {
    if (this.network.links !== undefined) this.setLinks(this.network.links.mend(from, to));
  }

  /** Sets which directions are open; undefined: all. */
  setLinks(links: Links | undefined): void {
    this.simulation.trace.test(links === undefined ? "open all links" : `links ${links}`);
    this.network.links = links;
    if (links !== undefined) this.checks?.coverage.count("cutLinks");
  }

  /** Proposes a command; `isLeader` is false when the server is down. */
  startCommand(server: number, command: unknown): Promise<StartResult> {
    const life = this.lives[server];
    if (life?.raft === undefined) return serverIsDown;
    // A crash at this very instant may have taken it away when the call comes.
    const call = () => (this.lives[server] === life ? this.startNow(server, command) : noAnswer);
    return this.simulation.ask(life, "start()", call, noAnswer);
  }

  /** Proposes a command of its own to every live server in order; returns who took theirs. `commandFor` is called once for each. */
  offerToAll(commandFor: () => unknown): Promise<Acceptance[]> {
    return new Promise((done) => new Offer(this, commandFor, done).goTo(0));
  }

  /** start() on a live server, within an event of that server's. Throws an ImplementationError. */
  startNow(server: number, command: unknown): StartResult {
    const life = this.lives[server]!;
    let result: StartResult;
    try {
      result = checkStartResult(server, life.raft!.start(typeof command === "object" ? ownCopy(command) : command));
    } catch (thrown) {
      // It crashed before it threw.
      if (!life.alive) return this.unanswered(command);
      throw ImplementationError.of(server, "start()", thrown);
    }
    if (!life.alive) return this.unanswered(command);
    this.checks?.started(server, command, result);
    if (!result.isLeader) return result;
    const { hash, trace } = this.simulation;
    hash.mix(mix32(result.index, result.term));
    if (trace.debugOn) trace.test(`S${server} takes ${showCommand(command)} at index ${result.index} in term ${result.term}`);
    return result;
  }

  /** The server has crashed in start(). */
  private unanswered(command: unknown): StartResult {
    this.checks?.startUnanswered(command);
    return noAnswer;
  }

  /** Undefined when the server is down. */
  getState(server: number): Promise<ServerState | undefined> {
    const life = this.lives[server];
    if (life?.raft === undefined) return nobody;
    const call = () => (this.lives[server] === life ? this.stateNow(server) : undefined);
    return this.simulation.ask<ServerState | undefined>(life, "getState()", call, undefined);
  }

  /** getState() of a live server, within an event of that server's. */
  stateNow(server: number): ServerState {
    const state = checkServerState(server, this.lives[server]!.raft!.getState());
    this.simulation.hash.mix((state.term << 1) | (state.isLeader ? 1 : 0));
    this.checks?.stateTold(server, state.term, state.isLeader);
    return state;
  }

  /**
   * The end of the run: all servers die, calls fail. Each is told, as labrpc's cleanup does: on the real clock a server may have timers of Node's own, which
   * would go on for ever. What kill() throws now is no news; what it delivers to a service is.
   */
  shutDown(): void {
    this.network.close();
    for (const life of this.lives) {
      if (life === undefined) continue;
      life.alive = false;
      this.simulation.currentServer = life.server;
      try {
        life.kill();
      } catch {}
    }
  }

  private boot(life: Life): void {
    const { server } = life;
    const boot = this.boots[server]!++;
    if (boot > 0) checkNothingOutlives(server);
    const { simulation } = this;
    simulation.hosts[server] = new Host(life, () => simulation.stream(randomKeys.ambient, server, boot));
    const saved = this.persisters[server]!.readSnapshot();
    const { checks } = this;
    const onSnapshot = checks && ((index: number, snapshot: Uint8Array) => checks.snapshotTaken(server, index, snapshot));
    const applier = this.snapshots ? new SnapshotApplier(server, this.logs, saved, this, onSnapshot) : plainApplier(server, this.logs);
    let raft: Raft;
    try {
      raft = checkRaft(this.makeRaft(this.env(life, boot, applier)));
    } catch (thrown) {
      throw ImplementationError.of(server, "MakeRaft", thrown);
    }
    life.raft = raft;
    if (!life.alive) return;
    checks?.booted(server, raft, applier instanceof SnapshotApplier ? applier.lastApplied : 0);
    const known = new NetworkServer(life, raft.handlers);
    known.listens = false;
    this.network.addServer(server, known);
  }

  private env(life: Life, boot: number, applier: Applier): RaftEnv {
    const { simulation, network } = this;
    const { server } = life;
    const take = (message: ApplyMessage) => {
      traceApply(simulation, server, message);
      this.checks?.applied(server, message);
      applier.take(message, life.raft);
    };
    const channel = new ApplyChannel(simulation, life, take, this.paces[server]);
    const apply = (message: ApplyMessage): Promise<void> => {
      if (life.killed) failForApply(simulation, server, apply);
      return channel.send(message);
    };
    return environmentOf(life, {
      simulation,
      network,
      ends: this.ends[server]!,
      random: simulation.stream(randomKeys.server, server, boot),
      saved: this.persisters[server]!,
      apply,
    });
  }

  private enableEnds(server: number, enabled: (peer: number) => boolean): void {
    const known = this.network.server(server);
    if (known !== undefined) known.listens = this.connected[server]!;
    for (let peer = 0; peer < this.size; peer++) {
      const on = this.connected[server]! && enabled(peer);
      const outgoing = this.ends[server]![peer];
      const incoming = this.ends[peer]![server];
      if (outgoing !== undefined) outgoing.enabled = on;
      if (incoming !== undefined) incoming.enabled = on;
    }
  }
}

/** Only kill() itself, and promises that it wakes, can come to this: all else of the dead never runs. `caller`: the function that was called. */
function failForApply(simulation: Simulation, server: number, caller: (message: ApplyMessage) => unknown): void {
  const told = "called env.apply() after it was killed: a dead server delivers nothing";
  const error = new Error(told);
  captureStackTrace(error, caller);
  simulation.failLate(new ImplementationError(server, "env.apply()", error, told));
}

// Code under test may replace it.
const { captureStackTrace } = Error;

/** No two servers share an object. */
function ownCopy(command: object | null): unknown {
  return command === null ? null : copyOverWire(command);
}

function traceApply(simulation: Simulation, server: number, message: ApplyMessage): void {
  if (!simulation.trace.debugOn) return;
  if (message.type === "command")
    simulation.trace.line("CMIT", server, `applied ${showCommand(message.command)} at index ${message.index}`);
  else simulation.trace.line("SNAP", server, `applied a snapshot as of index ${message.index}, term ${message.term}`);
}
