import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type PropertyKey, properties } from "../../src/check/properties.ts";
import { PropertyViolation } from "../../src/failure.ts";
import { ToyCluster, type ToyFault, toyFaults } from "../support/toy-cluster.ts";
import { firstViolation, naiveRules } from "./naive.ts";

/**
 * The checks against the definitions: a toy cluster does what Raft does, or nearly, and tells the checks; what they find in passing is held against rules that see the whole history at once.
 */

const tapes = fc.array(fc.nat(1 << 24), { minLength: 150, maxLength: 320, size: "max" });
const sizes = fc.constantFrom(3, 3, 3, 2, 4, 5);
const runsPerFault = 50;

function namesOf(keys: readonly PropertyKey[]): string[] {
  return keys.map((key) => properties[key].name);
}

/** What the checks found, and when. */
function foundBy({ world }: ToyCluster): { event: number; property: string } | undefined {
  const { violation } = world;
  return violation && { event: world.simulation.events, property: violation.details.property };
}

describe("the checks find the same first violation as the definitions", () => {
  const found = new Set<string>();
  let clean = 0;

  it.each(toyFaults)("in histories of servers one of which now and then: %s", (fault) => {
    fc.assert(
      fc.property(tapes, fc.option(fc.constantFrom(...toyFaults)), sizes, (tape, other, size) => {
        const toy = new ToyCluster(tape, other === null ? [fault] : [fault, other], size).run();
        const naive = firstViolation(toy.history);
        const checked = foundBy(toy);
        expect(checked?.event, `${toy.world.found}; naively ${naive?.event}: ${namesOf(naive?.properties ?? [])}`).toBe(naive?.event);
        if (naive === undefined) clean++;
        else expect(namesOf(naive.properties)).toContain(checked!.property);
        for (const key of naive?.properties ?? []) found.add(key);
      }),
      { numRuns: runsPerFault, seed: 1 },
    );
  });

  it("which are neither rare nor certain, and of each kind", () => {
    const runs = runsPerFault * toyFaults.length;
    expect(clean).toBeGreaterThan(runs / 10);
    expect(clean).toBeLessThan((9 * runs) / 10);
    expect([...found].toSorted()).toEqual(Object.keys(naiveRules).toSorted());
  });
});

it("the checks find nothing in histories of servers that do right, which commit, compact, crash and change their leader", () => {
  const runs = 200;
  let commits = 0;
  let changes = 0;
  let compactions = 0;
  fc.assert(
    fc.property(tapes, sizes, (tape, size) => {
      const toy = new ToyCluster(tape, [], size).run();
      expect(toy.world.found).toBeUndefined();
      expect(firstViolation(toy.history)).toBeUndefined();
      const shown = toy.history.flatMap((seen) => seen.shown ?? []);
      commits += Math.max(...shown.map(({ commitIndex }) => commitIndex));
      compactions += Math.sign(Math.max(...shown.map(({ base }) => base)));
      changes += new Set(shown.filter(({ role }) => role === "leader").map(({ currentTerm }) => currentTerm)).size;
    }),
    { numRuns: runs, seed: 2 },
  );
  expect(commits).toBeGreaterThan(runs);
  expect(changes).toBeGreaterThan(runs);
  expect(compactions).toBeGreaterThan(runs / 5);
});

/** Properties that follow from no other: they must be seen also where another one is violated already. */
const independent: [key: keyof typeof naiveRules, faults: ToyFault[]][] = [
  ["electionSafety", ["leads without asking"]],
  ["candidatesYield", ["stays a candidate"]],
  ["monotoneTerm", ["goes back a term"]],
  ["messageTerms", ["speaks of a term to come"]],
  ["staleRequests", ["believes requests of older terms"]],
  ["leaderAppendOnly", ["drops entries as leader"]],
  ["monotoneCommit", ["takes back a commit"]],
];

/** After these, what was seen of a log is no longer what it is: the run would have ended there, and nothing that follows can be held against it. */
const falsifying: readonly ToyFault[] = ["gives a snapshot another term", "overwrites and keeps the rest"];
const others = toyFaults.filter((fault) => !falsifying.includes(fault));

it.each(independent)("the checks see the first violation of %s also after those of others", (key, faults) => {
  const { name } = properties[key];
  let violated = 0;
  fc.assert(
    fc.property(tapes, fc.constantFrom(...others), (tape, other) => {
      const toy = new ToyCluster(tape, [...faults, other]);
      const { simulation } = toy.world;
      let found = Number.POSITIVE_INFINITY;
      simulation.fail = (error) => {
        if (!(error instanceof PropertyViolation)) throw error;
        if (error.details.property === name) found = Math.min(found, simulation.events);
      };
      toy.run();
      const naive = Math.min(...naiveRules[key]!(toy.history));
      expect(found).toBe(naive);
      if (naive < Number.POSITIVE_INFINITY) violated++;
    }),
    { numRuns: 60, seed: 3 },
  );
  expect(violated).toBeGreaterThan(3);
});
