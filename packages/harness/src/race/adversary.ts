import { logUniform, mix32, scale32 } from "../sim/random.ts";
import { randomKeys } from "../sim/random-keys.ts";
import type { Seed } from "../sim/seed.ts";
import { eventKinds, type SimEvent, TESTER } from "../sim/sim-event.ts";
import { type Schedule, starvedPacketUs, starvedTimerUs } from "./schedule.ts";
import { ServerTimers } from "./server-timers.ts";

const purposes = { rank: 1, held: 2, late: 3, edge: 4, side: 5, hold: 16, lateness: 18, starved: 20 } as const;

/** What is held is held for at least this long: of the order of the network's own latency. */
const leastHoldUs = 64;

/** Ranks are whole numbers below 2^53: a draw or a priority above, and below it how long before its instant a timer was due. */
const rankUnit = 2 ** 21;
/** Demoted chains come after all others, whose priorities are below it. */
const demoted = 2 ** 31;

/**
 * Decides when the packets and timers of a run happen, and in which order those of one instant: anything that is legal, and as unpleasant as its schedule
 * says. What the tester does, and when, it leaves alone. Each decision is drawn by key, so that the same seed gives the same run.
 */
export class Adversary {
  readonly schedule: Schedule;
  private readonly seed: number;
  private readonly timers = new ServerTimers();
  /** Packets and timers placed so far. */
  private placed = 0;
  private demotions = 0;
  /** The new priorities of the chains that change points have demoted. */
  private readonly demotedTo = new Map<number, number>();

  constructor(seed: Seed, schedule: Schedule) {
    this.seed = mix32(mix32(randomKeys.race, seed.high), seed.low);
    this.schedule = schedule;
  }

  /** Gives an event that is about to be scheduled its rank, and returns its time. */
  place(event: SimEvent, nowUs: number, delayUs: number): number {
    const dueUs = nowUs + delayUs;
    event.rank = 0;
    if (event.owner === TESTER) return dueUs;
    switch (event.kind) {
      case eventKinds.request:
      case eventKinds.reply:
      case eventKinds.lost:
        return this.placePacket(event, dueUs);
      case eventKinds.serverTimer:
        return this.placeTimer(event, dueUs, delayUs === 0);
      case eventKinds.apply:
        return dueUs + this.lateness(event.owner, dueUs);
      default:
        return dueUs;
    }
  }

  private placePacket(event: SimEvent, dueUs: number): number {
    const word = mix32(mix32(this.seed, event.key), event.kind);
    const timeUs = this.rounded(this.atEdge(event.owner, word, dueUs + this.held(word) + this.starvedPacket(event, word, dueUs)));
    const draw = this.schedule.priorities ? this.priority(packetChain(event)) : draw31(word);
    event.rank = draw * rankUnit;
    return timeUs;
  }

  /** `atOnce`: set without a delay, as an immediate is: it is as late as the timers that are due, but no later. */
  private placeTimer(event: SimEvent, dueUs: number, atOnce: boolean): number {
    const { owner } = event;
    const lateUs = atOnce ? dueUs : this.rounded(dueUs + this.lateness(owner, dueUs) + this.starvedTimer(owner, dueUs));
    const timeUs = this.timers.add(event, dueUs, lateUs);
    // A process lets all its due timers fire in a row, in their order.
    const beside = this.timers.at(event, timeUs);
    const draw = beside === undefined ? this.timerDraw(owner, timeUs) : Math.floor(beside.rank / rankUnit);
    event.rank = draw * rankUnit + Math.max(0, rankUnit - 1 - (timeUs - dueUs));
    return timeUs;
  }

  private timerDraw(owner: number, timeUs: number): number {
    if (this.schedule.priorities) return this.priority(timerChain(owner));
    return draw31(mix32(mix32(this.seed, owner), timeUs));
  }

  private rounded(timeUs: number): number {
    const { quantumUs } = this.schedule;
    return quantumUs === 1 ? timeUs : Math.ceil(timeUs / quantumUs) * quantumUs;
  }

  /** The priority of a chain, after it has been demoted if this is where the schedule says so. */
  private priority(chain: number): number {
    const { changePoints } = this.schedule;
    if (this.demotions < changePoints.length && ++this.placed >= changePoints[this.demotions]!) {
      this.demotedTo.set(chain, demoted + this.demotions++);
    }
    return this.demotedTo.get(chain) ?? draw31(mix32(this.seed, chain));
  }

  private held(word: number): number {
    const { heldPerMille, holdUs } = this.schedule;
    if (heldPerMille === 0 || draw(word, purposes.held, 1000) >= heldPerMille) return 0;
    return someTime(word, purposes.hold, holdUs);
  }

  private lateness(server: number, dueUs: number): number {
    const { latePerMille, lateUs } = this.schedule;
    if (latePerMille === 0) return 0;
    const word = mix32(mix32(this.seed, server), dueUs);
    return draw(word, purposes.late, 1000) < latePerMille ? someTime(word, purposes.lateness, lateUs) : 0;
  }

  private atEdge(receiver: number, word: number, timeUs: number): number {
    const { edgePerMille, edgeUs } = this.schedule;
    if (edgePerMille === 0 || draw(word, purposes.edge, 1000) >= edgePerMille) return timeUs;
    const timerUs = this.timers.nextUs(receiver, timeUs + 1);
    if (timerUs >= timeUs + edgeUs) return timeUs;
    return timerUs + 2 * draw(word, purposes.side, 2) - 1;
  }

  private starvedPacket(event: SimEvent, word: number, dueUs: number): number {
    const { starvation } = this.schedule;
    if (starvation === undefined || !this.starving(dueUs)) return 0;
    const { server, from, to } = starvation;
    const hit =
      server === undefined ? callerOf(event) === from && calledOf(event) === to : callerOf(event) === server || calledOf(event) === server;
    return hit ? someTime(word, purposes.starved, starvedPacketUs) : 0;
  }

  private starvedTimer(owner: number, dueUs: number): number {
    const { starvation } = this.schedule;
    if (starvation === undefined || starvation.server !== owner || !this.starving(dueUs)) return 0;
    return someTime(mix32(mix32(this.seed, owner), dueUs), purposes.starved, starvedTimerUs);
  }

  private starving(dueUs: number): boolean {
    const { periodUs, offsetUs, lengthUs } = this.schedule.starvation!;
    return (dueUs + periodUs - offsetUs) % periodUs < lengthUs;
  }
}

/** Both halves of a call have its link in their detail: the caller above bit 8, whom it calls above bit 20. */
function callerOf({ detail }: SimEvent): number {
  return (detail >>> 8) & 0xfff;
}

function calledOf({ detail }: SimEvent): number {
  return detail >>> 20;
}

/** What goes one way over a link. */
function packetChain({ detail, kind }: SimEvent): number {
  return mix32(detail >>> 8, kind === eventKinds.request ? 1 : 2);
}

function timerChain(server: number): number {
  return mix32(server, 3);
}

function draw(word: number, purpose: number, bound: number): number {
  return scale32(mix32(word, purpose), bound);
}

function draw31(word: number): number {
  return mix32(word, purposes.rank) >>> 1;
}

/** From `leastHoldUs` to below `bound`: each doubling is as likely as any other. Uses the purpose after `purpose` too. */
function someTime(word: number, purpose: number, bound: number): number {
  let next = purpose;
  return logUniform(leastHoldUs, bound, (below) => draw(word, next++, below));
}
