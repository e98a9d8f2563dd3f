import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Adversary } from "../../src/race/adversary.ts";
import { drawSchedule, type Schedule } from "../../src/race/schedule.ts";
import { EventQueue } from "../../src/sim/event-queue.ts";
import { eventKinds, SimEvent, TESTER } from "../../src/sim/sim-event.ts";
import { nothingHappens } from "../support/nothing-happens.ts";
import { newLife } from "../support/world.ts";

class PlacedEvent extends SimEvent {
  dueUs = 0;
  /** When it was given to the adversary, counted from 0. */
  number = 0;
}

const servers = 3;
const lives = Array.from({ length: servers }, (_, server) => newLife(server));

/** Something that a run schedules `waitUs` after the last thing it scheduled, unless it has events to let happen first. */
interface Step {
  readonly waitUs: number;
  readonly kind: number;
  readonly server: number;
  readonly to: number;
  readonly delayUs: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  waitUs: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 0, max: 60_000 }) }),
  kind: fc.constantFrom(eventKinds.serverTimer, eventKinds.serverTimer, eventKinds.request, eventKinds.reply, eventKinds.testerWake),
  server: fc.integer({ min: 0, max: servers - 1 }),
  to: fc.integer({ min: 0, max: servers - 1 }),
  delayUs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 700 }), fc.integer({ min: 0, max: 400_000 })),
});

const steps = fc.array(step, { maxLength: 60 });
const seed = fc.record({ high: fc.constant(0), low: fc.integer({ min: 0, max: 4000 }) });

/** Lets all of it be scheduled and happen; returns the events in the order in which they happened. */
function play(steps: readonly Step[], runSeed: { high: number; low: number }, schedule: Schedule): PlacedEvent[] {
  const adversary = new Adversary(runSeed, schedule);
  const queue = new EventQueue(1);
  const happened: PlacedEvent[] = [];
  let nowUs = 0;
  const letHappen = (untilUs: number): void => {
    for (let next = queue.peek(); next !== undefined && next.timeUs <= untilUs; next = queue.peek()) {
      nowUs = Math.max(nowUs, next.timeUs);
      happened.push(queue.pop() as PlacedEvent);
    }
  };
  for (const [number, { waitUs, kind, server, to, delayUs }] of steps.entries()) {
    const untilUs = nowUs + waitUs;
    letHappen(untilUs);
    nowUs = Math.max(nowUs, untilUs);
    const isTimer = kind === eventKinds.serverTimer;
    const owner = kind === eventKinds.testerWake ? TESTER : isTimer ? server : to;
    const event = new PlacedEvent(kind, owner, isTimer ? lives[server] : undefined, nothingHappens);
    event.number = number;
    event.dueUs = nowUs + delayUs;
    if (!isTimer && owner !== TESTER) {
      event.detail = 1 | (server << 8) | (to << 20);
      event.key = number;
    }
    queue.push(event, adversary.place(event, nowUs, delayUs));
  }
  letHappen(Number.POSITIVE_INFINITY);
  return happened;
}

function playDrawn(steps: readonly Step[], runSeed: { high: number; low: number }): PlacedEvent[] {
  return play(steps, runSeed, drawSchedule(runSeed, servers));
}

const isTimer = ({ kind }: SimEvent): boolean => kind === eventKinds.serverTimer;

