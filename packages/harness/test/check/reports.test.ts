import { expect, it } from "vitest";
import type { PropertyKey } from "../../src/check/properties.ts";
import { properties, propertyKeys } from "../../src/check/properties.ts";
import { CheckWorld, type CheckWorldOptions } from "../support/check-world.ts";

/** For each property the least that violates it, and what is said then. */

interface Example {
  readonly options?: CheckWorldOptions;
  readonly history: (world: CheckWorld) => void;
  /** Without the property's name. */
  readonly sentence: string;
  /** The events that contradict each other, oldest first: number, server, text. */
  readonly evidence: readonly string[];
}

const noEntries = { term: 1, prevLogIndex: 0, prevLogTerm: 0, entries: [], leaderCommit: 0 };

/** S0 asks for votes in `term`, having saved that; the others have not heard of it. */
function asks(
  world: CheckWorld,
  from: number,
  term: number,
  log: { lastLogIndex: number; lastLogTerm: number } = { lastLogIndex: 0, lastLogTerm: 0 },
) {
  let call: ReturnType<CheckWorld["send"]>;
  world.event(from, (shown) => {
    Object.assign(shown, { currentTerm: term, role: "candidate", votedFor: from });
    world.save(from);
    call = world.send(from, "RequestVote", { term, candidateId: from, ...log });
  });
  return call;
}

/** S0 leads term 1 with these terms in its log, all saved. */
function leads(world: CheckWorld, server: number, term: number, terms: readonly number[] = [0]): void {
  world.event(server, (shown) => {
    Object.assign(shown, { currentTerm: term, role: "leader", votedFor: server, terms: [...terms] });
    world.save(server);
  });
}

/** S0 leads term 1, and all servers have its entries 1 and 2 on disk; nothing is committed. */
function replicated(world: CheckWorld): void {
  leads(world, 0, 1);
  world.event(0, (shown) => {
    world.start(0, "a", 1, 1);
    world.start(0, "b", 2, 1);
    shown.terms = [0, 1, 1];
    world.save(0);
  });
  for (const follower of [1, 2]) {
    world.event(follower, (shown) => {
      Object.assign(shown, { currentTerm: 1, terms: [0, 1, 1] });
      world.save(follower);
    });
  }
}

