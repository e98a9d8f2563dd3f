import type { PaperCall } from "../check/figure2.ts";
import { ImplementationError } from "../failure.ts";
import { mix32, scale32 } from "../sim/random.ts";
import { eventKinds, type Happening, type Incarnation, SimEvent, TESTER } from "../sim/sim-event.ts";
import type { ClientEnd, Method, Network, NetworkServer } from "./network.ts";
import { type Conditions, delayOf, type Half, isLost, judge, type Packet, unreachableRule, type Weather } from "./rules.ts";
import { showValue } from "./show-value.ts";
import { isThenable } from "./thenable.ts";
import { copiedBytes, copiedDigest, copyOverWire } from "./wire.ts";

const { request: requestKind, reply: replyKind, lost: lostKind, handlerPoll: pollKind } = eventKinds;

/** While a handler runs, the network looks this often whether its server is still there. */
const handlerPollUs = 100_000;

/**
 * One RPC, from the caller's call to the caller's reply. One event that is scheduled again for each stage:
 * request on its way -> handler running -> reply on its way, or lost.
 */
export class Call implements Happening, Packet {
  private readonly event: SimEvent;
  private half: Half = "request";
  readonly method: Method;
  /** The server's own copy of the arguments. */
  args: unknown;
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
  /** When the request reached a handler that did not answer at once. */
  private arrivedUs = 0;

