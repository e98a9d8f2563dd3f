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

/** One half of a call, as the rules see it. */
export interface Packet extends Conditions {
  readonly half: "request" | "reply";
  /** A whole number in [0, bound), decided by the seed, this packet and the purpose alone. */
  draw(purpose: number, bound: number): number;
}

/**
 * What is to happen to a packet, as one number, so that judging allocates nothing: `deliver(delayUs)` or `lose(delayUs)`. A lost packet's caller learns of it
 * when the delays so far are over.
 */
export type Verdict = number;

/** What a rule says of a packet that it does not touch. */
const pass: Verdict = 0;

function deliver(delayUs: number): Verdict {
  return delayUs;
}

function lose(delayUs: number): Verdict {
  return -1 - delayUs;
}

export function isLost(verdict: Verdict): boolean {
  return verdict < 0;
}

export function delayOf(verdict: Verdict): number {
  return verdict < 0 ? -1 - verdict : verdict;
}

/** Adds a delay to a packet, loses it, or passes. */
export type Rule = (packet: Packet) => Verdict;

const purposes = { unreachable: 1, shortDelay: 2, loss: 3, reorder: 4, reorderSpan: 5, reorderDelay: 6, latency: 7 } as const;

const usPerMs = 1000;
/** Latency of each half on any network: 50 to 549 µs, far below the tester's 20 ms polls, of the order of a local RPC. */
const latencyUs = { least: 50, span: 500 } as const;

/** A call to an end that is cut off or a server that is gone fails after a while: up to 7 s with long delays, up to 100 ms without. */
export const unreachableRule: Rule = (packet) => {
  if (packet.half !== "request" || packet.reachable) return pass;
  const span = packet.longDelays ? 7000 : 100;
  return lose(packet.draw(purposes.unreachable, span) * usPerMs);
};

/** An unreliable network holds requests, not replies, for 0 to 26 ms. */
export const shortDelayRule: Rule = (packet) => {
  if (packet.half !== "request" || packet.reliable) return pass;
  return deliver(packet.draw(purposes.shortDelay, 27) * usPerMs);
};

/** An unreliable network loses one request in ten and one reply in ten. */
export const lossRule: Rule = (packet) => {
  if (packet.reliable || packet.draw(purposes.loss, 1000) >= 100) return pass;
  return lose(0);
};

/** Long reordering holds two replies of three for 200 to 2199 ms, the shorter delays more often. */
export const longReorderingRule: Rule = (packet) => {
  if (packet.half !== "reply" || !packet.longReordering) return pass;
  if (packet.draw(purposes.reorder, 900) >= 600) return pass;
  const span = 1 + packet.draw(purposes.reorderSpan, 2000);
  return deliver((200 + packet.draw(purposes.reorderDelay, span)) * usPerMs);
};

export const latencyRule: Rule = (packet) => deliver(latencyUs.least + packet.draw(purposes.latency, latencyUs.span));

/** The network of the labs. */
export const labRules: readonly Rule[] = [unreachableRule, shortDelayRule, lossRule, longReorderingRule, latencyRule];

/** The verdict of all rules together: delays add up, the first loss is final. */
export function judge(rules: readonly Rule[], packet: Packet): Verdict {
  let delayUs = 0;
  for (const rule of rules) {
    const verdict = rule(packet);
    delayUs += delayOf(verdict);
    if (isLost(verdict)) return lose(delayUs);
  }
  return deliver(delayUs);
}
