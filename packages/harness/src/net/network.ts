import type { Checks } from "../check/checks.ts";
import { type RpcKind, rpcKindOf } from "../check/figure2.ts";
import { ImplementationError } from "../failure.ts";
import { mix32 } from "../sim/random.ts";
import { randomKeys } from "../sim/random-keys.ts";
import type { Incarnation } from "../sim/sim-event.ts";
import type { Simulation } from "../sim/simulation.ts";
import { Call } from "./call.ts";
import type { Links } from "./links.ts";
import { type Lateness, OldMessages } from "./old-messages.ts";
import { elementShape, RecordShape } from "./record-shape.ts";
import { allWeather, labRules, type Rule, type Weather, weatherIndex } from "./rules.ts";
import { copiedBytes, copiedDigest, copyOverWire } from "./wire.ts";

// biome-ignore lint/suspicious/noExplicitAny: as in the contract: each handler declares the arguments of its own method.
export type Handlers = Readonly<Record<string, (args: any) => unknown>>;

/** Made once: short runs would spend much of their time on it. */
const labWeather = allWeather(labRules);

/** One server as the network sees it. A restart is another object, so that calls to the former one can tell. */
export class NetworkServer {
  readonly incarnation: Incarnation;
  readonly handlers: Handlers;
  /** Requests handed to a handler. */
  dispatched = 0;
  /** Whether requests of former ends, late ones, still reach it: whether it is connected at all. */
  listens = true;

  constructor(incarnation: Incarnation, handlers: Handlers) {
    this.incarnation = incarnation;
    this.handlers = handlers;
  }

  /** Hands a request to the handler of its method, and throws whatever that does; an ImplementationError when there is none. */
  handle({ name, isInherited }: Method, args: unknown): unknown {
    this.dispatched++;
    const { handlers } = this;
    // `handlers` may be an instance of a class; what every object inherits is no handler.
    const handler = isInherited && !Object.hasOwn(handlers, name) ? undefined : handlers[name];
    if (typeof handler !== "function") throw this.noSuchMethod(name);
    return handler.call(handlers, args);
  }

  private noSuchMethod(method: string): ImplementationError {
    const known = Object.keys(this.handlers).join(", ") || "none";
    const problem = new TypeError(`no handler for the method '${method}' (handlers: ${known})`);
    return new ImplementationError(this.incarnation.server, "its RPC handlers", problem);
  }
}

/** Is told of each message when it reaches its server, and when that has taken it. Either call may crash the server. */
export interface DeliveryWatch {
  before(server: number, what: "request" | "reply", method: string): void;
  after(server: number, what: "request" | "reply", method: string): void;
}

/** The sending side of one ordered pair. Disabled when made. */
export interface ClientEnd {
  /** Who calls: a server's number, or for a client any number that is no server's. */
  readonly from: number;
  /** The number under which the server called is known to the network. */
  readonly to: number;
  readonly link: Link;
  enabled: boolean;
}

interface MessageShapes {
  readonly args: RecordShape | undefined;
  readonly reply: RecordShape | undefined;
}

/** A method name that has been called in this run. */
export interface Method {
  readonly name: string;
  /** Its number in reports, from 1. */
  readonly number: number;
  readonly shapes: MessageShapes;
  /** Whether every object has something by this name. */
  readonly isInherited: boolean;
  /** Which RPC of the paper's Figure 2 it is by its name; undefined if none. */
  readonly rpcKind: RpcKind | undefined;
}

/** An ordered pair of caller and server; it outlives the ends of both. */
interface Link {
  /** Randomness of the link. */
  readonly key: number;
  /** Calls made on it so far. */
  calls: number;
}

/**
 * labrpc's network: calls over ends that can be cut, to servers that can vanish, with counters. Copies, sizes and hashes all that passes.
 */
export class Network {
  reliable = true;
  longDelays = false;
  longReordering = false;
  /** Which directions are open, on top of the ends that are enabled or not; undefined: all. What sets out where the way is cut is lost. */
  links: Links | undefined = undefined;
  /** Whether a message whose way is cut when it would arrive is lost as well. labrpc's own cuts, of ends, let it arrive. */
  cutsInFlight = false;
  /** For runs in which messages arrive late or again; undefined while no test has asked for any. */
  oldMessages: OldMessages | undefined = undefined;
  /** For runs in which servers crash at deliveries. */
  deliveries: DeliveryWatch | undefined = undefined;
  /** Every call taken in, also those to dead ends. */
  totalCalls = 0;
  /** Arguments of every call taken in, and replies delivered. */
  totalBytes = 0;
  readonly simulation: Simulation;
  /** Whether every message is written into the trace. */
  readonly isTraced: boolean;
  /** Told of what servers send each other. */
  readonly checks: Checks | undefined;
  private readonly weathers: readonly Weather[];
  private readonly servers: (NetworkServer | undefined)[] = [];
  private readonly linksByName = new Map<string, Link>();
  private readonly methods = new Map<string, Method>();
  /** The one asked for last: most calls are of one kind. */
  private latestMethod: Method | undefined = undefined;
  private readonly seed: number;
  private closed = false;

