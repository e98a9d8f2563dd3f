import type { PaperCall } from "../check/figure2.ts";
import { ImplementationError } from "../failure.ts";
import { logUniform, mix32, scale32 } from "../sim/random.ts";
import { eventKinds, type Happening, SimEvent } from "../sim/sim-event.ts";
import type { Method, Network, NetworkServer } from "./network.ts";
import { delayOf, lose, type Packet, type Verdict } from "./rules.ts";
import { showValue } from "./show-value.ts";
import { isThenable } from "./thenable.ts";
import { copyOverWire } from "./wire.ts";

/**
 * How many messages come long after their time, as from the queues of a real network; labrpc has late replies only, of up to 2.2 s. Per mille, each
 * decided by itself. The delays are log-uniform between the bounds: as many of 20 to 40 ms as of 2 to 4 s.
 */
export interface Lateness {
  /** Requests that arrive at their time and once more, later. Nobody gets the second reply. */
  readonly duplicates: number;
  /** Requests whose caller is told that they were lost, and that arrive later all the same. Nobody gets the reply. */
  readonly strays: number;
  /** Replies that arrive later. */
  readonly lateReplies: number;
  readonly leastMs: number;
  readonly mostMs: number;
}

/** A request that can be handed over once more. */
export interface SentRequest {
  readonly from: number;
  readonly to: number;
  readonly method: Method;
  /** What the checks know of it, if it is an RPC of the paper's. */
  readonly paper: PaperCall | undefined;
  readonly args: unknown;
  readonly digest: number;
  /** As of its event. */
  readonly detail: number;
  /** Randomness of its call. */
  readonly key: number;
}

/** Purposes of draws, apart from those of the rules. */
const purposes = { stray: 32, duplicate: 33, lateReply: 34, delay: 35, givesUp: 37, sample: 38 } as const;

const usPerMs = 1000;
/** The caller of a stray learns within this time that it is lost. */
const givesUpWithinMs = 100;
/** Latency of what is replayed. */
const replayUs = { least: 50, span: 500 } as const;

/** All of a network that has to do with requests handed over late or again. */
export class OldMessages {
  lateness: Lateness | undefined = undefined;
  /** Requests of the run so far that can be replayed; every one was as likely to be kept. */
  #pool: { readonly request: SentRequest; readonly rank: number }[] = [];
  #capacity = 0;
  #only: RegExp | undefined;
  #highestRank = -1;
  #replays = 0;
  /** Requests under way are of an age; those of a former one do not arrive. */
  age = 0;
  readonly #network: Network;
  /** Randomness of replays. */
  readonly #key: number;

  constructor(network: Network, key: number) {
    this.#network = network;
    this.#key = key;
  }