const examples: Record<PropertyKey, Example> = {
  electionSafety: {
    history: (world) => {
      leads(world, 0, 1);
      world.event(1, () => world.send(1, "AppendEntries", noEntries));
    },
    sentence: "term 1 has two leaders, S0 and S1",
    evidence: ["#4 S0: S0 leads (inspect()) in term 1", "#5 S1: S1 sent AppendEntries in term 1"],
  },
  electionQuorum: {
    history: (world) => {
      asks(world, 0, 1);
      world.event(0, (shown) => {
        shown.role = "leader";
      });
    },
    sentence: "S0 leads term 1 with the votes of 1 of 3 servers (S0)",
    evidence: ["#4 S0: S0 asked for votes in term 1", "#5 S0: S0 leads term 1"],
  },
  oneVote: {
    history: (world) => {
      const calls = [asks(world, 0, 1), asks(world, 1, 1)];
      for (const call of calls) {
        world.event(2, (shown) => {
          world.arrive(2, call);
          Object.assign(shown, { currentTerm: 1, votedFor: 0 });
          world.save(2);
          world.reply(2, call, { term: 1, voteGranted: true });
        });
      }
    },
    sentence: "S2 voted for S0 and for S1 in term 1",
    evidence: ["#6 S2: S2 granted its vote to S0 in term 1", "#7 S2: S2 granted its vote to S1 in term 1"],
  },
  candidatesYield: {
    history: (world) => {
      asks(world, 1, 1);
      leads(world, 0, 1);
      let call: ReturnType<CheckWorld["send"]>;
      world.event(0, () => {
        call = world.send(0, "AppendEntries", noEntries);
      });
      world.event(1, () => {
        world.arrive(1, call);
        world.reply(1, call, { term: 1, success: false });
      });
    },
    sentence: "S1 is still a candidate in term 1, though S0, the leader of that term, has sent it AppendEntries",
    evidence: ["#6 S0: S0 sent AppendEntries in term 1", "#7 S1: S1 answered it in term 1, and is still a candidate"],
  },
  electionRestriction: {
    history: (world) => {
      replicated(world);
      const call = asks(world, 1, 2, { lastLogIndex: 1, lastLogTerm: 1 });
      expect(call).toBeDefined();
    },
    sentence: "S1 asked for votes in term 2 with lastLogIndex 1 and lastLogTerm 1, but its log ends with index 2 of term 1",
    evidence: ["#8 S1: S1 sent RequestVote with lastLogIndex 1, lastLogTerm 1"],
  },
  monotoneTerm: {
    history: (world) => {
      asks(world, 0, 3);
      world.event(0, () => world.checks.stateTold(0, 2, false));
    },
    sentence: "S0 went back from term 3 to term 2",
    evidence: ["#5 S0: S0 is in term 2 (getState()); it was in term 3"],
  },
  messageTerms: {
    history: (world) =>
      world.event(0, (shown) => {
        shown.currentTerm = 1;
        world.save(0);
        world.send(0, "RequestVote", { term: 2, lastLogIndex: 0, lastLogTerm: 0 });
      }),
    sentence: "S0 sent a message of term 2, but is in term 1",
    evidence: ["#4 S0: S0, in term 1, sent a message of term 2"],
  },
  staleRequests: {
    history: (world) => {
      const call = asks(world, 0, 1);
      asks(world, 1, 2);
      world.event(1, () => {
        world.arrive(1, call);
        world.reply(1, call, { term: 2, voteGranted: true });
      });
    },
    sentence: "S1, in term 2, granted its vote to S0, who had asked in term 1",
    evidence: ["#4 S0: S0 sent the request in term 1", "#6 S1: S1, in term 2, granted its vote to S0"],
  },
  writeAhead: {
    history: (world) => {
      const call = asks(world, 0, 1);
      world.event(1, (shown) => {
        world.arrive(1, call);
        Object.assign(shown, { currentTerm: 1, votedFor: 0 });
        world.reply(1, call, { term: 1, voteGranted: true });
      });
    },
    sentence: "S1 granted its vote to S0 in term 1 without having saved it: after a crash it could vote again in that term",
    evidence: ["#4 S0: S0 asked for votes in term 1", "#5 S1: S1's reply left; nothing had been saved since the request came"],
  },
  stableStorage: {
    history: (world) => {
      asks(world, 0, 1);
      world.event(-1, () => world.checks.died(0));
      world.boot(0, (shown) => {
        shown.votedFor = -1;
      });
    },
    sentence: "S0, restarted, has forgotten: it had voted for S0 in term 1, and knows of no vote",
    evidence: ["#4 S0: S0 voted for S0 in term 1", "#6 S0: S0 restarted in term 1 with no vote"],
  },
  logMatching: {
    history: (world) => {
      leads(world, 0, 1);
      world.event(0, () => {
        world.start(0, "a", 1, 1);
        world.send(0, "AppendEntries", { ...noEntries, entries: [{ term: 1, command: "a" }] });
        world.send(0, "AppendEntries", { ...noEntries, entries: [{ term: 1, command: "b" }] });
      });
    },
    sentence: 'entry 1 of term 1 holds "a" and "b"',
    evidence: ['#5 S0: S0 was given the command in start(): "a"', '#5 S0: S0 sent it in AppendEntries: "b"'],
  },
  logTerms: {
    history: (world) => leads(world, 0, 1, [0, 2]),
    sentence: "S0 has entry 1 of term 2, but is in term 1",
    evidence: ["#4 S0: S0 has entry 1 of term 2, but is in term 1"],
  },
  entryOrigin: {
    history: (world) => {
      leads(world, 0, 1);
      world.event(1, (shown) => Object.assign(shown, { currentTerm: 1, terms: [0, 1] }));
    },
    sentence: "S1 has an entry 1 of term 1, whose leader S0 never had that entry",
    evidence: ["#5 S1: S1 holds it in its log (inspect()): entry 1 of term 1"],
  },
  leaderAppendOnly: {
    history: (world) => {
      replicated(world);
      world.event(0, (shown) => {
        shown.terms = [0];
      });
    },
    sentence: "S0, leader of term 1, overwrote or dropped entries 1 to 2 of its own log",
    evidence: ["#8 S0: S0, leader of term 1, no longer has entries 1 to 2 as before"],
  },
  acknowledgedEntries: {
    history: (world) => {
      replicated(world);
      let call: ReturnType<CheckWorld["send"]>;
      world.event(0, () => {
        call = world.send(0, "AppendEntries", { ...noEntries, prevLogIndex: 2, prevLogTerm: 1, entries: [{ term: 1, command: "c" }] });
      });
      world.event(1, () => {
        world.arrive(1, call);
        world.save(1);
        world.reply(1, call, { term: 1, success: true });
      });
    },
    sentence: "S1 answered S0 with success up to entry 3 of term 1, but its log ends at 2",
    evidence: ["#9 S1: S1 acknowledged entry 3 of term 1 to S0; its log ends at 2"],
  },
  commitRule: {
    history: (world) => {
      leads(world, 0, 1, [0, 1]);
      world.event(1, (shown) => {
        Object.assign(shown, { currentTerm: 1, terms: [0, 1] });
        world.save(1);
      });
      leads(world, 0, 2, [0, 1]);
      world.event(0, (shown) => {
        shown.commitIndex = 1;
      });
    },
    sentence: "S0, leader of term 2, committed entry 1 of term 1 by itself: a later leader may still overwrite it",
    evidence: ["#7 S0: S0, leader of term 2, raised commitIndex to 1, an entry of term 1"],
  },
  durableQuorum: {
    history: (world) => {
      leads(world, 0, 1, [0, 1]);
      world.event(0, (shown) => {
        shown.commitIndex = 1;
      });
    },
    sentence: "S0, leader of term 1, committed entry 1 of term 1, which is on 1 of 3 disks",
    evidence: ["#5 S0: S0 raised commitIndex to 1; the entry is on the disk of S0"],
  },
  leaderCompleteness: {
    history: (world) => {
      replicated(world);
      world.event(0, (shown) => {
        shown.commitIndex = 2;
      });
      world.event(2, (shown) => Object.assign(shown, { currentTerm: 2, role: "leader", votedFor: 2, terms: [0, 1] }));
    },
    sentence: "S2 leads term 2 without entry 2 of term 1, committed in term 1: its log ends at 1",
    evidence: ["#8 S0: S0 committed entry 2 of term 1 in term 1", "#9 S2: S2 leads term 2; its log ends at 1"],
  },
  stateMachineSafety: {
    history: (world) => {
      world.event(0, () => world.start(0, "a", 1, 1)).event(1, () => world.start(1, "b", 1, 2));
      world.event(0, () => world.apply(0, 1, "a")).event(1, () => world.apply(1, 1, "b"));
    },
    sentence: 'S0 applied "a" at index 1, S1 applied "b" there',
    evidence: ['#6 S0: S0 applied "a" at index 1', '#7 S1: S1 applied "b" at index 1'],
  },
  monotoneCommit: {
    history: (world) => {
      replicated(world);
      world.event(0, (shown) => {
        shown.commitIndex = 2;
      });
      world.event(0, (shown) => {
        shown.commitIndex = 1;
      });
    },
    sentence: "S0: commitIndex went back from 2 to 1",
    evidence: ["#9 S0: S0's commitIndex went back from 2 to 1"],
  },
  applyOrder: {
    history: (world) => {
      world.event(0, () => world.start(0, "a", 2, 1)).event(0, () => world.apply(0, 2, "a"));
    },
    sentence: "S0 applied index 2 after index 0, expected 1",
    evidence: ["#1 S0: S0's service had everything up to index 0", "#5 S0: S0 applied index 2"],
  },
  startContract: {
    history: (world) => {
      world.event(0, () => world.start(0, "a", 1, 1)).event(0, () => world.start(0, "b", 1, 1));
    },
    sentence: "S0 gave index 1 in term 1, after it had given 1 in that term",
    evidence: ['#4 S0: S0 gave index 1 of term 1 to "a"', "#5 S0: S0 took a command in start(): index 1, term 1"],
  },
  proposedCommands: {
    history: (world) => world.event(0, () => world.apply(0, 1, "nobody's")),
    sentence: `S0 applied "nobody's" at index 1, where no leader was given that command`,
    evidence: [`#4 S0: S0 applied "nobody's" at index 1`],
  },
  snapshotConsistency: {
    options: { snapshots: true },
    history: (world) => {
      const taken = new TextEncoder().encode("[9,1]");
      world.event(0, () => world.checks.snapshotTaken(0, 9, taken));
      world.event(1, () => world.applySnapshot(1, { index: 9, term: 1, snapshot: taken.subarray(1) }));
    },
    sentence: "S1 applied a snapshot up to index 9 that is not the one that was taken",
    evidence: [
      "#4 S0: the service of S0 took a snapshot of 5 bytes up to index 9",
      "#5 S1: S1 applied a snapshot of 4 bytes up to index 9",
    ],
  },
  eventStorm: {
    history: (world) => {
      world.event(0, () => {
        for (let i = 0; i < 601; i++) world.send(0, "AnythingAtAll", {});
      });
    },
    sentence: "S0 sent 601 RPCs within 100 ms",
    evidence: ["#4 S0: S0 sent 601 RPCs within 100 ms"],
  },
};