  constructor(simulation: Simulation, rules: readonly Rule[] = labRules, checks?: Checks) {
    this.simulation = simulation;
    this.isTraced = simulation.trace.traceOn;
    this.checks = checks;
    this.weathers = rules === labRules ? labWeather : allWeather(rules);
    this.seed = mix32(mix32(randomKeys.network, simulation.seed.high), simulation.seed.low);
    elementShape.forget();
  }

  makeEnd(from: number, to: number): ClientEnd {
    return { from, to, link: this.link(from, to), enabled: false };
  }

  addServer(number: number, server: NetworkServer): void {
    this.servers[number] = server;
  }

  deleteServer(number: number): void {
    this.servers[number] = undefined;
  }

  server(number: number): NetworkServer | undefined {
    return this.servers[number];
  }

  /** Requests dispatched to the server since it was added; 0 when there is none. */
  dispatched(number: number): number {
    return this.servers[number]?.dispatched ?? 0;
  }

  /** What the rules have to say of a call made now. */
  weather(reachable: boolean): Weather {
    return this.weathers[weatherIndex(reachable, this.reliable, this.longDelays, this.longReordering)]!;
  }

  /** From here on some messages arrive late or twice; undefined: none, and those under way come as they would have. */
  setLateness(lateness: Lateness | undefined): void {
    this.old().lateness = checkLateness(lateness);
  }

  /**
   * From here on keeps copies of at most `capacity` requests, any as likely as any other, for `replay`; of those methods only whose name matches `only`, if that
   * is given. 0: keeps none, and forgets those it kept.
   */
  rememberRequests(capacity: number, only?: RegExp): void {
    this.old().remember(capacity, only);
  }

  /** Keeps the requests that are remembered for `replay`, and none of those to come. */
  stopRemembering(): void {
    this.oldMessages?.stopRemembering();
  }

  /** Hands `count` remembered requests (to one server, if given) over again, whole terms after their time maybe; returns how many there were to hand over. */
  replay(count: number, to?: number): number {
    return this.old().replay(count, to);
  }

  /** Requests that were under way late or once more do not arrive. */
  dropOldRequests(): void {
    if (this.oldMessages !== undefined) this.oldMessages.age++;
  }

  private old(): OldMessages {
    this.oldMessages ??= new OldMessages(this, mix32(this.seed, randomKeys.replay));
    return this.oldMessages;
  }

  /** Whether a message that sets out now finds its way open. */
  isOpen(from: number, to: number): boolean {
    return this.links === undefined || this.links.isOpen(from, to);
  }

  /** From here on every call fails at once. */
  close(): void {
    this.closed = true;
  }

  /**
   * Calls `method` over `end`. `onReply` gets the reply, or undefined if request or reply was lost; it is an event of the caller's, and never
   * happens when the caller is dead by then.
   */
  call(end: ClientEnd, caller: Incarnation | undefined, method: string, args: unknown, onReply: (reply: unknown) => void): void {
    if (typeof method !== "string") throw new TypeError(`a method name must be a string, got ${typeof method}`);
    const known = this.method(method);
    const copy = copyOverWire(args, known.shapes.args);
    if (this.closed) {
      onReply(undefined);
      return;
    }
    this.totalCalls++;
    this.totalBytes += copiedBytes;
    // Seed, link and number on the link: nothing else can shift what happens to this call.
    const key = mix32(end.link.key, end.link.calls++);
    const call = new Call(this, end, caller, known, copy, copiedDigest, key, onReply);
    if (caller !== undefined) call.paper = this.checks?.messages.requestSent(end.from, known.rpcKind, copy);
    call.send();
  }

  private link(from: number, to: number): Link {
    const name = `${from} ${to}`;
    let link = this.linksByName.get(name);
    if (link === undefined) {
      link = { key: mix32(mix32(this.seed, from), to), calls: 0 };
      this.linksByName.set(name, link);
    }
    return link;
  }

  private method(name: string): Method {
    if (name === this.latestMethod?.name) return this.latestMethod;
    let method = this.methods.get(name);
    if (method === undefined) {
      const shapes = this.methods.size < maxMethodsWithShapes ? shapesOf(name) : sharedShapes;
      const number = this.simulation.methods.push(name) - 1;
      method = { name, number, shapes, isInherited: name in Object.prototype, rpcKind: rpcKindOf(name) };
      this.methods.set(name, method);
    }
    this.latestMethod = method;
    return method;
  }
}

function checkLateness(lateness: Lateness | undefined): Lateness | undefined {
  if (lateness === undefined || (lateness.leastMs > 0 && lateness.mostMs >= lateness.leastMs)) return lateness;
  throw new RangeError(`lateness needs 0 < leastMs <= mostMs, got leastMs ${lateness.leastMs} and mostMs ${lateness.mostMs}`);
}

/** What a thread keeps for each method name it has met: code, no data. Bounded, since a broken implementation may invent names without end. */
const shapesByMethod = new Map<string, MessageShapes>();
const maxMethodsWithShapes = 64;
const sharedShapes: MessageShapes = { args: undefined, reply: undefined };

function shapesOf(method: string): MessageShapes {
  const known = shapesByMethod.get(method);
  if (known !== undefined) {
    known.args?.forget();
    known.reply?.forget();
    return known;
  }
  if (shapesByMethod.size >= maxMethodsWithShapes) shapesByMethod.clear();
  const shapes = { args: new RecordShape(), reply: new RecordShape() };
  shapesByMethod.set(method, shapes);
  return shapes;
}
