import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AcceptedCommands } from "../../src/check/accepted-commands.ts";
import { ApplyOrder } from "../../src/check/apply-order.ts";
import { CommittedLog } from "../../src/check/committed-log.ts";
import { ElectionSafety } from "../../src/check/election-safety.ts";
import { EventStorm } from "../../src/check/event-storm.ts";
import type { Report } from "../../src/check/finding.ts";
import { LogMatching } from "../../src/check/log-matching.ts";
import { OneVote } from "../../src/check/one-vote.ts";
import { ProposedCommands } from "../../src/check/proposed-commands.ts";
import { SnapshotConsistency } from "../../src/check/snapshot-consistency.ts";
import { StartContract } from "../../src/check/start-contract.ts";
import { StateMachineSafety } from "../../src/check/state-machine-safety.ts";

/** Checkers that take a list of observations, one at a time, against rules that look at the whole list. */

const runs = 400;

/** Feeds observations to a checker until it reports. Returns the number of that observation; -1 if it never does. */
function firstReport<T>(observations: readonly T[], makeChecker: (report: Report) => (observation: T, at: number) => void): number {
  let reported = false;
  const look = makeChecker(() => {
    reported = true;
  });
  return observations.findIndex((observation, at) => {
    look(observation, at);
    return reported;
  });
}

/** Demands that checker and rule find the same first violation in many lists, and that there are lists with and without one. */
function sameFirst<T>(
  observation: fc.Arbitrary<T>,
  makeChecker: (report: Report) => (observation: T, at: number) => void,
  isViolation: (observations: readonly T[], at: number) => boolean,
  maxLength = 14,
): void {
  let violating = 0;
  fc.assert(
    fc.property(fc.array(observation, { maxLength, size: "max" }), (observations) => {
      const naive = observations.findIndex((_, at) => isViolation(observations, at));
      expect(firstReport(observations, makeChecker)).toBe(naive);
      if (naive >= 0) violating++;
    }),
    { numRuns: runs, seed: 1 },
  );
  expect(violating).toBeGreaterThan(runs / 10);
  expect(violating).toBeLessThan(runs);
}

const server = fc.nat(2);
const term = fc.nat(6);
const index = fc.integer({ min: 1, max: 4 });

