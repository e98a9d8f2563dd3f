import type { MakeRaft } from "@raft-stress/raft/api";
import { Checks } from "../../src/check/checks.ts";
import { Cluster } from "../../src/cluster/cluster.ts";
import type { ArmedCrash, CrashMoment, CrashPoint } from "../../src/cluster/crash-points.ts";
import { TestFailure } from "../../src/failure.ts";
import { bridge, chain, deaf, fullMesh, type Links, mute, oneWayCut, partition, ring, star } from "../../src/net/links.ts";
import type { EventQueue } from "../../src/sim/event-queue.ts";
import { logUniform, type RandomStream } from "../../src/sim/random.ts";
import { randomKeys } from "../../src/sim/random-keys.ts";
import type { Simulation } from "../../src/sim/simulation.ts";
import { newSimulation, runScript, type WorldOptions } from "./world.ts";

export interface ChaosOptions extends Pick<WorldOptions, "traceLevel" | "watch" | "adversary"> {
  /** The kinds of faults that there are; all unless told. */
  readonly only?: readonly string[];
}

export interface ChaosRun {
  readonly hash: string;
  readonly events: number;
  /** Commands that were committed under faults. */
  readonly committed: number;
  /** Events that were still to come at the end. */
  readonly left: number;
  readonly leftOfDead: number;
  /** How often each kind of fault was made. */
  readonly did: Readonly<Record<string, number>>;
}

/** What is going on for how long, in virtual ms. */
const stormMs = 20_000;
const calmMs = 60_000;

/**
 * A run in which all kinds of faults come at random and overlap as they like, while a client goes on proposing; at last all of them end, and the cluster must
 * come to agree on one more command everywhere. Throws what went wrong.
 */
export async function chaos(makeRaft: MakeRaft, seed: number, { only, ...options }: ChaosOptions = {}): Promise<ChaosRun> {
  const limits = { maxVirtualMs: 10 * (stormMs + calmMs) };
  const simulation = newSimulation({ ...options, seed: { high: 0xc4a05, low: seed }, limits });
  const random = simulation.stream(randomKeys.tester, 0);
  const servers = [1, 2, 3, 3, 4, 5, 5, 7][random.int(0, 8)]!;
  const snapshots = random.int(0, 2) === 0;
  const checks = new Checks(simulation, { servers, snapshots, thorough: false, diskAt: [] });
  const cluster = new Cluster(simulation, makeRaft, { servers, snapshots, checks });
  const storm = new Storm(simulation, cluster, random, only);
  await runScript(simulation, () => storm.run());
  const left = [...(simulation as unknown as { queue: EventQueue }).queue.values()];
  const leftOfDead = left.filter(({ incarnation }) => incarnation?.alive === false).length;
  cluster.shutDown();
  return {
    hash: simulation.hash.toString(),
    events: simulation.events,
    committed: storm.committed,
    did: storm.did,
    left: left.length,
    leftOfDead,
  };
}

class Storm {
  readonly did: Record<string, number> = {};
  committed = 0;
  readonly #simulation: Simulation;
  readonly #cluster: Cluster;
  readonly #random: RandomStream;
  readonly #only: readonly string[] | undefined;
  readonly #armed: ArmedCrash[] = [];
  #calm = false;
  #command = 0;

  constructor(simulation: Simulation, cluster: Cluster, random: RandomStream, only: readonly string[] | undefined) {
    this.#only = only;
    this.#simulation = simulation;
    this.#cluster = cluster;
    this.#random = random;
  }