  /** Keeps at most `capacity` requests of those to come, whose method's name matches `only` if that is given; 0: none, also of those kept. */
  remember(capacity: number, only?: RegExp): void {
    this.#capacity = capacity;
    this.#only = only;
    if (capacity < this.#pool.length) this.#pool = [];
  }

  /** Keeps what is remembered, and nothing more. */
  stopRemembering(): void {
    this.#capacity = 0;
  }

  /** A request sets out that the rules let through; what is to happen to it. */
  requestLeaves(request: SentRequest & Packet, verdict: Verdict): Verdict {
    if (this.#capacity > 0 && this.#only?.test(request.method.name) !== false) this.#offer(request);
    const { lateness } = this;
    if (lateness === undefined) return verdict;
    const isStray = request.draw(purposes.stray, 1000) < lateness.strays;
    if (isStray || request.draw(purposes.duplicate, 1000) < lateness.duplicates) {
      this.#deliverAgain(request, delayOf(verdict) + lateBy(request, lateness));
    }
    return isStray ? lose(request.draw(purposes.givesUp, givesUpWithinMs) * usPerMs) : verdict;
  }

  /** How much later than the rules say a reply is to arrive. */
  replyLateUs(reply: Packet): number {
    const { lateness } = this;
    if (lateness === undefined || reply.draw(purposes.lateReply, 1000) >= lateness.lateReplies) return 0;
    return lateBy(reply, lateness);
  }

  /** Hands `count` of the remembered requests over again, each chosen by itself; `to`: only some of those to that server. Returns how many there were. */
  replay(count: number, to: number | undefined): number {
    const candidates = this.#pool.filter(({ request }) => to === undefined || request.to === to);
    if (candidates.length === 0) return 0;
    for (let number = 0; number < count; number++) {
      const key = mix32(this.#key, this.#replays++);
      const { request } = candidates[scale32(mix32(key, 1), candidates.length)]!;
      this.#deliverAgain(request, replayUs.least + scale32(mix32(key, 2), replayUs.span));
    }
    return count;
  }

  /** Of all requests those of the lowest ranks are kept, and ranks are random. */
  #offer(sent: SentRequest): void {
    const rank = mix32(sent.key, purposes.sample) >>> 0;
    const isFull = this.#pool.length >= this.#capacity;
    if (isFull && rank >= this.#highestRank) return;
    if (isFull) this.#pool = this.#pool.filter((kept) => kept.rank !== this.#highestRank);
    this.#pool.push({ request: copyOf(sent), rank });
    this.#highestRank = this.#pool.reduce((highest, kept) => Math.max(highest, kept.rank), -1);
  }

  #deliverAgain(sent: SentRequest, delayUs: number): void {
    this.#network.simulation.schedule(new OldRequest(this.#network, this, copyOf(sent)).event, delayUs);
  }
}

function lateBy(packet: Packet, { leastMs, mostMs }: Lateness): number {
  let purpose: number = purposes.delay;
  return logUniform(leastMs * usPerMs, mostMs * usPerMs, (bound) => packet.draw(purpose++, bound));
}

function copyOf({ from, to, method, paper, args, digest, detail, key }: SentRequest): SentRequest {
  const ownPaper = paper === undefined ? undefined : { ...paper };
  return { from, to, method, paper: ownPaper, args: copyOverWire(args, method.shapes.args), digest, detail, key };
}

/** A request that arrives late or once more. It goes to whoever lives at its address by then, if its way is open, and its reply goes nowhere. */
class OldRequest implements Happening {
  readonly event: SimEvent;
  readonly #network: Network;
  readonly #messages: OldMessages;
  readonly #request: SentRequest;
  readonly #age: number;

  constructor(network: Network, messages: OldMessages, request: SentRequest) {
    this.event = new SimEvent(eventKinds.oldRequest, request.to, undefined, this);
    this.event.digest = request.digest;
    this.event.detail = request.detail;
    this.#network = network;
    this.#messages = messages;
    this.#request = request;
    this.#age = messages.age;
  }

  happen(): void {
    const { from, to, method, paper, args } = this.#request;
    const server = this.#network.server(to);
    if (this.#age !== this.#messages.age || !server?.listens || !this.#network.isOpen(from, to)) return;
    this.#network.deliveries?.before(to, "request", method.name);
    if (!server.incarnation.alive) return;
    const { trace } = this.#network.simulation;
    if (trace.traceOn) trace.line("RECV", to, `<- S${from} late ${method.name} ${showValue(args)}`.trimEnd());
    const { checks } = this.#network;
    checks?.coverage.count("oldRequests");
    if (paper !== undefined) checks?.messages.requestArrived(to, paper);
    try {
      const result = server.handle(method, args);
      if (isThenable(result)) this.#heed(server, result);
      else this.#replied(server, result);
    } catch (thrown) {
      if (server.incarnation.alive) throw this.#error(thrown);
    }
    if (server.incarnation.alive) this.#network.deliveries?.after(to, "request", method.name);
  }

  /** The reply goes nowhere, which its server does not know: it has said what it has said. */
  #replied(server: NetworkServer, reply: unknown): void {
    const { to, paper } = this.#request;
    if (paper !== undefined && server.incarnation.alive) this.#network.checks?.messages.replySent(to, paper, reply);
  }

  /** A handler that fails is an error also when nobody waits for its reply. */
  #heed(server: NetworkServer, result: PromiseLike<unknown>): void {
    const failed = (thrown: unknown) => {
      if (server.incarnation.alive) this.#network.simulation.fail(this.#error(thrown));
    };
    Promise.resolve(result).then((reply) => this.#replied(server, reply), failed);
  }

  #error(thrown: unknown): Error {
    return ImplementationError.of(this.#request.to, `the handler of ${this.#request.method.name}`, thrown);
  }

  waitsForOwner(): boolean {
    return true;
  }

  /** It belongs to no life. */
  release(): void {}

  describe(): string {
    const { from, to, method } = this.#request;
    return `late request ${method.name} S${from} -> S${to}`;
  }
}
