import type { PaperCall } from "../check/figure2.ts";
import { ImplementationError } from "../failure.ts";
import { mix32, scale32 } from "../sim/random.ts";
import { eventKinds, type Incarnation, SimEvent, TESTER } from "../sim/sim-event.ts";
import type { ClientEnd, Method, Network, NetworkServer } from "./network.ts";
import { type Conditions, delayOf, type Half, isLost, judge, type Packet, unreachableRule, type Weather } from "./rules.ts";
import { showValue } from "./show-value.ts";
import { isThenable } from "./thenable.ts";
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
    this.weather = network.weather(end.enabled && this.server !== undefined && network.isOpen(end.from, end.to));
  }

  get from(): number {
    return this.end.from;
  }

  get to(): number {
    return this.end.to;
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
    let verdict = judge(this.weather.request, this);
    const { oldMessages } = this.network;
    if (oldMessages !== undefined && !isLost(verdict)) verdict = oldMessages.requestLeaves(this, verdict);
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
      case eventKinds.reply:
        if (this.network.isCutInFlight(this.end.to, this.end.from)) this.losePatiently();
        else this.deliverReply();
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
        return `request ${link} ${showValue(this.args)}`;
      case eventKinds.reply:
        return `reply to ${link} ${showValue(this.reply)}`;
      case eventKinds.lost:
        return `${link} is known to be lost`;
      default:
        return `${link} is still being handled`;
    }
  }

  /** The request has arrived. As in labrpc it reaches its handler even when the end was disabled meanwhile; only the reply will not get out. */
  private dispatch(): void {
    const server = this.server!;
    const { network } = this;
    const method = this.method.name;
    if (network.isCutInFlight(this.end.from, this.end.to)) {
      this.losePatiently();
      return;
    }
    if (server.incarnation.alive) network.deliveries?.before(this.end.to, "request", method);
    if (!server.incarnation.alive) {
      this.lose(0);
      return;
    }
    this.trace("RECV", this.end.to, "<- S", this.end.from, this.args);
    if (this.paper !== undefined) this.network.checks!.messages.requestArrived(this.end.to, this.paper);
    let result: unknown;
    let later: boolean;
    try {
      result = server.handle(this.method, this.args);
      later = isThenable(result);
    } catch (thrown) {
      // It crashed before it threw.
      if (!server.incarnation.alive) {
        this.lose(0);
        return;
      }
      throw ImplementationError.of(this.owner, `the handler of ${method}`, thrown);
    }
    if (server.incarnation.alive) network.deliveries?.after(this.end.to, "request", method);
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
    if (this.paper !== undefined) this.network.checks!.messages.replySent(this.end.to, this.paper, this.reply);
    if (!this.network.isOpen(this.end.to, this.end.from)) {
      this.losePatiently();
      return;
    }
    const verdict = judge(this.weather.reply, this);
    if (isLost(verdict)) {
      this.lose(delayOf(verdict));
      return;
    }
    this.kind = eventKinds.reply;
    this.digest = digest;
    this.owner = this.callerOwner();
    const lateUs = this.network.oldMessages?.replyLateUs(this) ?? 0;
    this.network.simulation.schedule(this, delayOf(verdict) + lateUs);
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
    // What it carried is of no more use, and it may take seconds until the caller knows.
    this.args = undefined;
    this.reply = undefined;
    this.paper = undefined;
    this.network.simulation.schedule(this, delayUs);
  }

  /** The way is cut: nobody tells the caller, who gives up after a while. */
  private losePatiently(): void {
    this.lose(delayOf(unreachableRule.verdict(this)));
  }

  private callerOwner(): number {
    return this.caller === undefined ? TESTER : this.end.from;
  }

  private deliverReply(): void {
    const reply = this.reply;
    const { caller } = this;
    const watch = this.kind === eventKinds.reply && caller !== undefined ? this.network.deliveries : undefined;
    if (this.kind === eventKinds.reply) this.network.totalBytes += this.replyBytes;
    if (caller?.alive) watch?.before(this.end.from, "reply", this.method.name);
    if (caller !== undefined && !caller.alive) return;
    if (this.kind === eventKinds.reply && this.paper !== undefined) this.network.checks!.messages.replyArrived(this.paper);
    if (this.kind === eventKinds.reply) this.trace("REPL", this.end.from, "<- S", this.end.to, reply);
    else this.trace("DROP", this.end.from, "no reply from S", this.end.to, undefined);
    try {
      this.onReply(reply);
    } catch (thrown) {
      throw ImplementationError.of(this.end.from, `the reply callback of ${this.method.name}`, thrown);
    }
    if (caller?.alive) watch?.after(this.end.from, "reply", this.method.name);
  }

  private trace(topic: "SEND" | "RECV" | "REPL" | "DROP", server: number, way: string, peer: number, value: unknown): void {
    const { trace } = this.network.simulation;
    if (trace.traceOn) trace.line(topic, server, `${way}${peer} ${this.method.name} ${showValue(value)}`.trimEnd());
  }
}

function nobodyListens(): void {}
