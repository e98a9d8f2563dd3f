import { Buffer } from "node:buffer";
import type { StartResult } from "@raft-stress/raft/api";
import type { Cluster } from "../cluster/cluster.ts";
import type { Acceptance } from "../cluster/offer.ts";
import { sameCommand, showCommand } from "../cluster/service-log.ts";
import { type Aspect, TestFailure } from "../failure.ts";
import { listOf } from "../list-of.ts";
import type { RandomStream } from "../sim/random.ts";
import { randomKeys } from "../sim/random-keys.ts";
import type { Simulation } from "../sim/simulation.ts";
import type { LabTest } from "./lab-test.ts";

/** What the tester allows a healthy cluster for an election, in ms; the unit of most of its waits. */
export const electionTimeoutMs = 1000;

/** A test that takes longer has failed. */
const testLimitMs = 120_000;

/** Commands that random draws give: whole numbers that are never negative and that every encoding keeps exact. */
const commandBound = Number.MAX_SAFE_INTEGER;

const base64url = Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", "latin1");

/** What the tester counted from `begin` to now. */
export interface LabCounts {
  readonly seconds: number;
  readonly rpcs: number;
  readonly bytes: number;
  readonly commands: number;
}

/**
 * The tester of the labs: what a test can do to a cluster and ask of it. Waits are on the simulation's clock. Anything that does not hold throws a
 * TestFailure that says what was expected and what was seen.
 */
export class Lab {
  readonly servers: number;
  readonly cluster: Cluster;
  readonly simulation: Simulation;
  /** The random stream of the test's main line. */
  readonly random: RandomStream;
  readonly #test: LabTest;
  readonly #everyone: readonly number[];
  #step = "set up the cluster";
  #beganMs = 0;
  #rpcsAtBegin = 0;
  #bytesAtBegin = 0;
  #maxIndexAtBegin = 0;
  #finished = false;
  #streams = 0;

  constructor(simulation: Simulation, cluster: Cluster, test: LabTest) {
    this.simulation = simulation;
    this.cluster = cluster;
    this.servers = cluster.size;
    this.#everyone = listOf(cluster.size, (server) => server);
    this.random = simulation.stream(randomKeys.tester, 0);
    this.#test = test;
  }

  /** What the test is doing, for reports. */
  get currentStep(): string {
    return this.#step;
  }

  /** Names what the test does next. A failure says during which step it happened. */
  step(what: string): void {
    this.#step = what;
    this.simulation.trace.test(what);
  }

  // ---- the course of a test ----

  /** Boots and connects all servers, then sets the network as the test wants it. */
  async setUp(): Promise<void> {
    const { cluster } = this;
    cluster.network.reliable = this.#test.reliable;
    cluster.network.longDelays = true;
    for (let server = 0; server < this.servers; server++) await cluster.start(server);
    for (let server = 0; server < this.servers; server++) cluster.connect(server);
  }

  begin(): void {
    const { network, logs } = this.cluster;
    const { part, title } = this.#test;
    const line = `Test (${part}): ${title} ...`;
    this.simulation.trace.labLines.push(line);
    this.simulation.trace.test(line);
    this.#step = "the test's beginning";
    this.#beganMs = this.simulation.nowMs;
    this.#rpcsAtBegin = network.totalCalls;
    this.#bytesAtBegin = network.totalBytes;
    this.#maxIndexAtBegin = logs.maxIndex;
  }

  /** Throws when the test took too long, else writes the lab's own closing line. */
  end(): void {
    this.#finished = true;
    if (this.simulation.nowMs > testLimitMs) {
      const seen = `${(this.simulation.nowMs / 1000).toFixed(1)} s`;
      throw new TestFailure(`test took longer than ${testLimitMs / 1000} seconds (${seen})`, {
        cause: `test took longer than ${testLimitMs / 1000} seconds`,
        expected: `at most ${testLimitMs / 1000} s`,
        seen,
      });
    }
    const { seconds, rpcs, bytes, commands } = this.counts();
    const columns = [seconds.toFixed(1).padStart(4), String(this.servers)].join("  ");
    this.simulation.trace.labLines.push(
      `  ... Passed --  ${columns} ${String(rpcs).padStart(4)} ${String(bytes).padStart(7)} ${String(commands).padStart(4)}`,
    );
  }