// What one server shows alone is what the message-only properties are about: they must not need more.
const withoutInspect: Partial<Record<PropertyKey, boolean>> = {
  logMatching: true,
  stateMachineSafety: true,
  applyOrder: true,
  startContract: true,
  proposedCommands: true,
  snapshotConsistency: true,
  eventStorm: true,
};

it.each(propertyKeys)("a violation of %s is told with its events", (key) => {
  const { options, history, sentence, evidence } = examples[key];
  const hidden = withoutInspect[key] ? { withoutInspect: [0, 1, 2] } : {};
  const world = new CheckWorld({ ...hidden, ...options }).bootAll();
  history(world);
  expect(world.found).toBe(`${properties[key].name}: ${sentence}`);
  const { details } = world.violation!;
  expect(details.evidence.map(({ event, server, text }) => `#${event} S${server}: ${text}`)).toEqual(evidence);
  expect(details).toMatchObject({ property: properties[key].name, source: properties[key].source });
  expect(details.evidence.map(({ event }) => event)).toEqual(details.evidence.map(({ event }) => event).toSorted((a, b) => a - b));
});

/** S4 comes to lead term 2 without the entry that S0, which leads term 1 still, commits afterwards. */
function commitsLate(between: (world: CheckWorld) => void, terms: readonly number[] = [0]): CheckWorld {
  const world = new CheckWorld({ servers: 5 }).bootAll();
  leads(world, 0, 1);
  leads(world, 0, 1, [0, 1]);
  world.event(0, () => world.start(0, "a", 1, 1));
  for (const follower of [1, 2]) {
    world.event(follower, (shown) => {
      Object.assign(shown, { currentTerm: 1, terms: [0, 1] });
      world.save(follower);
    });
  }
  leads(world, 4, 2, terms);
  between(world);
  return world.event(0, (shown) => {
    shown.commitIndex = 1;
  });
}

