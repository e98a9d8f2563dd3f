import type { PaperCall } from "../check/figure2.ts";
import { ImplementationError } from "../failure.ts";
import { mix32, scale32 } from "../sim/random.ts";
import { eventKinds, type Incarnation, SimEvent, TESTER } from "../sim/sim-event.ts";
import type { ClientEnd, Method, Network, NetworkServer } from "./network.ts";
import { type Conditions, delayOf, type Half, isLost, judge, type Packet, type Weather } from "./rules.ts";
import { copiedBytes, copiedDigest, copyOverWire } from "./wire.ts";

/** While a handler runs, the network looks this often whether its server is still there. */
const handlerPollUs = 100_000;

/**
 * One RPC, from the caller's call to the caller's reply. One event that is scheduled again for each stage:
 * request on its way -> handler running -> reply on its way, or lost.
 */
export class Call extends SimEvent implements Packet {
  private half: Half = "request";
  method!: Method;
  /** The server's own copy of the arguments. */
  args: unknown = undefined;
  /** Randomness of this call: a hash of seed, link and number on the link. */
  key = 0;
  /** What the checks know of this call, if it is an RPC of the paper's between servers. */
  paper: PaperCall | undefined = undefined;
  private readonly weather: Weather;
  private readonly network: Network;
  private readonly end: ClientEnd;
  private readonly caller: Incarnation | undefined;
  private readonly server: NetworkServer | undefined;
  private onReply: (reply: unknown) => void;
  /** The caller's own copy of the reply. */
  private reply: unknown = undefined;
  private replyBytes = 0;

  constructor(network: Network, end: ClientEnd, caller: Incarnation | undefined, onReply: (reply: unknown) => void) {
    super(eventKinds.request, end.to, undefined);
    this.network = network;
    this.end = end;
    this.caller = caller;
    this.onReply = onReply;
    this.server = network.server(end.to);
    this.weather = network.weather(end.enabled && this.server !== undefined);
  }

  get conditions(): Conditions {
    return this.weather.conditions;
  }

  draw(purpose: number, bound: number): number {
    // A request's purposes and a reply's must not share a key.
    return scale32(mix32(this.key, this.half === "request" ? purpose : purpose + 64), bound);
  }

  /** Sends the request. */
  send(): void {
    this.trace("SEND", this.end.from, "-> S", this.end.to, this.args);
    const verdict = judge(this.weather.request, this);
    if (isLost(verdict)) this.lose(delayOf(verdict));
    else this.network.simulation.schedule(this, delayOf(verdict));
  }

  override fire(): void {
    switch (this.kind) {
      case eventKinds.request:
        this.dispatch();
        return;
      case eventKinds.handlerPoll:
        if (this.dead()) this.lose(0);
        else this.network.simulation.schedule(this, handlerPollUs);
        return;
      default:
        this.deliverReply();
    }
  }

  override release(dead: Incarnation): void {
    if (this.caller !== dead) return;
    this.onReply = nobodyListens;
    this.reply = undefined;
  }

  override describe(): string {
    const link = `${this.method.name} S${this.end.from} -> S${this.end.to}`;
    switch (this.kind) {
      case eventKinds.request:
        return `request ${link} ${show(this.args)}`;
      case eventKinds.reply:
        return `reply to ${link} ${show(this.reply)}`;
      case eventKinds.lost:
        return `${link} is known to be lost`;
      default:
        return `${link} is still being handled`;
    }
  }

  /** The request has arrived. As in labrpc it reaches its handler even when the end was disabled meanwhile; only the reply will not get out. */
  private dispatch(): void {
    const server = this.server!;
    if (!server.incarnation.alive) {
      this.lose(0);
      return;
    }
    server.dispatched++;
    this.trace("RECV", this.end.to, "<- S", this.end.from, this.args);
    if (this.paper !== undefined) this.network.checks!.requestArrived(this.end.to, this.end.from, this.paper, this.args);
    const method = this.method.name;
    let result: unknown;
    let later: boolean;
    try {
      const { handlers } = server;
      // `handlers` may be an instance of a class; what every object inherits is no handler.
      const handler = method in Object.prototype && !Object.hasOwn(handlers, method) ? undefined : handlers[method];
      if (typeof handler !== "function") throw this.noSuchMethod(server);
      result = handler.call(handlers, this.args);
      later = result instanceof Promise || isThenable(result);
    } catch (thrown) {
      throw ImplementationError.of(this.owner, `the handler of ${method}`, thrown);
    }
    if (later) this.awaitHandler(Promise.resolve(result));
    else this.handled(result);
  }

