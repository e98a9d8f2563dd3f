import { describe, expect, it } from "vitest";
import {
  type Conditions,
  delayOf,
  type Half,
  isLost,
  judge,
  labRules,
  latencyRule,
  longReorderingRule,
  lossRule,
  type Packet,
  type Rule,
  shortDelayRule,
  unreachableRule,
} from "../../src/net/rules.ts";
import { RandomStream } from "../../src/sim/random.ts";

const reliable: Conditions = { reachable: true, reliable: true, longDelays: false, longReordering: false };
const unreliable: Conditions = { ...reliable, reliable: false };

const packets = 20_000;

/** Verdicts on many packets: draws of each are decided by its number and the purpose. */
function verdicts(rules: readonly Rule[], half: Half, conditions: Conditions): { lost: boolean; delayUs: number }[] {
  return Array.from({ length: packets }, (_, number) => {
    const draw: Packet["draw"] = (purpose, bound) => new RandomStream({ high: number, low: purpose }).int(0, bound);
    const verdict = judge(
      rules.filter((rule) => rule.applies(half, conditions)),
      { conditions, draw },
    );
    return { lost: isLost(verdict), delayUs: delayOf(verdict) };
  });
}

const ratio = <T>(list: readonly T[], holds: (item: T) => boolean) => list.filter(holds).length / list.length;
const mean = (list: readonly number[]) => list.reduce((sum, item) => sum + item, 0) / list.length;

describe("the unreachable rule", () => {
  it.each([
    [true, 7000],
    [false, 100],
  ])("with long delays %s loses requests after 0 to less than %d whole ms", (longDelays, spanMs) => {
    const seen = verdicts([unreachableRule], "request", { ...reliable, reachable: false, longDelays });
    expect(seen.every(({ lost }) => lost)).toBe(true);
    const delaysMs = seen.map(({ delayUs }) => delayUs / 1000);
    expect(delaysMs.every((ms) => Number.isInteger(ms) && ms >= 0 && ms < spanMs)).toBe(true);
    expect(mean(delaysMs)).toBeGreaterThan(spanMs * 0.48);
    expect(mean(delaysMs)).toBeLessThan(spanMs * 0.52);
    expect(Math.min(...delaysMs)).toBeLessThan(spanMs * 0.01);
    expect(Math.max(...delaysMs)).toBeGreaterThanOrEqual(spanMs * 0.99);
  });

  it("touches no reply and nothing that is reachable", () => {
    expect(verdicts([unreachableRule], "reply", { ...reliable, reachable: false }).some(({ lost }) => lost)).toBe(false);
    expect(verdicts([unreachableRule], "request", reliable).some(({ lost, delayUs }) => lost || delayUs > 0)).toBe(false);
  });
});

describe("the short delay rule", () => {
  it("holds requests of an unreliable network for 0 to 26 whole ms, each about as often", () => {
    const counts = new Map<number, number>();
    for (const { lost, delayUs } of verdicts([shortDelayRule], "request", unreliable)) {
      expect(lost).toBe(false);
      counts.set(delayUs, (counts.get(delayUs) ?? 0) + 1);
    }
    expect([...counts.keys()].toSorted((a, b) => a - b)).toEqual(Array.from({ length: 27 }, (_, ms) => ms * 1000));
    for (const count of counts.values()) {
      expect(count).toBeGreaterThan((packets / 27) * 0.8);
      expect(count).toBeLessThan((packets / 27) * 1.2);
    }
  });

  it("holds no reply, and nothing on a reliable network", () => {
    expect(verdicts([shortDelayRule], "reply", unreliable).every(({ delayUs }) => delayUs === 0)).toBe(true);
    expect(verdicts([shortDelayRule], "request", reliable).every(({ delayUs }) => delayUs === 0)).toBe(true);
  });
});

describe("the loss rule", () => {
  it.each(["request", "reply"] as const)("loses one %s in ten on an unreliable network, at once", (half) => {
    const seen = verdicts([lossRule], half, unreliable);
    const lost = ratio(seen, (verdict) => verdict.lost);
    expect(lost).toBeGreaterThan(0.09);
    expect(lost).toBeLessThan(0.11);
    expect(seen.every(({ delayUs }) => delayUs === 0)).toBe(true);
  });

  it("loses nothing on a reliable network", () => {
    expect(ratio(verdicts([lossRule], "request", reliable), ({ lost }) => lost)).toBe(0);
  });
});

describe("the long reordering rule", () => {
  it("holds two replies of three for 200 to 2199 whole ms, the shorter delays more often", () => {
    const seen = verdicts([longReorderingRule], "reply", { ...reliable, longReordering: true });
    const held = seen.filter(({ delayUs }) => delayUs > 0).map(({ delayUs }) => delayUs / 1000);
    expect(held.length / packets).toBeGreaterThan(0.65);
    expect(held.length / packets).toBeLessThan(0.685);
    expect(held.every((ms) => Number.isInteger(ms) && ms >= 200 && ms <= 2199)).toBe(true);
    expect(Math.min(...held)).toBe(200);
    expect(Math.max(...held)).toBeGreaterThan(2100);
    // The mean of a uniform draw below a uniform bound: 200 + 2000 / 4.
    expect(mean(held)).toBeGreaterThan(680);
    expect(mean(held)).toBeLessThan(720);
    expect(ratio(held, (ms) => ms < 700)).toBeGreaterThan(0.55);
    expect(seen.some(({ lost }) => lost)).toBe(false);
  });

  it("holds no request, and nothing when it is off", () => {
    expect(verdicts([longReorderingRule], "request", { ...unreliable, longReordering: true }).every(({ delayUs }) => delayUs === 0)).toBe(
      true,
    );
    expect(verdicts([longReorderingRule], "reply", unreliable).every(({ delayUs }) => delayUs === 0)).toBe(true);
  });
});

describe("the rules of the labs together", () => {
  it("give every packet of a reliable network a positive latency far below the tester's 20 ms polls", () => {
    for (const half of ["request", "reply"] as const) {
      const delays = verdicts(labRules, half, reliable).map(({ delayUs }) => delayUs);
      expect(Math.min(...delays)).toBeGreaterThan(0);
      expect(Math.max(...delays)).toBeLessThan(1000);
      expect(delays).toEqual(verdicts([latencyRule], half, reliable).map(({ delayUs }) => delayUs));
    }
  });

  it("let a lost request of an unreliable network be known after its short delay, at most 26 ms", () => {
    const lost = verdicts(labRules, "request", unreliable).filter((verdict) => verdict.lost);
    expect(lost.length).toBeGreaterThan(packets * 0.09);
    expect(lost.every(({ delayUs }) => delayUs % 1000 === 0 && delayUs <= 26_000)).toBe(true);
    expect(new Set(lost.map(({ delayUs }) => delayUs)).size).toBe(27);
  });

  it("add delays up: a held reply has its latency too", () => {
    const held = verdicts(labRules, "reply", { ...reliable, longReordering: true }).filter(({ delayUs }) => delayUs >= 200_000);
    expect(held.every(({ delayUs }) => delayUs % 1000 !== 0 || delayUs > 200_000)).toBe(true);
    expect(held.some(({ delayUs }) => delayUs % 1000 !== 0)).toBe(true);
  });

  it("are final at the first loss: an unreachable server's delay is in whole ms", () => {
    const seen = verdicts(labRules, "request", { ...unreliable, reachable: false, longDelays: true });
    expect(seen.every(({ lost, delayUs }) => lost && delayUs % 1000 === 0 && delayUs < 7_000_000)).toBe(true);
  });
});