  async run(): Promise<void> {
    const cluster = this.#cluster;
    for (let server = 0; server < cluster.size; server++) await cluster.start(server);
    for (let server = 0; server < cluster.size; server++) cluster.connect(server);
    void this.#propose();
    const kinds = this.#only ?? Object.keys(this.#faults).filter(() => this.#below(3) > 0);
    while (this.#simulation.nowMs < stormMs) {
      await this.#simulation.sleep(this.#lasting(1, 1000));
      const kind = kinds[this.#below(kinds.length)];
      if (kind === undefined) continue;
      this.#count(kind);
      this.#faults[kind]!(this.#below(cluster.size));
    }
    this.committed = cluster.logs.maxIndex;
    await this.#heal();
    await this.#agree();
  }

  /** What can be done to a cluster; each gets a server. */
  readonly #faults: Readonly<Record<string, (server: number) => void>> = {
    cut: (server) => this.#cluster.cut(server, this.#below(this.#cluster.size)),
    mend: (server) => this.#cluster.mend(server, this.#below(this.#cluster.size)),
    shape: (server) => this.#cluster.setLinks(this.#shape(server)),
    cutsInFlight: () => {
      this.#cluster.network.cutsInFlight = this.#chance(500);
    },
    weather: () => {
      const { network } = this.#cluster;
      network.reliable = this.#chance(500);
      network.longDelays = this.#chance(500);
      network.longReordering = this.#chance(200);
    },
    lateness: () => {
      const leastMs = this.#lasting(1, 100);
      const share = () => this.#below(2) * this.#lasting(1, 500);
      const lateness = { duplicates: share(), strays: share(), lateReplies: share(), leastMs, mostMs: leastMs * this.#lasting(1, 100) };
      this.#cluster.network.setLateness(this.#chance(800) ? lateness : undefined);
    },
    remember: () => this.#cluster.network.rememberRequests(this.#below(3) * 20),
    replay: (server) => void this.#cluster.network.replay(this.#lasting(1, 30), this.#chance(500) ? server : undefined),
    dropOldRequests: () => this.#cluster.network.dropOldRequests(),
    armCrash: (server) => void this.#armCrash(server),
    crash: (server) => void this.#crash(server),
    restart: (server) => void this.#restart(server),
    disconnect: (server) => void this.#disconnect(server),
    pause: (server) => void this.#pause(server),
    clockRate: (server) => this.#cluster.setClockRate(server, [0.5, 0.8, 0.9, 1, 1.1, 1.25, 3][this.#below(7)]!),
    slowService: (server) => this.#cluster.setApplyTime(server, this.#lasting(1, 300) - 1),
    snapshots: () => {
      this.#cluster.snapshotInterval = [1, 2, 10, 50, Number.POSITIVE_INFINITY][this.#below(5)]!;
    },
    ask: (server) => void this.#cluster.getState(server),
    start: (server) => void this.#cluster.startCommand(server, ++this.#command),
  };

  #shape(server: number): Links | undefined {
    const { size } = this.#cluster;
    const order = this.#shuffled();
    const half = (size + 1) >> 1;
    const [left, right] = [order.slice(0, half), order.slice(half)];
    const shapes = [
      () => undefined,
      () => fullMesh(size),
      () => partition(size, left, right),
      () => bridge(size, left, server, right),
      () => ring(order),
      () => chain(order),
      () => star(size, server),
      () => oneWayCut(size, left, right),
      () => deaf(size, server),
      () => mute(size, server),
      () => oneWayCut(size, left, right).and(ring(order)),
    ];
    return shapes[this.#below(shapes.length)]!();
  }

  async #propose(): Promise<void> {
    while (!this.#calm) {
      await this.#cluster.offerToAll(() => ++this.#command);
      await this.#simulation.sleep(this.#lasting(5, 200));
    }
  }

  async #armCrash(server: number): Promise<void> {
    const at = (["save", "request", "reply"] as const)[this.#below(3)]!;
    const moment = (["before", "after", "event end"] satisfies CrashMoment[])[this.#below(3)]!;
    const point: CrashPoint = { at, moment, nth: this.#lasting(1, 60), ...(this.#chance(300) ? { method: "AppendEntries" } : {}) };
    const armed = this.#cluster.armCrash(server, point);
    this.#armed.push(armed);
    await armed.crashed;
    this.#count("crash at a point");
    await this.#restart(server);
  }

  async #crash(server: number): Promise<void> {
    await this.#cluster.crash(server);
    await this.#restart(server);
  }

  async #restart(server: number): Promise<void> {
    await this.#simulation.sleep(this.#lasting(1, 2000));
    if (this.#calm) return;
    await this.#cluster.start(server);
    if (this.#chance(900)) this.#cluster.connect(server);
  }

  async #disconnect(server: number): Promise<void> {
    this.#cluster.disconnect(server);
    await this.#simulation.sleep(this.#lasting(1, 2000));
    this.#cluster.connect(server);
  }

  async #pause(server: number): Promise<void> {
    this.#cluster.pause(server);
    await this.#simulation.sleep(this.#lasting(1, 3000));
    this.#cluster.resume(server);
  }

  /** Ends all faults. */
  async #heal(): Promise<void> {
    const { network } = this.#cluster;
    this.#calm = true;
    for (const armed of this.#armed) armed.disarm();
    this.#cluster.setLinks(undefined);
    network.reliable = true;
    network.longReordering = false;
    network.setLateness(undefined);
    for (let server = 0; server < this.#cluster.size; server++) {
      this.#cluster.resume(server);
      this.#cluster.setClockRate(server, 1);
      this.#cluster.setApplyTime(server, 0.005);
      if (!this.#cluster.isAlive(server)) await this.#cluster.start(server);
      this.#cluster.connect(server);
    }
    // What has been begun before may still start a server, which then is connected here.
    await this.#simulation.sleep(4000);
    for (let server = 0; server < this.#cluster.size; server++) this.#cluster.connect(server);
  }

  /** One more command is committed at all servers. */
  async #agree(): Promise<void> {
    const cluster = this.#cluster;
    const untilMs = this.#simulation.nowMs + calmMs;
    while (this.#simulation.nowMs < untilMs) {
      const command = ++this.#command;
      const [accepted] = await cluster.offerToAll(() => command);
      await this.#simulation.sleep(2000);
      if (accepted === undefined) continue;
      const { count, command: theirs } = cluster.logs.committed(accepted.index);
      if (count === cluster.size && theirs === command) return;
    }
    throw new TestFailure("the cluster does not agree any more after all faults have ended");
  }

  #count(kind: string): void {
    this.did[kind] = (this.did[kind] ?? 0) + 1;
  }

  /** Log-uniform, as most faults are short and some long. */
  #lasting(least: number, most: number): number {
    return logUniform(least, most, (bound) => this.#below(bound));
  }

  #shuffled(): number[] {
    const order = Array.from({ length: this.#cluster.size }, (_, server) => server);
    for (let i = order.length - 1; i > 0; i--) {
      const j = this.#below(i + 1);
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    return order;
  }

  #chance(perMille: number): boolean {
    return this.#below(1000) < perMille;
  }

  #below(bound: number): number {
    return this.#random.int(0, bound);
  }
}
