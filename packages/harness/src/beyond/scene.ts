import type { CoverageCounter } from "../check/coverage.ts";
import type { ArmedCrash, CrashPoint } from "../cluster/crash-points.ts";
import type { ServerState } from "../cluster/shape.ts";
import type { Lab } from "../lab/lab.ts";
import type { Links } from "../net/links.ts";
import { Dice } from "./dice.ts";
import { tour } from "./tour.ts";

/** Requests that are kept to be sent again. */
const rememberedRequests = 40;

/** How often a test looks for a leader it waits for. */
const lookMs = 20;

export interface LeaderSeen {
  readonly server: number;
  readonly term: number;
}

/** How long the faults of a run last, in virtual ms: drawn from this range. */
export interface Span {
  readonly leastMs: number;
  readonly mostMs: number;
}

/**
 * The time of faults of one run: what a scenario can do to the cluster and see of it. Tasks beside the main line end by themselves when the time is over;
 * nothing here asserts anything, since what a cluster owes anyone while faults go on are the invariants alone.
 */
export class Scene {
  readonly lab: Lab;
  readonly dice: Dice;
  /** Virtual time at which the faults end. */
  readonly endMs: number;
  readonly #tasks: Promise<void>[] = [];
  /** Of each server, when the crash or boot that is under way will be over: two tasks must not do so at the same time. */
  readonly #turns: Promise<void>[] = [];
  readonly #armed: ArmedCrash[] = [];
  #remembers = false;
  #commands = 0;

  constructor(lab: Lab, { leastMs, mostMs }: Span) {
    this.lab = lab;
    this.dice = new Dice(lab.random);
    this.endMs = lab.simulation.nowMs + this.dice.between(leastMs, mostMs);
  }

  // ---- time and tasks ----

  /** Whether the time of faults goes on. */
  get goesOn(): boolean {
    return this.lab.simulation.nowMs < this.endMs;
  }

  /** Sleeps, at most until the time of faults is over. */
  async pause(delayMs: number): Promise<void> {
    const leftMs = this.endMs - this.lab.simulation.nowMs;
    if (leftMs > 0) await this.lab.sleep(Math.min(delayMs, leftMs));
  }

  /** Starts a task beside the main line. It ends with the time of faults, at the latest when its next pause ends. */
  beside(name: string, task: (dice: Dice) => Promise<void>): void {
    this.#tasks.push(this.lab.background(name, (random) => task(new Dice(random))));
  }