it("Leader Completeness: a leader lacks what an older leader commits after its election", () => {
  const world = commitsLate(() => {});
  expect(world.found).toBe("Leader Completeness: S4 leads term 2 without entry 1 of term 1, committed in term 1: its log ends at 0");
});

it("Leader Completeness: a former leader lacked what an older leader commits when it leads no more", () => {
  const stepsDown = (log: readonly number[]) => (world: CheckWorld) => {
    leads(world, 4, 2, log);
    world.event(4, (shown) => Object.assign(shown, { currentTerm: 3, role: "follower", votedFor: undefined }));
  };
  expect(commitsLate(stepsDown([0, 2, 2])).found).toBe(
    "Leader Completeness: S4 led term 2 without entry 1 of term 1, committed in term 1: its log ended at 0",
  );
  expect(commitsLate(stepsDown([0, 1, 2]), [0, 1]).found).toBeUndefined();
});

it.each([false, true])(
  "an entry overwritten below others that are kept is seen at once; in checked mode (%s) also without messages",
  (thorough) => {
    const world = new CheckWorld({ thorough }).bootAll();
    replicated(world);
    leads(world, 2, 2);
    leads(world, 2, 2, [0, 2]);
    let call: ReturnType<CheckWorld["send"]>;
    world.event(2, () => {
      call = world.send(2, "AppendEntries", { ...noEntries, term: 2, entries: [{ term: 2, command: "c" }] });
    });
    world.event(1, (shown) => {
      shown.currentTerm = 2;
      world.save(1);
    });
    world.event(1, (shown) => {
      if (!thorough) world.arrive(1, call);
      shown.terms = [0, 2, 1];
      world.save(1);
      if (!thorough) world.reply(1, call, { term: 2, success: true });
    });
    expect(world.found).toBe("Log Terms: S1 has entry 2 of term 1 after one of term 2");
  },
);

