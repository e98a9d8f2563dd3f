import { RandomStream } from "../sim/random.ts";
import { randomKeys } from "../sim/random-keys.ts";
import type { Seed } from "../sim/seed.ts";

/** Who is slow during a part of the run, again and again: from `offsetUs` on for `lengthUs`, in every `periodUs`. */
interface Starvation {
  /** The server all of whose packets and timers are slow; undefined: only one link is. */
  readonly server: number | undefined;
  readonly from: number;
  readonly to: number;
  readonly periodUs: number;
  readonly offsetUs: number;
  readonly lengthUs: number;
}

/**
 * How the adversary of one run treats packets and timers. Every schedule is legal: it is one that a network and a busy machine may come to. Whole
 * microseconds all through.
 */
export interface Schedule {
  /** In a few words, for logs. */
  readonly name: string;
  /**
   * Whether no packet and no timer is later by more than `fairBoundUs` than on the network of the labs. Under an unfair schedule nobody can be asked to make
   * progress in time: only safety is judged.
   */
  readonly fair: boolean;
  /** The longest that a packet or timer is held back. */
  readonly boundUs: number;
  /** Packets and timers happen at multiples of this; 1: at any microsecond. */
  readonly quantumUs: number;
  /** Links and servers have priorities, which decide what comes first at one instant; otherwise each packet draws. */
  readonly priorities: boolean;
  /** With priorities: numbers of the placements, in order, at which whoever is being placed becomes the last of all. */
  readonly changePoints: readonly number[];
  /** Of 1000 packets so many are held for up to `holdUs` more. */
  readonly heldPerMille: number;
  readonly holdUs: number;
  /** Of 1000 timers, and of 1000 messages to the service, so many are late by up to `lateUs`. */
  readonly latePerMille: number;
  readonly lateUs: number;
  /** Of 1000 packets so many arrive just before or just after the receiver's next timer, if it is due within `edgeUs`. */
  readonly edgePerMille: number;
  readonly edgeUs: number;
  readonly starvation: Starvation | undefined;
}

/** What the lab's unreliable network does to a packet anyway, about. */
export const fairBoundUs = 30_000;

const plain = {
  quantumUs: 1,
  priorities: false,
  changePoints: [],
  heldPerMille: 0,
  holdUs: 0,
  latePerMille: 0,
  lateUs: 0,
  edgePerMille: 0,
  edgeUs: 0,
  starvation: undefined,
} as const;

const quantaMs = [1, 5, 20] as const;
const perMilles = [50, 125, 250, 500] as const;
/** Longer than a fair schedule holds anything: some round trips, an election timeout, several of them. */
const longMs = [100, 300, 1000, 4000] as const;

type Draw = (random: RandomStream, servers: number) => Schedule;

/** What there is, with weights. */
const portfolio: readonly (readonly [weight: number, draw: Draw])[] = [
  [20, randomTies],
  [15, priorities],
  [15, shortHolds],
  [10, nearEdges],
  [15, longHolds],
  [15, farEdges],
  [10, starvation],
];
const totalWeight = portfolio.reduce((sum, [weight]) => sum + weight, 0);

/** The schedule of a run: a pure function of its seed. */
export function drawSchedule(seed: Seed, servers: number): Schedule {
  const random = new RandomStream(seed, randomKeys.race);
  let left = random.int(0, totalWeight);
  const [, draw] = portfolio.find(([weight]) => {
    left -= weight;
    return left < 0;
  })!;
  return draw(random, servers);
}

function oneOf<T>(random: RandomStream, choices: readonly T[]): T {
  return choices[random.int(0, choices.length)]!;
}

function randomTies(random: RandomStream): Schedule {
  const quantumMs = oneOf(random, quantaMs);
  const quantumUs = quantumMs * 1000;
  return { ...plain, name: `random ties, instants of ${quantumMs} ms`, fair: true, boundUs: quantumUs, quantumUs };
}

/** Probabilistic concurrency testing (Burckhardt et al. 2010): a bug that takes d ordered choices needs d - 1 change points at the right places. */
function priorities(random: RandomStream): Schedule {
  const quantumMs = oneOf(random, quantaMs);
  const changes = random.int(1, 4);
  // Runs have some hundred to some ten thousand placements; the log-uniform draw serves short and long ones.
  const changePoints = Array.from({ length: changes }, () => {
    const power = 2 ** random.int(4, 14);
    return power + random.int(0, power);
  }).sort((a, b) => a - b);
  const quantumUs = quantumMs * 1000;
  const name = `priorities with ${changes} change ${changes === 1 ? "point" : "points"}, instants of ${quantumMs} ms`;
  return { ...plain, name, fair: true, boundUs: quantumUs, quantumUs, priorities: true, changePoints };
}

function shortHolds(random: RandomStream): Schedule {
  return { ...held(random, 30), latePerMille: 125, lateUs: 8000 };
}

function longHolds(random: RandomStream): Schedule {
  return held(random, oneOf(random, longMs));
}

function held(random: RandomStream, holdMs: number): Schedule {
  const heldPerMille = oneOf(random, perMilles);
  const holdUs = holdMs * 1000;
  const name = `${heldPerMille / 10}% of the packets held for up to ${holdMs} ms`;
  return { ...plain, name, fair: holdUs <= fairBoundUs, boundUs: holdUs, heldPerMille, holdUs };
}

function nearEdges(random: RandomStream): Schedule {
  return atEdges(random, 30);
}

/** Elections without end: where a server leads, is deposed and leads again, what was held back in between does most harm. */
function farEdges(random: RandomStream): Schedule {
  const edges = atEdges(random, oneOf(random, [100, 200, 400]));
  if (random.int(0, 2) === 0) return edges;
  const holds = held(random, oneOf(random, longMs));
  const { heldPerMille, holdUs } = holds;
  return { ...edges, name: `${edges.name}, ${holds.name}`, boundUs: edges.edgeUs + holdUs, heldPerMille, holdUs };
}

function atEdges(random: RandomStream, edgeMs: number): Schedule {
  const edgePerMille = oneOf(random, perMilles);
  const edgeUs = edgeMs * 1000;
  const name = `${edgePerMille / 10}% of the packets just before or after the receiver's next timer within ${edgeMs} ms`;
  return { ...plain, name, fair: edgeUs <= fairBoundUs, boundUs: edgeUs, edgePerMille, edgeUs };
}

/** Of a starved server packets take up to this much longer, timers as much as the second. */
export const starvedPacketUs = 2_000_000;
export const starvedTimerUs = 250_000;

function starvation(random: RandomStream, servers: number): Schedule {
  const server = random.int(0, servers);
  const whole = random.int(0, 2) === 0;
  const other = servers === 1 ? server : (server + random.int(1, servers)) % servers;
  const lengthMs = oneOf(random, [100, 300, 1000, 3000]);
  // At most a fifth of the time: most of the run must have a chance to get on.
  const periodMs = lengthMs * oneOf(random, [5, 10]);
  const who = whole ? `S${server}` : `the link S${server} -> S${other}`;
  const name = `${who} is starved for ${lengthMs} ms of every ${periodMs} ms`;
  const starved = {
    server: whole ? server : undefined,
    from: server,
    to: other,
    periodUs: periodMs * 1000,
    offsetUs: random.int(0, periodMs) * 1000,
    lengthUs: lengthMs * 1000,
  };
  return { ...plain, name, fair: false, boundUs: starvedPacketUs, starvation: starved };
}

/** For logs and results. */
export function describeSchedule({ name, fair }: Schedule): string {
  return `${name} (${fair ? "fair: everything is judged" : "unfair: safety alone is judged"})`;
}