  /** Resolves when all tasks have ended. */
  async join(): Promise<void> {
    await this.lab.join("the tasks of the scenario", this.#tasks);
  }

  // ---- commands ----

  /** A command that nobody has proposed yet. */
  command(): number {
    return ++this.#commands;
  }

  /** A client that offers every live server a command of its own about every `everyMs`, until `most` were taken. */
  load(everyMs: number, most = 400): void {
    this.beside("a client", async (dice) => {
      for (let taken = 0; this.goesOn && taken < most; ) {
        taken += (await this.lab.offerToAll(() => this.command())).length;
        await this.pause(dice.logUniform(everyMs / 2, everyMs * 2));
      }
    });
  }

  /** Offers one server some commands at one instant; returns how many it took. */
  async offer(server: number, count = 1): Promise<number> {
    let taken = 0;
    await tour(this.lab.cluster, [server], () => {
      for (let i = 0; i < count; i++) if (this.lab.cluster.startNow(server, this.command()).isLeader) taken++;
    });
    return taken;
  }

  // ---- looking ----

  /** What getState() says of some servers, by server number; nothing for those that are down. */
  async states(servers: readonly number[] = this.lab.everyone()): Promise<(ServerState | undefined)[]> {
    const { cluster } = this.lab;
    const states: (ServerState | undefined)[] = [];
    await tour(cluster, servers, (server) => {
      states[server] = cluster.stateNow(server);
    });
    return states;
  }

  /** Who says to lead, of the highest term if there are several. */
  async leader(servers: readonly number[] = this.lab.everyone()): Promise<LeaderSeen | undefined> {
    return leaderOf(await this.states(servers));
  }

  /** Looks again and again for a leader of a higher term than `above` among some servers, for `limitMs` at most. */
  async awaitLeader(limitMs: number, servers: readonly number[] = this.lab.everyone(), above = 0): Promise<LeaderSeen | undefined> {
    const giveUpMs = this.lab.simulation.nowMs + limitMs;
    while (this.goesOn) {
      const leader = await this.leader(servers);
      if (leader !== undefined && leader.term > above) return leader;
      if (this.lab.simulation.nowMs >= giveUpMs) return undefined;
      await this.pause(lookMs);
    }
    return undefined;
  }

  /** A server to hit: half of the time any, else one whose part in the cluster makes it matter. */
  async aim(dice: Dice = this.dice, servers: readonly number[] = this.lab.everyone()): Promise<number> {
    if (dice.chance(50)) return dice.pick(servers);
    const choices = await this.keyServers(servers);
    return dice.pick(choices.length > 0 ? choices : servers);
  }

  /** The leader, whoever is in the highest term, and whose services are ahead of all and behind all. */
  async keyServers(servers: readonly number[] = this.lab.everyone()): Promise<number[]> {
    const { cluster } = this.lab;
    const states = await this.states(servers);
    const live = servers.filter((server) => states[server] !== undefined);
    if (live.length === 0) return [];
    const applied = (server: number) => cluster.logs.lastIndex(server);
    const byApplied = live.toSorted((a, b) => applied(a) - applied(b));
    const byTerm = live.toSorted((a, b) => states[a]!.term - states[b]!.term);
    const leader = leaderOf(states);
    return [...(leader === undefined ? [] : [leader.server]), byTerm.at(-1)!, byApplied[0]!, byApplied.at(-1)!];
  }

  /** Counts something that only the scenario knows to have happened. */
  reached(counter: CoverageCounter): void {
    this.lab.cluster.checks?.coverage.count(counter);
  }

  // ---- crashes ----

  /** Crashes a server. Does nothing to one that is down. */
  async crash(server: number): Promise<void> {
    await this.#change(server, async () => {
      if (this.lab.cluster.isAlive(server)) await this.lab.crash(server);
    });
  }

  /** Boots and connects a server that is down. */
  async boot(server: number): Promise<void> {
    await this.#change(server, async () => {
      if (!this.lab.cluster.isAlive(server)) await this.lab.startAndConnect(server);
    });
  }

  /** Crashes a server and boots it again after a while. */
  async restart(server: number, downMs: number): Promise<void> {
    await this.crash(server);
    await this.pause(downMs);
    await this.boot(server);
  }

  #change(server: number, act: () => Promise<void>): Promise<void> {
    const turn = (this.#turns[server] ?? Promise.resolve()).then(act);
    this.#turns[server] = turn;
    return turn;
  }

  /** Lets a server crash at a point of its work, and boots it again after a while. */
  crashAt(server: number, point: CrashPoint, downMs: number): ArmedCrash {
    const armed = this.lab.cluster.armCrash(server, point);
    this.#armed.push(armed);
    const rise = async (): Promise<void> => {
      await armed.crashed;
      await this.pause(downMs);
      if (this.goesOn) await this.boot(server);
    };
    void this.lab.background(`S${server} rises again`, rise);
    return armed;
  }

  /** Takes back all crash points that were not reached. */
  disarm(): void {
    for (const armed of this.#armed) armed.disarm();
    this.#armed.length = 0;
  }

  /** Stops a server in its tracks for a while; then all that was due at it happens at once. */
  async freeze(server: number, delayMs: number): Promise<void> {
    const { cluster } = this.lab;
    if (cluster.isPaused(server)) return;
    cluster.pause(server);
    await this.pause(delayMs);
    cluster.resume(server);
  }

  // ---- messages and links ----

  /** From here on the network keeps some of the requests it sees, of methods whose name matches `only` if that is given, to hand them over again. */
  rememberRequests(only?: RegExp): void {
    this.lab.cluster.network.rememberRequests(rememberedRequests, only);
    this.#remembers = true;
  }

  /**
   * The network keeps no more requests; returns the highest term that any of those kept can be of, undefined when that is not known or none are kept. A server sends
   * no request of a term that it has not saved, so it is known when all of them can be asked.
   */
  async stopRemembering(): Promise<number | undefined> {
    if (!this.#remembers) return undefined;
    this.lab.cluster.network.stopRemembering();
    const states = await this.states();
    const terms = this.lab.everyone().map((server) => states[server]?.term);
    return terms.every((term) => term !== undefined) ? Math.max(...terms) : undefined;
  }

  /** Opens and cuts ways between servers until told otherwise; undefined: all are open. */
  link(links: Links | undefined): void {
    this.lab.cluster.setLinks(links);
  }
}

export function leaderOf(states: readonly (ServerState | undefined)[]): LeaderSeen | undefined {
  let leader: LeaderSeen | undefined;
  states.forEach((state, server) => {
    if (state?.isLeader && (leader === undefined || state.term > leader.term)) leader = { server, term: state.term };
  });
  return leader;
}

/** The highest term that any of them is in; 0 if none answered. */
export function highestTerm(states: readonly (ServerState | undefined)[]): number {
  let highest = 0;
  for (const state of states) if (state !== undefined && state.term > highest) highest = state.term;
  return highest;
}