it("Election Restriction: a vote for a candidate whose log is one entry shorter", () => {
  const world = new CheckWorld().bootAll();
  leads(world, 0, 1, [0]);
  leads(world, 0, 1, [0, 1, 1]);
  for (const [follower, terms] of [[1, [0, 1, 1]] as const, [2, [0, 1]] as const]) {
    world.event(follower, (shown) => {
      Object.assign(shown, { currentTerm: 1, terms: [...terms] });
      world.save(follower);
    });
  }
  const call = asks(world, 2, 2, { lastLogIndex: 1, lastLogTerm: 1 });
  expect(world.found).toBeUndefined();
  world.event(1, (shown) => {
    world.arrive(1, call);
    Object.assign(shown, { currentTerm: 2, votedFor: 2 });
    world.save(1);
    world.reply(1, call, { term: 2, voteGranted: true });
  });
  expect(world.found).toBe(
    "Election Restriction: S1 granted its vote in term 2 to S2, whose log is older: its last entry is 1 of term 1, the voter's is 2 of term 1",
  );
});

it("State Machine Safety: a follower overwrites what it has committed, with an entry that there was", () => {
  const world = new CheckWorld().bootAll();
  leads(world, 2, 1);
  leads(world, 2, 1, [0, 1]);
  leads(world, 0, 2);
  leads(world, 0, 2, [0, 2]);
  world.event(1, (shown) => {
    Object.assign(shown, { currentTerm: 2, terms: [0, 2] });
    world.save(1);
  });
  for (const server of [0, 1]) {
    world.event(server, (shown) => {
      shown.commitIndex = 1;
    });
  }
  expect(world.found).toBeUndefined();
  world.event(1, (shown) => {
    shown.terms = [0, 1];
  });
  expect(world.found).toBe("State Machine Safety: S0 committed entry 1 of term 2, S1 committed one of term 1 there");
});

it("Durable Quorum: a committed entry of the leader's own is gone after its restart", () => {
  const world = new CheckWorld().bootAll();
  leads(world, 0, 1);
  leads(world, 0, 1, [0, 1]);
  world.event(1, (shown) => {
    Object.assign(shown, { currentTerm: 1, terms: [0, 1] });
    world.save(1);
  });
  world.event(0, (shown) => {
    shown.commitIndex = 1;
  });
  world.event(-1, () => world.checks.died(0));
  world.disks[0]!.terms = [0];
  world.boot(0);
  expect(world.found).toBe("Durable Quorum: S0 dropped entry 1 of term 1, which is committed; now it is on 1 of 3 disks");
});