  /** `args`: the server's own copy; `digest`: their hash; `key`: randomness of this call. */
  constructor(
    network: Network,
    end: ClientEnd,
    caller: Incarnation | undefined,
    method: Method,
    args: unknown,
    digest: number,
    key: number,
    onReply: (reply: unknown) => void,
  ) {
    const event = new SimEvent(requestKind, end.to, undefined, this);
    event.digest = digest;
    event.key = key;
    event.detail = method.number | (end.from << 8) | (end.to << 20);
    this.event = event;
    this.method = method;
    this.args = args;
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

  get digest(): number {
    return this.event.digest;
  }

  get detail(): number {
    return this.event.detail;
  }

  get key(): number {
    return this.event.key;
  }

  get conditions(): Conditions {
    return this.weather.conditions;
  }

  draw(purpose: number, bound: number): number {
    // A request's purposes and a reply's must not share a key.
    return scale32(mix32(this.event.key, this.half === "request" ? purpose : purpose + 64), bound);
  }

  /** Sends the request. */
  send(): void {
    const { network } = this;
    if (network.isTraced) this.trace("SEND", this.end.from, "-> S", this.end.to, this.args);
    let verdict = judge(this.weather.request, this);
    if (network.oldMessages !== undefined && !isLost(verdict)) verdict = network.oldMessages.requestLeaves(this, verdict);
    if (isLost(verdict)) this.lose(delayOf(verdict));
    else network.simulation.schedule(this.event, verdict);
  }

  happen({ kind }: SimEvent): void {
    switch (kind) {
      case requestKind:
        this.dispatch();
        return;
      case pollKind:
        if (this.dead()) this.lose(0);
        else this.network.simulation.schedule(this.event, handlerPollUs);
        return;
      case replyKind:
        if (this.network.cutsInFlight && !this.network.isOpen(this.end.to, this.end.from)) this.losePatiently();
        else this.deliverReply();
        return;
      default:
        this.deliverReply();
    }
  }

  waitsForOwner(): boolean {
    return true;
  }

  release(dead: Incarnation): void {
    if (this.caller !== dead) return;
    this.onReply = nobodyListens;
    this.reply = undefined;
  }

  describe({ kind }: SimEvent): string {
    const link = `${this.method.name} S${this.end.from} -> S${this.end.to}`;
    switch (kind) {
      case requestKind:
        return `request ${link} ${showValue(this.args)}`;
      case replyKind:
        return `reply to ${link} ${showValue(this.reply)}`;
      case lostKind:
        return `${link} is known to be lost`;
      default:
        return `${link} is still being handled`;
    }
  }

  /** The request has arrived. As in labrpc it reaches its handler even when the end was disabled meanwhile; only the reply will not get out. */
  private dispatch(): void {
    const server = this.server!;
    const { network, method, paper } = this;
    const { incarnation } = server;
    const { from, to } = this.end;
    if (network.cutsInFlight && !network.isOpen(from, to)) {
      this.losePatiently();
      return;
    }
    const { deliveries } = network;
    if (deliveries !== undefined && incarnation.alive) deliveries.before(to, "request", method.name);
    if (!incarnation.alive) {
      this.lose(0);
      return;
    }
    if (network.isTraced) this.trace("RECV", to, "<- S", from, this.args);
    if (paper !== undefined) network.checks!.messages.requestArrived(to, paper);
    let result: unknown;
    let later: boolean;
    try {
      result = server.handle(method, this.args);
      later = isThenable(result);
    } catch (thrown) {
      // It crashed before it threw.
      if (!incarnation.alive) {
        this.lose(0);
        return;
      }
      throw ImplementationError.of(to, `the handler of ${method.name}`, thrown);
    }
    if (network.deliveries !== undefined && incarnation.alive) network.deliveries.after(to, "request", method.name);
    if (later) this.awaitHandler(Promise.resolve(result));
    else this.handled(result);
  }

  private awaitHandler(result: Promise<unknown>): void {
    const { simulation } = this.network;
    this.event.kind = pollKind;
    this.arrivedUs = simulation.nowUs;
    simulation.schedule(this.event, handlerPollUs);
    const finished = (act: () => void) => {
      // The poll is not scheduled when it has already given this call up.
      if (!simulation.cancel(this.event)) return;
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
      this.replyBytes = copiedBytes;
    } catch (thrown) {
      throw ImplementationError.of(this.end.to, `the reply of ${this.method.name}`, thrown);
    }
    const digest = copiedDigest;
    const { network, paper } = this;
    if (paper !== undefined) network.checks!.messages.replySent(this.end.to, paper, this.reply);
    if (network.links !== undefined && !network.isOpen(this.end.to, this.end.from)) {
      this.losePatiently();
      return;
    }
    const verdict = judge(this.weather.reply, this);
    if (isLost(verdict)) {
      this.lose(delayOf(verdict));
      return;
    }
    const { event } = this;
    event.kind = replyKind;
    event.digest = digest;
    event.owner = this.callerOwner();
    const lateUs = network.oldMessages?.replyLateUs(this) ?? 0;
    network.simulation.schedule(event, verdict + lateUs);
  }

  /** Microseconds for which its handler has been at work; undefined when none is, or nobody waits for it any more. */
  get handledForUs(): number | undefined {
    return this.event.kind === pollKind && !this.dead() ? this.network.simulation.nowUs - this.arrivedUs : undefined;
  }

  /** In words, while its handler is at work. */
  tellUnanswered(): string {
    const { from, to } = this.end;
    return `S${to} has not answered ${this.method.name} of S${from}, which it received at ${(this.arrivedUs / 1e6).toFixed(3)} s`;
  }

  /** Whether the server can no longer answer: its end is cut, or it is not the server the call went to. */
  private dead(): boolean {
    return !this.end.enabled || this.network.server(this.end.to) !== this.server;
  }

  /** The caller is going to learn that its call failed. */
  private lose(delayUs: number): void {
    const { event } = this;
    event.kind = lostKind;
    event.digest = 0;
    event.owner = this.callerOwner();
    // What it carried is of no more use, and it may take seconds until the caller knows.
    this.args = undefined;
    this.reply = undefined;
    this.paper = undefined;
    this.network.simulation.schedule(event, delayUs);
  }

  /** The way is cut: nobody tells the caller, who gives up after a while. */
  private losePatiently(): void {
    this.lose(delayOf(unreachableRule.verdict(this)));
  }

  private callerOwner(): number {
    return this.caller === undefined ? TESTER : this.end.from;
  }

  private deliverReply(): void {
    const { reply, caller, network } = this;
    const { from, to } = this.end;
    const hasReply = this.event.kind === replyKind;
    const watch = hasReply && caller !== undefined ? network.deliveries : undefined;
    if (hasReply) network.totalBytes += this.replyBytes;
    if (watch !== undefined && caller!.alive) watch.before(from, "reply", this.method.name);
    if (caller !== undefined && !caller.alive) return;
    if (hasReply && this.paper !== undefined) network.checks!.messages.replyArrived(this.paper);
    if (network.isTraced) {
      if (hasReply) this.trace("REPL", from, "<- S", to, reply);
      else this.trace("DROP", from, "no reply from S", to, undefined);
    }
    try {
      this.onReply(reply);
    } catch (thrown) {
      throw ImplementationError.of(from, `the reply callback of ${this.method.name}`, thrown);
    }
    if (watch !== undefined && caller!.alive) watch.after(from, "reply", this.method.name);
  }

  private trace(topic: "SEND" | "RECV" | "REPL" | "DROP", server: number, way: string, peer: number, value: unknown): void {
    const { trace } = this.network.simulation;
    trace.line(topic, server, `${way}${peer} ${this.method.name} ${showValue(value)}`.trimEnd());
  }
}

function nobodyListens(): void {}