describe("a checker and its naive twin", () => {
  it("Election Safety: no two servers lead one term", () => {
    sameFirst(
      fc.record({ server, term: fc.nat(12) }),
      (report) => {
        const checker = new ElectionSafety(report);
        return (seen, at) => checker.leads(seen.server, seen.term, "leads (inspect())", at, at);
      },
      (all, at) => all.slice(0, at).some((former) => former.term === all[at]!.term && former.server !== all[at]!.server),
      8,
    );
  });

  it("One Vote per Term: no server votes for two in one term", () => {
    sameFirst(
      fc.record({ server, term, candidate: server }),
      (report) => {
        const checker = new OneVote(3, report);
        return (vote, at) => checker.voted(vote.server, vote.term, vote.candidate, at, at);
      },
      (all, at) => {
        const vote = all[at]!;
        return all.slice(0, at).some((former) => {
          return former.server === vote.server && former.term === vote.term && former.candidate !== vote.candidate;
        });
      },
      10,
    );
  });

  it("Log Matching: logs that share an entry are the same up to there", () => {
    // Few different logs, so that they share entries.
    const log = fc.array(fc.constantFrom(1, 1, 1, 2), { minLength: 1, maxLength: 4 }).map((terms) => terms.toSorted());
    const seen = fc.record({ server, from: fc.nat(2), log, command: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 1) });
    sameFirst(
      seen,
      (report) => {
        const checker = new LogMatching(report, () => {});
        return ({ server: by, from, log: terms, command }, at) => {
          for (let i = from; i < terms.length; i++) {
            const entry = checker.entrySeen(by, i + 1, terms[i]!, i === 0 ? 0 : terms[i - 1]!, "sent it in AppendEntries", at, at);
            checker.commandSeen(entry, by, command, "sent it in AppendEntries", at, at);
          }
        };
      },
      (all, at) =>
        all.slice(0, at).some((former) => {
          const [a, b] = [former, all[at]!];
          for (let i = Math.max(a.from, b.from); i < Math.min(a.log.length, b.log.length); i++) {
            if (a.log[i] !== b.log[i]) continue;
            if (a.command !== b.command) return true;
            // What each of them showed: its entries, and the term of the one before the first.
            for (let j = i - 1; j >= Math.max(a.from, b.from, 1) - 1; j--) if (a.log[j] !== b.log[j]) return true;
          }
          return false;
        }),
      5,
    );
  });

  it("State Machine Safety: no two servers apply different commands at one index", () => {
    sameFirst(
      fc.record({ server, index, command: fc.nat(1) }),
      (report) => {
        const checker = new StateMachineSafety(report);
        return (seen, at) => checker.applies(seen.server, seen.index, { value: seen.command }, at, at);
      },
      (all, at) => all.slice(0, at).some((former) => former.index === all[at]!.index && former.command !== all[at]!.command),
      6,
    );
  });

  it("Apply Order: each life hands over every index once, in order", () => {
    type Delivery = { server: number; what: "boot" | "command" | "snapshot"; step: number };
    const what = fc.constantFrom<Delivery["what"]>("command", "command", "command", "command", "snapshot", "boot");
    // Indices are made of steps from what is expected, so that right ones are not rare.
    const deliveries = fc
      .array(fc.record({ server: fc.nat(1), what, step: fc.constantFrom(0, 0, 0, 0, 0, 1, -1) }), { maxLength: 24, size: "max" })
      .map((steps) => {
        const lastOf = [0, 0];
        return steps.map((delivery) => {
          const last = lastOf[delivery.server]!;
          const at = Math.max(0, delivery.what === "command" ? last + 1 + delivery.step : last + Math.abs(delivery.step));
          const reached = delivery.what === "boot" ? (delivery.step === 0 ? 0 : last) : at;
          lastOf[delivery.server] = reached;
          return { ...delivery, index: reached };
        });
      });
    let violating = 0;
    fc.assert(
      fc.property(deliveries, (list) => {
        const all = [0, 1].map((by) => ({ server: by, what: "boot" as const, index: 0 })).concat(list as never) as unknown as {
          server: number;
          what: Delivery["what"];
          index: number;
        }[];
        const naive = all.findIndex(({ server: by, what: kind, index: given }, at) => {
          if (kind === "boot") return false;
          const own = all.slice(0, at).filter((former) => former.server === by);
          const former = own.at(-1)!;
          // A later life without a snapshot may begin where it likes.
          if (former.what === "boot" && former.index === 0 && own.length > 1) return false;
          return kind === "command" ? given !== former.index + 1 : given < former.index;
        });
        const found = firstReport(all, (report) => {
          const checker = new ApplyOrder(2, report);
          return ({ server: by, what: kind, index: given }, at) => {
            if (kind === "boot") checker.booted(by, given, at, at);
            else checker.delivered(by, given, kind === "snapshot", at, at);
          };
        });
        expect(found).toBe(naive);
        if (naive >= 0) violating++;
      }),
      { numRuns: runs, seed: 1 },
    );
    expect(violating).toBeGreaterThan(runs / 10);
    expect(violating).toBeLessThan(runs);
  });

  it("Start Contract: an index of a term is given once, and what is applied as that entry is that command", () => {
    type Step = { server: number; index: number; term: number; command: number; applied: boolean };
    // A server's terms rise: that they do is for Monotone Term to say.
    const steps = fc
      .array(fc.record({ server, index, term: fc.constantFrom(0, 0, 0, 1), command: fc.nat(3), applied: fc.boolean() }), {
        maxLength: 9,
        size: "max",
      })
      .map((list) => {
        let now = 1;
        return list.map((step): Step => {
          now += step.term;
          return { ...step, term: step.applied ? step.term + 1 : now };
        });
      });
    let violating = 0;
    fc.assert(
      fc.property(steps, (all) => {
        const naive = all.findIndex((step, at) => {
          const former = all.slice(0, at).filter(({ applied }) => !applied);
          if (!step.applied) return former.some((one) => one.server === step.server && one.term === step.term && one.index >= step.index);
          const taken = former.findLast((one) => one.index === step.index && one.term === step.term);
          return taken !== undefined && taken.command !== step.command;
        });
        const found = firstReport(all, (report) => {
          const accepted = new AcceptedCommands();
          const checker = new StartContract(3, accepted, report);
          return (step, at) => {
            if (step.applied) checker.applied(step.server, step.index, step.term, step.command, at, at);
            else {
              checker.takes(step.server, step.index, step.term, at, at);
              accepted.add(step.server, step.index, step.term, step.command, at, at);
            }
          };
        });
        expect(found).toBe(naive);
        if (naive >= 0) violating++;
      }),
      { numRuns: runs, seed: 1 },
    );
    expect(violating).toBeGreaterThan(runs / 10);
    expect(violating).toBeLessThan(runs);
  });

  it("Proposed Commands: what is applied at an index was taken there, or is of a start() that nobody answered", () => {
    const what = fc.constantFrom("taken", "taken", "taken", "taken", "applied", "unanswered");
    sameFirst(
      fc.record({ what, index: fc.integer({ min: 1, max: 2 }), command: fc.nat(1) }),
      (report) => {
        const accepted = new AcceptedCommands();
        const checker = new ProposedCommands(accepted, report);
        return (seen, at) => {
          if (seen.what === "taken") accepted.add(0, seen.index, 1, seen.command, at, at);
          else if (seen.what === "unanswered") accepted.addUnanswered(seen.command);
          else checker.applied(0, seen.index, seen.command, at, at);
        };
      },
      (all, at) => {
        const seen = all[at]!;
        if (seen.what !== "applied") return false;
        return !all.slice(0, at).some((former) => {
          if (former.command !== seen.command) return false;
          return former.what === "unanswered" || (former.what === "taken" && former.index === seen.index);
        });
      },
    );
  });

  it("Snapshot Consistency: a snapshot is delivered as it was taken", () => {
    sameFirst(
      fc.record({
        taken: fc.constantFrom(true, true, true, false),
        index: fc.integer({ min: 1, max: 2 }),
        byte: fc.constantFrom(0, 0, 0, 0, 1),
      }),
      (report) => {
        const checker = new SnapshotConsistency(() => undefined, report);
        return (seen, at) => {
          const bytes = Uint8Array.of(seen.byte);
          if (seen.taken) checker.took(0, seen.index, bytes, at, at);
          else checker.delivered(1, seen.index, bytes, at, at);
        };
      },
      (all, at) => {
        if (all[at]!.taken) return false;
        const first = all.slice(0, at).find((former) => former.taken && former.index === all[at]!.index);
        return first?.byte !== all[at]!.byte;
      },
    );
  });

  it("Leader Completeness: what is committed before a term is all that its leader must hold", () => {
    // The committed log gives the last index that was committed in an earlier term; its twin looks at all of them.
    fc.assert(
      fc.property(fc.array(fc.nat(5), { maxLength: 12 }), fc.nat(6), (commitTerms, leaderTerm) => {
        const committed = new CommittedLog();
        for (const [at, commitTerm] of commitTerms.entries()) committed.append(1, { server: 0, commitTerm, event: at, atUs: at });
        const naive = Math.max(0, ...commitTerms.flatMap((commitTerm, at) => (commitTerm < leaderTerm ? [at + 1] : [])));
        expect(committed.lastCommittedBefore(leaderTerm)).toBe(naive);
      }),
      { numRuns: runs, seed: 1 },
    );
  });

  it("No Event Storm: bursts, and busy conversations without a command, counted from the list of all requests", () => {
    type Busy = { requests: number; starts: number; pause: number };
    const busy = fc.record({
      requests: fc.nat(60).map((n) => (n === 0 ? 320 : n === 1 ? 50 : 100 + n)),
      starts: fc.nat(24).map((n) => (n === 0 ? 3 : 0)),
      pause: fc.nat(30).map((n) => (n === 0 ? 1 : 0)),
    });
    let violating = 0;
    fc.assert(
      fc.property(fc.array(busy, { minLength: 15, maxLength: 40, size: "max" }), (windows) => {
        const acts = requestsOf(windows);
        const naive = acts.findIndex((_, at) => isStorm(acts, at));
        const found = firstReport(acts, (report) => {
          const checker = new EventStorm(2, report);
          return ({ isStart, atUs }, at) => (isStart ? checker.started(0, at, atUs) : checker.sent(0, at, atUs));
        });
        expect(found).toBe(naive);
        if (naive >= 0) violating++;
      }),
      { numRuns: 40, seed: 1 },
    );
    expect(violating).toBeGreaterThan(4);
    expect(violating).toBeLessThan(40);

    function requestsOf(windows: readonly Busy[]): { isStart: boolean; atUs: number }[] {
      let number = 0;
      return windows.flatMap(({ requests, starts, pause }) => {
        number += 1 + pause;
        const atUs = number * 100_000 + 7;
        return [
          ...Array.from({ length: starts }, () => ({ isStart: true, atUs })),
          ...Array.from({ length: requests }, () => ({ isStart: false, atUs })),
        ];
      });
    }

    function isStorm(acts: readonly { isStart: boolean; atUs: number }[], at: number): boolean {
      const windowOf = ({ atUs }: { atUs: number }) => Math.floor(atUs / 100_000);
      const now = windowOf(acts[at]!);
      const inWindow = (number: number, isStart: boolean) =>
        acts.slice(0, at + 1).filter((act) => windowOf(act) === number && act.isStart === isStart).length;
      const startsInAll = acts.slice(0, at + 1).filter(({ isStart }) => isStart).length;
      if (!acts[at]!.isStart && inWindow(now, false) > 300 + 20 * inWindow(now, true) + 2 * startsInAll) return true;
      // The first act in a window tells of those before it.
      if (at > 0 && windowOf(acts[at - 1]!) === now) return false;
      for (let back = 1; back <= 20; back++) if (inWindow(now - back, false) <= 60 || inWindow(now - back, true) > 0) return false;
      return true;
    }
  });
});