describe("the adversary", () => {
  it("lets nothing happen before it is due, or later than its schedule's bound", () => {
    fc.assert(
      fc.property(steps, seed, (script, runSeed) => {
        const { boundUs } = drawSchedule(runSeed, servers);
        const happened = playDrawn(script, runSeed);
        expect(happened).toHaveLength(script.length);
        for (const { timeUs, dueUs } of happened) {
          expect(timeUs).toBeGreaterThanOrEqual(dueUs);
          expect(timeUs - dueUs).toBeLessThanOrEqual(boundUs);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("keeps the timers of each server in the order in which they are due, then in the order in which they were set", () => {
    fc.assert(
      fc.property(steps, seed, (script, runSeed) => {
        const timers = playDrawn(script, runSeed).filter(isTimer);
        for (let server = 0; server < servers; server++) {
          const fired = timers.filter(({ owner }) => owner === server);
          // A timer that was set when an earlier one had fired already can't have come before it.
          for (const [i, timer] of fired.entries()) {
            for (const earlier of fired.slice(0, i)) {
              const inOrder = earlier.dueUs < timer.dueUs || (earlier.dueUs === timer.dueUs && earlier.number < timer.number);
              expect(inOrder).toBe(true);
            }
          }
        }
      }),
      { numRuns: 3000 },
    );
  });

  it("leaves the tester's own events where they are, and first of all at their instant", () => {
    fc.assert(
      fc.property(steps, seed, (script, runSeed) => {
        for (const event of playDrawn(script, runSeed).filter(({ owner }) => owner === TESTER)) {
          expect(event.timeUs).toBe(event.dueUs);
          expect(event.rank).toBe(0);
        }
      }),
    );
  });

  it("decides the same again for the same seed", () => {
    fc.assert(
      fc.property(steps, seed, (script, runSeed) => {
        const order = () => playDrawn(script, runSeed).map(({ number, timeUs, rank }) => [number, timeUs, rank]);
        expect(order()).toEqual(order());
      }),
    );
  });

  it("forgets the timers of servers that died and those that were cleared", () => {
    const schedule: Schedule = { ...ties(1000), edgePerMille: 1000, edgeUs: 30_000 };
    const adversary = new Adversary({ high: 0, low: 1 }, schedule);
    const queue = new EventQueue(1);
    const life = newLife(0);
    const timer = new PlacedEvent(eventKinds.serverTimer, 0, life, nothingHappens);
    const place = (event: PlacedEvent, delayUs: number) => queue.push(event, adversary.place(event, 0, delayUs));
    const arrival = () => {
      const packet = new PlacedEvent(eventKinds.request, 0, undefined, nothingHappens);
      place(packet, 500);
      return packet.timeUs;
    };
    place(timer, 10_000);
    expect(arrival()).toBeOneOf([10_000, 11_000]);
    queue.remove(timer);
    expect(arrival()).toBe(1000);
    place(timer, 10_000);
    expect(arrival()).toBeOneOf([10_000, 11_000]);
    life.alive = false;
    expect(arrival()).toBe(1000);
  });
});

/** Random ties at instants of so many microseconds. */
function ties(quantumUs: number): Schedule {
  return {
    name: "ties",
    fair: true,
    boundUs: quantumUs,
    quantumUs,
    priorities: false,
    changePoints: [],
    heldPerMille: 0,
    holdUs: 0,
    latePerMille: 0,
    lateUs: 0,
    edgePerMille: 0,
    edgeUs: 0,
    starvation: undefined,
  };
}

/** Packets of one link, a millisecond apart. */
const packets: Step[] = Array.from({ length: 10 }, () => ({ waitUs: 0, kind: eventKinds.request, server: 0, to: 1, delayUs: 300 }));

const orderOf = (script: readonly Step[], low: number, schedule: Schedule) =>
  play(script, { high: 0, low }, schedule).map(({ number }) => number);

describe("random ties", () => {
  it("let packets of one link overtake each other, in another order for each seed", () => {
    const orders = Array.from({ length: 20 }, (_, low) => orderOf(packets, low, ties(5000)).join(" "));
    expect(new Set(orders).size).toBe(20);
  });

  it("decide about a packet by its key alone: without another one, the rest keep their order", () => {
    const happened = play(packets, { high: 0, low: 3 }, ties(5000));
    const fewer = play(packets.slice(0, 9), { high: 0, low: 3 }, ties(5000));
    expect(fewer.map(({ number }) => number)).toEqual(happened.map(({ number }) => number).filter((number) => number !== 9));
  });

  it("let the due timers of a server fire in a row", () => {
    const timers = [900, 300, 600].map((delayUs) => ({ waitUs: 0, kind: eventKinds.serverTimer, server: 1, to: 1, delayUs }));
    for (let low = 0; low < 50; low++) {
      const happened = play([...timers, ...packets], { high: 0, low }, ties(5000));
      const positions = happened.flatMap((event, i) => (isTimer(event) ? [i] : []));
      expect(happened.filter(isTimer).map(({ number }) => number)).toEqual([1, 2, 0]);
      expect(positions[2]! - positions[0]!).toBe(2);
    }
  });
});

describe("priorities", () => {
  const oneEach = [0, 1, 2].flatMap((to) => [0, 1, 2].map((server) => ({ waitUs: 0, kind: eventKinds.request, server, to, delayUs: 300 })));
  const rounds = Array.from({ length: 4 }, () => oneEach.map((packet, i) => ({ ...packet, waitUs: i === 0 ? 5000 : 0 }))).flat();
  const link = ({ detail }: SimEvent) => detail >>> 8;
  const linksInOrder = (low: number, changePoints: readonly number[]) => {
    const happened = play(rounds, { high: 0, low }, { ...ties(5000), priorities: true, changePoints });
    return [0, 1, 2, 3].map((round) => happened.slice(9 * round, 9 * round + 9).map(link));
  };

  it("let links keep their order from one instant to the next, another one for each seed", () => {
    const orders = Array.from({ length: 20 }, (_, low) => {
      const [first, ...others] = linksInOrder(low, []);
      for (const other of others) expect(other).toEqual(first);
      return first!.join(" ");
    });
    expect(new Set(orders).size).toBe(20);
  });

  it("change at a change point: whoever is placed there is the last from then on", () => {
    const [before, , after, later] = linksInOrder(1, [20]);
    const demoted = after!.at(-1);
    expect(later).toEqual(after);
    expect(before!.at(-1)).not.toBe(demoted);
    expect(after).toEqual([...before!.filter((one) => one !== demoted), demoted]);
  });
});