  private awaitHandler(result: Promise<unknown>): void {
    const { simulation } = this.network;
    this.kind = eventKinds.handlerPoll;
    simulation.schedule(this, handlerPollUs);
    const finished = (act: () => void) => {
      // The poll is not scheduled when it has already given this call up.
      if (!simulation.cancel(this)) return;
      try {
        act();
      } catch (thrown) {
        simulation.fail(thrown);
      }
    };
    result.then(
      (reply) => finished(() => this.handled(reply)),
      (thrown) =>
        finished(() => {
          // The dead may give up their work as they like: labrpc discards what comes of a handler then.
          if (!this.server!.incarnation.alive) return this.lose(0);
          throw ImplementationError.of(this.end.to, `the handler of ${this.method.name}`, thrown);
        }),
    );
  }

  /** The handler has finished: the reply sets out, unless the server has been cut off or has gone. */
  private handled(reply: unknown): void {
    this.half = "reply";
    if (this.dead()) {
      this.lose(0);
      return;
    }
    try {
      this.reply = copyOverWire(reply, this.method.shapes.reply);
      this.replyBytes = copiedBytes();
    } catch (thrown) {
      throw ImplementationError.of(this.end.to, `the reply of ${this.method.name}`, thrown);
    }
    const digest = copiedDigest();
    if (this.paper !== undefined) this.network.checks!.replySent(this.end.to, this.end.from, this.paper, this.reply);
    const verdict = judge(this.weather.reply, this);
    if (isLost(verdict)) {
      this.lose(delayOf(verdict));
      return;
    }
    this.kind = eventKinds.reply;
    this.digest = digest;
    this.owner = this.callerOwner();
    this.network.simulation.schedule(this, delayOf(verdict));
  }

  /** Whether the server can no longer answer: its end is cut, or it is not the server the call went to. */
  private dead(): boolean {
    return !this.end.enabled || this.network.server(this.end.to) !== this.server;
  }

  /** The caller is going to learn that its call failed. */
  private lose(delayUs: number): void {
    this.kind = eventKinds.lost;
    this.digest = 0;
    this.owner = this.callerOwner();
    this.args = undefined;
    this.reply = undefined;
    this.network.simulation.schedule(this, delayUs);
  }

  private callerOwner(): number {
    return this.caller === undefined ? TESTER : this.end.from;
  }

  private deliverReply(): void {
    const reply = this.reply;
    if (this.kind === eventKinds.reply) this.network.totalBytes += this.replyBytes;
    if (this.caller !== undefined && !this.caller.alive) return;
    if (this.kind === eventKinds.reply && this.paper !== undefined) this.network.checks!.replyArrived(this.end.from, this.paper);
    if (this.kind === eventKinds.reply) this.trace("REPL", this.end.from, "<- S", this.end.to, reply);
    else this.trace("DROP", this.end.from, "no reply from S", this.end.to, undefined);
    try {
      this.onReply(reply);
    } catch (thrown) {
      throw ImplementationError.of(this.end.from, `the reply callback of ${this.method.name}`, thrown);
    }
  }

  private trace(topic: "SEND" | "RECV" | "REPL" | "DROP", server: number, way: string, peer: number, value: unknown): void {
    const { trace } = this.network.simulation;
    if (trace.traceOn) trace.line(topic, server, `${way}${peer} ${this.method.name} ${show(value)}`.trimEnd());
  }

  private noSuchMethod(server: NetworkServer): ImplementationError {
    const known = Object.keys(server.handlers).join(", ") || "none";
    const problem = new TypeError(`no handler for the method '${this.method.name}' (handlers: ${known})`);
    return new ImplementationError(this.end.to, "its RPC handlers", problem);
  }
}

function nobodyListens(): void {}

function isThenable(value: unknown): boolean {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}

/** Longest text of one value in a report line. */
const maxShown = 300;

function show(value: unknown): string {
  if (value === undefined) return "";
  let text: string;
  try {
    text = JSON.stringify(value, (_, part: unknown) => (part instanceof Uint8Array ? `<${part.length} bytes>` : part)) ?? "";
  } catch {
    text = String(value);
  }
  return text.length > maxShown ? `${text.slice(0, maxShown)}... (${text.length} characters)` : text;
}