  counts(): LabCounts {
    const { network, logs } = this.cluster;
    return {
      seconds: (this.simulation.nowMs - this.#beganMs) / 1000,
      rpcs: network.totalCalls - this.#rpcsAtBegin,
      bytes: network.totalBytes - this.#bytesAtBegin,
      commands: logs.maxIndex - this.#maxIndexAtBegin,
    };
  }

  // ---- acting on the cluster; server numbers are taken modulo the size ----

  /** The server `number` modulo the size of the cluster. */
  wrap(number: number): number {
    return number % this.servers;
  }

  connect(...servers: readonly number[]): void {
    for (const server of servers) this.cluster.connect(this.wrap(server));
  }

  disconnect(...servers: readonly number[]): void {
    for (const server of servers) this.cluster.disconnect(this.wrap(server));
  }

  async crash(...servers: readonly number[]): Promise<void> {
    for (const server of servers) await this.cluster.crash(this.wrap(server));
  }

  /** Boots a server anew, crashing it first if it runs. It is not connected. */
  async start(server: number): Promise<void> {
    await this.cluster.start(this.wrap(server));
  }

  async startAndConnect(...servers: readonly number[]): Promise<void> {
    for (const server of servers) {
      await this.start(server);
      this.connect(server);
    }
  }

  /** Crashes all servers, then boots and connects one after the other. */
  async crashAndRestartAll(): Promise<void> {
    await this.crash(...this.everyone());
    await this.startAndConnect(...this.everyone());
  }

  /** All server numbers, in order. */
  everyone(): readonly number[] {
    return this.#everyone;
  }

  /** Offers a command to one server; `isLeader` false when it is down. */
  propose(server: number, command: unknown): Promise<StartResult> {
    return this.cluster.startCommand(this.wrap(server), command);
  }

  /** Offers every live server a command of its own, in order, disconnected ones too; returns who took theirs as leader. */
  offerToAll(commandFor: () => unknown): Promise<Acceptance[]> {
    return this.cluster.offerToAll(commandFor);
  }

  sleep(delayMs: number): Promise<void> {
    return this.simulation.sleep(delayMs);
  }

  // ---- randomness ----

  /** A whole number in [0, bound). */
  below(bound: number, random: RandomStream = this.random): number {
    return random.int(0, bound);
  }

  /** With probability `perMille` / 1000. */
  chance(perMille: number): boolean {
    return this.random.int(0, 1000) < perMille;
  }

  randomCommand(random: RandomStream = this.random): number {
    return random.int(0, commandBound);
  }

  /** A random text of `length` characters of the base64url alphabet. */
  randomText(length: number): string {
    const characters = Buffer.allocUnsafe(length);
    this.random.fillBytes(characters);
    for (let i = 0; i < length; i++) characters[i] = base64url[characters[i]! & 63]!;
    return characters.toString("latin1");
  }

  // ---- tasks beside the main line ----

  /** Starts a task of its own random stream beside the main line. Its failure ends the run at once. */
  background<T>(name: string, task: (random: RandomStream) => Promise<T>): Promise<T> {
    const stream = this.simulation.stream(randomKeys.tester, ++this.#streams);
    const running = task(stream);
    running.catch((thrown: unknown) => {
      this.simulation.trace.test(`${name} failed`);
      this.simulation.fail(thrown);
    });
    return running;
  }

  /** Waits for all tasks. `what` names them in the report of a run that ends waiting. */
  join<T>(what: string, tasks: readonly Promise<T>[]): Promise<T[]> {
    return this.simulation.waits.waitFor("the test", what, Promise.all(tasks));
  }

  // ---- the tester's checks ----

  /** Waits for a connected leader and returns it: of several, that of the highest term. Two in one term are a failure. */
  async checkOneLeader(): Promise<number> {
    for (let round = 0; round < 10; round++) {
      await this.sleep(450 + this.below(100));
      const leader = await this.#leaderOfHighestTerm();
      if (leader !== undefined) return leader;
    }
    throw new TestFailure("expected one leader, got none", {
      expected: "one leader among the connected servers within 10 looks of about half a second",
      seen: "none",
    });
  }

  async #leaderOfHighestTerm(): Promise<number | undefined> {
    const leaderOfTerm = new Map<number, number>();
    let highestTerm = Number.NEGATIVE_INFINITY;
    for (const server of this.everyone()) {
      if (!this.cluster.isConnected(server)) continue;
      const state = await this.cluster.getState(server);
      if (!state?.isLeader) continue;
      const other = leaderOfTerm.get(state.term);
      if (other !== undefined) throw twoLeaders(state.term, other, server);
      leaderOfTerm.set(state.term, server);
      highestTerm = Math.max(highestTerm, state.term);
    }
    return leaderOfTerm.get(highestTerm);
  }

  /** The term that all connected servers agree on; -1 when none is connected. */
  async checkTerms(): Promise<number> {
    let agreed = -1;
    let witness = -1;
    for (const server of this.everyone()) {
      if (!this.cluster.isConnected(server)) continue;
      const term = (await this.cluster.getState(server))?.term ?? -1;
      if (agreed !== -1 && term !== agreed) {
        throw new TestFailure(`servers disagree on term: S${witness} is in ${agreed}, S${server} in ${term}`, {
          cause: "servers disagree on term",
          expected: `S${server} in term ${agreed}`,
          seen: `term ${term}`,
        });
      }
      agreed = term;
      witness = server;
    }
    return agreed;
  }

  /** No connected server may claim to lead. */
  async checkNoLeader(): Promise<void> {
    for (const server of this.everyone()) {
      if (!this.cluster.isConnected(server)) continue;
      const state = await this.cluster.getState(server);
      if (state?.isLeader) {
        throw new TestFailure(`expected no leader among connected servers, but S${server} claims to be leader of term ${state.term}`, {
          cause: "a leader without a majority",
          expected: "no leader",
          seen: `S${server} leads term ${state.term}`,
          server,
        });
      }
    }
  }

  /** How many servers have applied a command at `index`, and which. */
  committed(index: number): { count: number; command: unknown } {
    return this.cluster.logs.committed(index);
  }

  /** Nothing may be committed at `index`. */
  checkNothingCommitted(index: number, why: string): void {
    const { count, command } = this.committed(index);
    if (count === 0) return;
    throw new TestFailure(`${count} servers committed ${showCommand(command)} at index ${index} ${why}`, {
      cause: `a command was committed ${why}`,
      expected: `nothing at index ${index}`,
      seen: `${showCommand(command)} on ${count} servers`,
      aspect: "safety",
    });
  }

  /**
   * Waits until `count` servers have applied `index`, up to about 31 s; returns the command, or undefined when some server has gone beyond
   * `startTerm` meanwhile (then whoever was leader may have lost the command). Without `startTerm` terms do not matter.
   */
  async wait(index: number, count: number, startTerm?: number): Promise<{ command: unknown } | undefined> {
    let pauseMs = 10;
    for (let round = 0; round < 30; round++) {
      if (this.committed(index).count >= count) break;
      await this.sleep(pauseMs);
      if (pauseMs < 1000) pauseMs *= 2;
      if (startTerm === undefined) continue;
      for (const server of this.everyone()) {
        const state = await this.cluster.getState(server);
        if (state !== undefined && state.term > startTerm) return undefined;
      }
    }
    const { count: seen, command } = this.committed(index);
    if (seen >= count) return { command };
    throw new TestFailure(`only ${seen} servers committed index ${index}, wanted ${count}`, {
      cause: "too few servers committed an index within 31 s",
      expected: `index ${index} on ${count} servers`,
      seen: `on ${seen}`,
    });
  }

  /**
   * One full agreement: finds a leader, proposes `command` and waits until at least `count` servers have applied it; returns its index. Gives
   * it 10 s in all. With `retry` a command that is not agreed on within 2 s is proposed again, so that it may be committed twice.
   */
  async one(command: unknown, count: number, { retry }: { readonly retry: boolean }): Promise<number> {
    const startedMs = this.simulation.nowMs;
    let cursor = 0;
    while (this.simulation.nowMs - startedMs < 10_000 && !this.#finished) {
      let index: number | undefined;
      for (let tried = 0; tried < this.servers && index === undefined; tried++) {
        cursor = (cursor + 1) % this.servers;
        if (!this.cluster.isConnected(cursor)) continue;
        const answer = await this.propose(cursor, command);
        if (answer.isLeader) index = answer.index;
      }
      if (index === undefined) {
        await this.sleep(50);
        continue;
      }
      if (await this.#agreed(index, command, count)) return index;
      if (!retry) throw this.#noAgreement(command, index, count, "within 2 s");
    }
    if (this.#finished) return -1;
    throw this.#noAgreement(command, undefined, count, "within 10 s");
  }

  /** Polls for 2 s, every 20 ms, whether `command` has been applied at `index` by `count` servers. */
  async #agreed(index: number, command: unknown, count: number): Promise<boolean> {
    const startedMs = this.simulation.nowMs;
    while (this.simulation.nowMs - startedMs < 2000) {
      const seen = this.committed(index);
      if (seen.count > 0 && seen.count >= count && sameCommand(seen.command, command)) return true;
      await this.sleep(20);
    }
    return false;
  }

  #noAgreement(command: unknown, index: number | undefined, count: number, limit: string): TestFailure {
    const shown = showCommand(command);
    const seen = index === undefined ? undefined : this.committed(index);
    const has =
      seen === undefined || seen.count === 0 ? "no server applied it" : `${seen.count} servers applied ${showCommand(seen.command)}`;
    const at = index === undefined ? "" : ` at index ${index}`;
    return new TestFailure(`one(${shown}) failed to reach agreement ${limit}: ${has}${at}, wanted ${count}`, {
      cause: `one() failed to reach agreement ${limit}`,
      expected: `${shown}${at} on at least ${count} servers ${limit}`,
      seen: has,
    });
  }
}

function twoLeaders(term: number, first: number, second: number): TestFailure {
  return new TestFailure(`term ${term} has 2 leaders: S${first} and S${second}`, {
    cause: "a term has more than one leader",
    expected: "at most one leader in a term",
    seen: `S${first} and S${second} lead term ${term}`,
    aspect: "safety",
  });
}

interface Expectation {
  readonly cause: string;
  readonly expected: string;
  readonly seen: string;
  readonly aspect?: Aspect;
}

/** Fails the test unless `holds`. `describe` is called only when it does not. */
export function expect(holds: boolean, describe: () => Expectation): asserts holds {
  if (holds) return;
  const failure = describe();
  throw new TestFailure(`${failure.cause}: expected ${failure.expected}, got ${failure.seen}`, failure);
}
