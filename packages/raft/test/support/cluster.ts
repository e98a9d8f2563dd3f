import type { ApplyMessage, Random } from "../../src/api.ts";
import { RaftCore } from "../../src/core.ts";
import type { AppendEntriesArgs, InstallSnapshotArgs, Outgoing, Reply, RequestVoteArgs } from "../../src/messages.ts";
import { completeOptions } from "../../src/options.ts";
import { Oracle } from "./oracle.ts";
import { seededRandom } from "./random.ts";

interface Life {
  readonly core: RaftCore;
  /** What the service of this server has been given: the commands at 1, 2, ... */
  readonly service: number[];
}

/** One half of an RPC on its way. `life`: who asked; a reply to a former life of a server is lost. */
interface Packet {
  readonly request: Outgoing;
  readonly from: number;
  readonly life: Life;
  readonly reply?: Reply;
}

/** A crash in the middle of an event's results: before anything of it is stored, or after that but before anything is sent. */
type CrashPoint = "before saving" | "before sending" | undefined;

const NOTHING = new Uint8Array(0);

/**
 * A cluster of cores on a network without time: packets wait in a bag, and the test says which one arrives, is lost, or arrives twice.
 * What a server has stored survives its crash, and nothing else does.
 */
export class Cluster {
  readonly random: Random;
  readonly oracle = new Oracle();
  now = 0;
  packets: Packet[] = [];
  readonly lives: (Life | undefined)[];
  /** Servers on different sides do not hear each other. */
  readonly sides: number[];
  readonly #stored: { state: Uint8Array; snapshot: Uint8Array }[];
  readonly #servers: number;

  constructor(servers: number, seed: number) {
    this.#servers = servers;
    this.random = seededRandom(seed);
    this.#stored = Array.from({ length: servers }, () => ({ state: NOTHING, snapshot: NOTHING }));
    this.sides = Array.from({ length: servers }, () => 0);
    this.lives = Array.from({ length: servers }, () => undefined);
    for (let server = 0; server < servers; server += 1) this.start(server);
  }

  start(server: number): void {
    const { state, snapshot } = this.#stored[server]!;
    const config = {
      me: server,
      servers: this.#servers,
      options: completeOptions({ maxEntriesPerRequest: 3 }),
      random: this.random,
      trace: () => {},
    };
    const service = snapshot.length > 0 ? decodeService(snapshot) : [];
    this.lives[server] = { core: new RaftCore(config, state, snapshot, this.now), service };
    this.oracle.restarted(server);
  }

  crash(server: number): void {
    this.lives[server] = undefined;
  }

  propose(server: number, command: number): void {
    this.#event(server, undefined, ({ core }) => void core.propose(command));
  }

  compact(server: number): void {
    this.#event(server, undefined, ({ core, service }) => {
      const index = core.view.firstIndex + this.random.int(0, 4);
      if (index <= core.view.lastApplied) core.compact(index, encodeService(service.slice(0, index)));
    });
  }

  /** Lets time pass, and every server in turn notice it. */
  passTime(ms: number): void {
    this.now += ms;
    for (let server = 0; server < this.#servers; server += 1) {
      const life = this.lives[server];
      if (life !== undefined && life.core.nextDeadlineMs(this.now) <= this.now) {
        this.#event(server, undefined, ({ core }) => core.reachDeadline(this.now));
      }
    }
  }

  /** The packet arrives, unless a partition is in its way. It stays in the bag if it will arrive again. */
  deliver(at: number, again = false, crash: CrashPoint = undefined): void {
    const packet = this.packets[at]!;
    if (this.sides[packet.from] !== this.sides[packet.request.to]) {
      this.lose(at, true);
      return;
    }
    if (!again) this.#remove(at);
    if (packet.reply === undefined) this.#deliverRequest(packet, crash);
    else this.#deliverReply(packet, packet.reply, crash);
  }

  /** The packet is lost; its sender may learn of it. */
  lose(at: number, noticed: boolean): void {
    const { life, from, request } = this.packets[at]!;
    this.#remove(at);
    if (noticed && this.lives[from] === life) this.#event(from, undefined, ({ core }) => core.receiveLoss(request, this.now));
  }

  #remove(at: number): void {
    const last = this.packets.pop()!;
    if (at < this.packets.length) this.packets[at] = last;
  }

  #deliverRequest({ request, from, life }: Packet, crash: CrashPoint): void {
    let reply: Reply | undefined;
    const survived = this.#event(request.to, crash, ({ core }) => {
      reply = receive(core, structuredClone(request), this.now);
    });
    if (survived && reply !== undefined) this.packets.push({ request, from, life, reply });
  }

  #deliverReply({ request, from, life }: Packet, reply: Reply, crash: CrashPoint): void {
    if (this.lives[from] === life) this.#event(from, crash, ({ core }) => core.receiveReply(request, reply, this.now));
  }

  /** One event at one server and its results, in order. False if the server was down or has crashed on the way. */
  #event(server: number, crash: CrashPoint, happen: (life: Life) => void): boolean {
    const life = this.lives[server];
    if (life === undefined) return false;
    const { core } = life;
    happen(life);
    if (crash === "before saving") return this.#crashedAt(server);
    if (core.unsaved) {
      this.#stored[server] = { state: core.encodeState().slice(), snapshot: core.snapshot.slice() };
      core.saved();
    }
    if (crash === "before sending") return this.#crashedAt(server);
    for (const request of core.takeOutbox() ?? []) this.packets.push({ request: structuredClone(request), from: server, life });
    for (let message = core.takeApply(); message !== undefined; message = core.takeApply()) this.#apply(server, life, message);
    this.oracle.observe(server, core);
    return true;
  }

  #crashedAt(server: number): false {
    this.crash(server);
    return false;
  }

  #apply(server: number, { service }: Life, message: ApplyMessage): void {
    if (message.type === "snapshot") {
      const commands = decodeService(message.snapshot);
      if (commands.length !== message.index || message.index <= service.length) {
        throw new Error(`S${server} was given a snapshot up to ${message.index} of ${commands.length} commands, after ${service.length}`);
      }
      service.splice(0, service.length, ...commands);
    } else {
      if (message.index !== service.length + 1) throw new Error(`S${server} was given command ${message.index} after ${service.length}`);
      service.push(message.command as number);
    }
    this.oracle.applied(server, service);
  }
}

function receive(core: RaftCore, request: Outgoing, now: number): Reply {
  switch (request.method) {
    case "RequestVote":
      return core.receiveRequestVote(request.args satisfies RequestVoteArgs, now);
    case "AppendEntries":
      return core.receiveAppendEntries(request.args satisfies AppendEntriesArgs, now);
    case "InstallSnapshot":
      return core.receiveInstallSnapshot(request.args satisfies InstallSnapshotArgs, now);
  }
}

function encodeService(commands: readonly number[]): Uint8Array {
  return Uint8Array.from(JSON.stringify(commands), (character) => character.charCodeAt(0));
}

function decodeService(snapshot: Uint8Array): number[] {
  return JSON.parse(String.fromCharCode(...snapshot)) as number[];
}
