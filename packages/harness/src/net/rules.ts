/**
 * What happens to a packet, one half of a call, on its way: each rule says one thing about it, and the rules of a network are applied in order. The
 * labrpc rules and all their constants are those of the course's network; latency is ours, since on a virtual clock a network without any would
 * let every exchange finish before the next thing happens.
 */

/** How the network was when the call was made; changes afterwards do not reach calls under way. */
export interface Conditions {
  /** Whether the caller's end was enabled and its server was there. */
  readonly reachable: boolean;
  readonly reliable: boolean;
  readonly longDelays: boolean;
  readonly longReordering: boolean;
}

export type Half = "request" | "reply";

/** One half of a call, as the rules see it. */
export interface Packet {
  readonly conditions: Conditions;
  /** A whole number in [0, bound), decided by the seed, this packet and the purpose alone. */
  draw(purpose: number, bound: number): number;
}

/**
 * What is to happen to a packet, as one number, so that judging allocates nothing: the delay in microseconds after which it is delivered, or `lose(delayUs)`. A lost packet's caller
 * learns of it when the delays so far are over.
 */
export type Verdict = number;

export function lose(delayUs: number): Verdict {
  return -1 - delayUs;
}

export function isLost(verdict: Verdict): boolean {
  return verdict < 0;
}

export function delayOf(verdict: Verdict): number {
  return verdict < 0 ? -1 - verdict : verdict;
}

/** Adds a delay to packets, or loses them. */
export interface Rule {
  /** Whether the rule has anything to say about this half of calls made under these conditions. */
  applies(half: Half, conditions: Conditions): boolean;
  verdict(packet: Packet): Verdict;
}

const purposes = { unreachable: 1, shortDelay: 2, loss: 3, reorder: 4, reorderSpan: 5, reorderDelay: 6, latency: 7 } as const;

const usPerMs = 1000;
/** Latency of each half on any network: 50 to 549 µs, far below the tester's 20 ms polls, of the order of a local RPC. */
const latencyUs = { least: 50, span: 500 } as const;

/** A call to an end that is cut off or a server that is gone fails after a while: up to 7 s with long delays, up to 100 ms without. */
export const unreachableRule: Rule = {
  applies: (half, { reachable }) => half === "request" && !reachable,
  verdict: (packet) => lose(packet.draw(purposes.unreachable, packet.conditions.longDelays ? 7000 : 100) * usPerMs),
};

/** An unreliable network holds requests, not replies, for 0 to 26 ms. */
export const shortDelayRule: Rule = {
  applies: (half, { reliable }) => half === "request" && !reliable,
  verdict: (packet) => packet.draw(purposes.shortDelay, 27) * usPerMs,
};

/** An unreliable network loses one request in ten and one reply in ten. */
export const lossRule: Rule = {
  applies: (_, { reliable }) => !reliable,
  verdict: (packet) => (packet.draw(purposes.loss, 1000) < 100 ? lose(0) : 0),
};

/** Long reordering holds two replies of three for 200 to 2199 ms, the shorter delays more often. */
export const longReorderingRule: Rule = {
  applies: (half, { longReordering }) => half === "reply" && longReordering,
  verdict: (packet) => {
    if (packet.draw(purposes.reorder, 900) >= 600) return 0;
    const span = 1 + packet.draw(purposes.reorderSpan, 2000);
    return (200 + packet.draw(purposes.reorderDelay, span)) * usPerMs;
  },
};

export const latencyRule: Rule = {
  applies: () => true,
  verdict: (packet) => latencyUs.least + packet.draw(purposes.latency, latencyUs.span),
};

/** The network of the labs. */
export const labRules: readonly Rule[] = [unreachableRule, shortDelayRule, lossRule, longReorderingRule, latencyRule];

/** The verdict of all rules together: delays add up, the first loss is final. */
export function judge(rules: readonly Rule[], packet: Packet): Verdict {
  let delayUs = 0;
  // Not for...of, here and in the other loops of every message: unoptimised code makes an object for each step of it.
  for (let i = 0; i < rules.length; i++) {
    const verdict = rules[i]!.verdict(packet);
    if (isLost(verdict)) return lose(delayUs + delayOf(verdict));
    delayUs += verdict;
  }
  return delayUs;
}

/** The rules for calls made under given conditions, chosen once and not for every packet. */
export interface Weather {
  readonly conditions: Conditions;
  readonly request: readonly Rule[];
  readonly reply: readonly Rule[];
}

/** The weather of all 16 conditions; `weatherIndex` finds one. */
export function allWeather(rules: readonly Rule[]): readonly Weather[] {
  return Array.from({ length: 16 }, (_, index) => {
    const conditions = {
      reachable: (index & 1) !== 0,
      reliable: (index & 2) !== 0,
      longDelays: (index & 4) !== 0,
      longReordering: (index & 8) !== 0,
    };
    const applying = (half: Half): readonly Rule[] => rules.filter((rule) => rule.applies(half, conditions));
    return { conditions, request: applying("request"), reply: applying("reply") };
  });
}

export function weatherIndex(reachable: boolean, reliable: boolean, longDelays: boolean, longReordering: boolean): number {
  return (reachable ? 1 : 0) | (reliable ? 2 : 0) | (longDelays ? 4 : 0) | (longReordering ? 8 : 0);
}
