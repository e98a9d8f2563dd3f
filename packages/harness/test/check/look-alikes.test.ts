import { describe, expect, it } from "vitest";
import { CheckWorld, type CheckWorldOptions } from "../support/check-world.ts";

/** What looks like a violation and is none: a check that cries wolf is worth less than none at all. Each history is what a right Raft may do, though few do all of it. */

type Call = ReturnType<CheckWorld["send"]>;

function clean(history: (world: CheckWorld) => void, options: CheckWorldOptions = {}): void {
  const world = new CheckWorld(options).bootAll();
  history(world);
  expect(world.found).toBeUndefined();
}

/** The same history must not be clean when `history` is told to go wrong: so that it is the legal part that makes the difference. */
function cleanUnless(history: (world: CheckWorld, wrong: boolean) => void, violation: RegExp, options: CheckWorldOptions = {}): void {
  clean((world) => history(world, false), options);
  const world = new CheckWorld(options).bootAll();
  history(world, true);
  expect(world.found).toMatch(violation);
}

/** An event in which the server comes to show this, and saves it. */
function becomes(world: CheckWorld, server: number, shown: object): void {
  world.event(server, (present) => {
    Object.assign(present, shown);
    world.save(server);
  });
}

function request(world: CheckWorld, from: number, method: string, args: object): Call {
  let call: Call;
  world.event(from, () => {
    call = world.send(from, method, args);
  });
  return call;
}

function answers(world: CheckWorld, to: number, call: Call, reply: object, change: object = {}): void {
  world.event(to, (shown) => {
    world.arrive(to, call);
    Object.assign(shown, change);
    if (Object.keys(change).length > 0) world.save(to);
    world.reply(to, call, reply);
  });
}

const entry = (term: number, command: unknown = term) => ({ term, command });
const append = (term: number, prevLogIndex: number, prevLogTerm: number, entries: readonly object[] = []) => {
  return { term, leaderId: 0, prevLogIndex, prevLogTerm, entries, leaderCommit: 0 };
};
const leader = (term: number, terms: readonly number[], votedFor = 0) => ({
  role: "leader",
  currentTerm: term,
  votedFor,
  terms: [...terms],
});

/** S0 leads term 1; it and S1 have entries 1 and 2 on disk. */
function replicated(world: CheckWorld): void {
  becomes(world, 0, leader(1, [0]));
  becomes(world, 0, leader(1, [0, 1, 1]));
  becomes(world, 1, { currentTerm: 1, terms: [0, 1, 1] });
}

describe("what is no invariant of Raft", () => {
  it("two leaders at one time, of different terms", () =>
    clean((world) => {
      becomes(world, 0, leader(1, [0]));
      becomes(world, 1, leader(2, [0], 1));
      world.event(0, () => world.checks.stateTold(0, 1, true));
      world.event(1, () => world.checks.stateTold(1, 2, true));
      request(world, 0, "AppendEntries", append(1, 0, 0));
      request(world, 1, "AppendEntries", append(2, 0, 0));
    }));

  it("a stale leader without an entry that a later leader has committed, though the entry's term is below its own", () =>
    clean((world) => {
      // The entry e of term 2 is committed by the leader of term 4; S2 leads term 3 still and lacks it.
      becomes(world, 0, leader(2, [0]));
      becomes(world, 0, leader(2, [0, 2]));
      becomes(world, 2, leader(3, [0], 2));
      becomes(world, 2, leader(3, [0, 3], 2));
      becomes(world, 0, leader(4, [0, 2]));
      becomes(world, 0, leader(4, [0, 2, 4]));
      becomes(world, 1, { currentTerm: 4, terms: [0, 2, 4] });
      world.event(0, (shown) => {
        shown.commitIndex = 2;
      });
      world.event(2);
    }));

  it("a newer log that lacks what is committed, at a server that can't win", () =>
    clean(
      (world) => {
        becomes(world, 0, leader(2, [0]));
        becomes(world, 0, leader(2, [0, 2]));
        becomes(world, 1, { currentTerm: 2, terms: [0, 2] });
        becomes(world, 4, leader(3, [0], 4));
        becomes(world, 4, leader(3, [0, 3], 4));
        becomes(world, 0, leader(4, [0, 2]));
        becomes(world, 0, leader(4, [0, 2, 4]));
        for (const server of [1, 3]) becomes(world, server, { currentTerm: 4, terms: [0, 2, 4] });
        world.event(0, (shown) => {
          shown.commitIndex = 2;
        });
        becomes(world, 2, { currentTerm: 4, terms: [0, 2], commitIndex: 1 });
        world.event(4);
      },
      { servers: 5 },
    ));

  it("commitIndex and lastApplied begin anew after a restart, also over a snapshot", () =>
    clean(
      (world) => {
        replicated(world);
        world.event(0, (shown) => {
          shown.commitIndex = 2;
          shown.lastApplied = 2;
        });
        world.event(0, (shown) => {
          shown.base = 2;
          world.save(0, 2);
        });
        world.event(-1, () => world.checks.died(0));
        world.boot(0, (shown) => Object.assign(shown, { commitIndex: 0, lastApplied: 2 }), 2);
        world.event(0, (shown) => {
          shown.currentTerm = 2;
          world.save(0);
        });
      },
      { snapshots: true },
    ));

  it("a follower's log that becomes shorter, and one that is longer than what was acknowledged", () =>
    clean((world) => {
      replicated(world);
      becomes(world, 2, leader(2, [0], 2));
      const call = request(world, 2, "AppendEntries", append(2, 0, 0));
      answers(world, 1, call, { term: 2, success: true }, { currentTerm: 2 });
      becomes(world, 2, leader(2, [0, 2], 2));
      const second = request(world, 2, "AppendEntries", append(2, 0, 0, [entry(2)]));
      answers(world, 1, second, { term: 2, success: true }, { terms: [0, 2] });
    }));

  it("entries that were acknowledged, overwritten by a later leader, and are gone after a restart", () =>
    cleanUnless((world, wrong) => {
      replicated(world);
      answers(world, 1, request(world, 0, "AppendEntries", append(1, 2, 1)), { term: 1, success: true });
      if (!wrong) {
        becomes(world, 2, leader(2, [0], 2));
        becomes(world, 2, leader(2, [0, 2], 2));
        answers(
          world,
          1,
          request(world, 2, "AppendEntries", append(2, 0, 0, [entry(2)])),
          { term: 2, success: true },
          { currentTerm: 2, terms: [0, 2] },
        );
      }
      world.event(-1, () => world.checks.died(1));
      world.boot(1, (shown) => {
        if (wrong) shown.terms = [0, 1];
      });
    }, /Stable Storage: S1, restarted, has forgotten: it had acknowledged entry 2/));

  it("a leader that is not on disk itself, while a majority is: it may write in parallel", () =>
    cleanUnless((world, wrong) => {
      becomes(world, 0, leader(1, [0]));
      world.event(0, (shown) => {
        shown.terms = [0, 1];
      });
      for (const server of wrong ? [1] : [1, 2]) becomes(world, server, { currentTerm: 1, terms: [0, 1] });
      world.event(0, (shown) => {
        shown.commitIndex = 1;
      });
    }, /Durable Quorum: .* on 1 of 3 disks/));
});

describe("votes", () => {
  const asking = { candidateId: 0, lastLogIndex: 0, lastLogTerm: 0 };

  it.each([
    { preVote: true },
    { pre_vote: 1 },
    { isPreVote: true },
    { phase: "pre-vote" },
    { kind: "PreCandidate" },
    { pre: true },
    { leadershipTransfer: true },
  ])("a request with %j is no vote", (flag) =>
    cleanUnless((world, wrong) => {
      const args = { term: 1, ...asking, ...(wrong ? {} : flag) };
      const first = request(world, 0, "RequestVote", args);
      answers(world, 2, first, { term: 0, voteGranted: true });
      const second = request(world, 1, "RequestVote", { ...args, candidateId: 1 });
      answers(world, 2, second, { term: 0, voteGranted: true });
    }, /Message Terms|Write-Ahead Rule/),
  );

  it("a request of another name is no vote", () =>
    clean((world) => {
      for (const method of ["PreVote", "RequestPreVote", "Raft.PreRequestVote"]) request(world, 0, method, { term: 7, ...asking });
    }));

  it("granted once more to the same candidate, in the same life and in the next", () =>
    clean((world) => {
      becomes(world, 0, { currentTerm: 1, role: "candidate", votedFor: 0 });
      const call = request(world, 0, "RequestVote", { term: 1, ...asking });
      answers(world, 1, call, { term: 1, voteGranted: true }, { currentTerm: 1, votedFor: 0 });
      answers(world, 1, request(world, 0, "RequestVote", { term: 1, ...asking }), { term: 1, voteGranted: true });
      world.event(-1, () => world.checks.died(1));
      world.boot(1);
      answers(world, 1, request(world, 0, "RequestVote", { term: 1, ...asking }), { term: 1, voteGranted: true });
    }));

  it("saved before a crash and given after the restart, without another save", () =>
    clean((world) => {
      becomes(world, 0, { currentTerm: 1, role: "candidate", votedFor: 0 });
      const call = request(world, 0, "RequestVote", { term: 1, ...asking });
      world.event(1, (shown) => {
        world.arrive(1, call);
        Object.assign(shown, { currentTerm: 1, votedFor: 0 });
        world.save(1);
        world.checks.died(1);
      });
      world.boot(1);
      answers(world, 1, request(world, 0, "RequestVote", { term: 1, ...asking }), { term: 1, voteGranted: true });
    }));

  it.each([-1, null, undefined])("votedFor %s is nobody's vote", (nobody) =>
    clean((world) => {
      becomes(world, 1, { currentTerm: 1, votedFor: nobody });
      becomes(world, 1, { currentTerm: 1, votedFor: 2 });
      world.event(-1, () => world.checks.died(2));
      world.boot(2, (shown) => {
        shown.votedFor = nobody as undefined;
      });
    }),
  );

  it("votedFor noted as the term's leader, whoever was voted for; also across a restart", () =>
    cleanUnless((world, wrong) => {
      becomes(world, 0, { currentTerm: 1, role: "candidate", votedFor: 0 });
      const call = request(world, 0, "RequestVote", { term: 1, ...asking });
      answers(world, 2, call, { term: 1, voteGranted: true }, { currentTerm: 1, votedFor: 0 });
      if (!wrong) becomes(world, 1, leader(1, [0], 1));
      becomes(world, 2, { votedFor: 1 });
      world.event(-1, () => world.checks.died(2));
      world.boot(2);
    }, /One Vote per Term: S2 changed its vote from S0 to S1/));

  it.each([{ granted: true }, true, undefined, { term: 1, vote: "yes" }])("granted in other words: %j", (answer) =>
    cleanUnless((world, wrong) => {
      becomes(world, 0, { currentTerm: 1, role: "candidate", votedFor: 0 });
      for (const voter of [1, 2]) {
        const call = request(world, 0, "RequestVote", { term: 1, ...asking });
        world.event(voter, (shown) => {
          world.arrive(voter, call);
          Object.assign(shown, { currentTerm: 1, votedFor: 0 });
          world.save(voter);
          world.reply(voter, call, wrong ? { term: 1, voteGranted: false } : answer);
        });
      }
      becomes(world, 0, { role: "leader" });
    }, /Election Quorum: S0 leads term 1 with the votes of 1 of 3 servers/),
  );

  it("a vote that is cleared and given again in its term is two", () =>
    cleanUnless((world, wrong) => {
      becomes(world, 1, { currentTerm: 1, votedFor: 0 });
      becomes(world, 1, { votedFor: undefined, ...(wrong ? {} : { currentTerm: 2 }) });
      becomes(world, 1, { votedFor: 2 });
    }, /One Vote per Term/));

  it("a restart that begins a new term with no vote", () =>
    clean((world) => {
      becomes(world, 0, { currentTerm: 1, role: "candidate", votedFor: 0 });
      request(world, 0, "RequestVote", { term: 1, ...asking });
      world.event(-1, () => world.checks.died(0));
      world.boot(0, (shown) => Object.assign(shown, { currentTerm: 2, votedFor: undefined }));
    }));

  it("an answer that comes late, when the voter is in a later term", () =>
    clean(
      (world) => {
        becomes(world, 0, { currentTerm: 1, role: "candidate", votedFor: 0 });
        const call = request(world, 0, "RequestVote", { term: 1, ...asking });
        world.event(1, (shown) => {
          world.arrive(1, call);
          Object.assign(shown, { currentTerm: 1, votedFor: 0 });
          world.save(1);
        });
        becomes(world, 1, { currentTerm: 2, votedFor: 2 });
        world.event(1, () => world.reply(1, call, { term: 1, voteGranted: true }));
      },
      { thorough: true },
    ));
});

describe("messages", () => {
  it("count indices from 0, name their fields in capitals, and carry commands encoded or unreadable entries", () => {
    const shapes: ((term: number, command: unknown) => unknown)[] = [
      (term, command) => ({ Term: term, Command: command }),
      (term, command) => ({ term, command: JSON.stringify({ command }) }),
      (term, command) => [term, command],
      (term, command) => `${term}:${String(command)}`,
    ];
    for (const shape of shapes) {
      clean((world) => {
        const calls = [request(world, 0, "RequestVote", { Term: 0, CandidateId: 0, LastLogIndex: -1, LastLogTerm: -1 })];
        expect(calls[0]?.index).toBe(0);
        becomes(world, 0, leader(1, [0]));
        for (const [i, command] of ["a", "b", 3].entries()) {
          world.event(0, (shown) => {
            shown.terms = [...shown.terms, 1];
            world.save(0);
            world.start(0, command, i + 1, 1);
          });
          const args = {
            Term: 1,
            LeaderId: 0,
            PrevLogIndex: i - 1,
            PrevLogTerm: i === 0 ? -1 : 1,
            Entries: [shape(1, command)],
            LeaderCommit: -1,
          };
          const call = request(world, 0, "AppendEntries", args);
          expect(call?.index).toBe(i);
          answers(world, 1, call, { Term: 1, Success: true }, { currentTerm: 1, terms: [0, 1, 1, 1].slice(0, i + 2) });
        }
      });
    }
  });

  it("commands of one kind as they are, of others encoded", () =>
    cleanUnless((world, wrong) => {
      becomes(world, 0, leader(1, [0]));
      for (const [i, command] of [1, "text"].entries()) world.event(0, () => world.start(0, command, i + 1, 1));
      const sent = wrong ? "other" : { encoded: [116, 101, 120, 116] };
      becomes(world, 0, leader(1, [0, 1, 1]));
      request(world, 0, "AppendEntries", append(1, 0, 0, [entry(1, 1), entry(1, sent)]));
    }, /Log Matching: entry 2 of term 1 holds "text" and "other"/));

  it("-1 in a heartbeat that speaks of no entry, from a Raft that counts from 1", () =>
    clean((world) => {
      replicated(world);
      request(world, 0, "AppendEntries", append(1, -1, -1));
      const call = request(world, 0, "AppendEntries", append(1, 2, 1));
      answers(world, 1, call, { term: 1, success: true });
    }));

  it("snapshots counted from 1 where entries are counted from 0", () =>
    clean((world) => {
      request(world, 0, "RequestVote", { term: 0, lastLogIndex: -1, lastLogTerm: -1 });
      replicated(world);
      world.event(0, (shown) => {
        shown.commitIndex = 2;
      });
      request(world, 0, "InstallSnapshot", { term: 1, lastIncludedIndex: 2, lastIncludedTerm: 1, data: [] });
      request(world, 0, "InstallSnapshot", { term: 1, lastIncludedIndex: 1, lastIncludedTerm: 1, data: [] });
    }));

  it("InstallSnapshot in chunks", () =>
    clean((world) => {
      replicated(world);
      world.event(0, (shown) => {
        shown.commitIndex = 2;
      });
      for (const offset of [0, 10, 20]) {
        request(world, 0, "InstallSnapshot", {
          term: 1,
          lastIncludedIndex: 2,
          lastIncludedTerm: 1,
          offset,
          data: [offset],
          done: offset === 20,
        });
      }
    }));

  it("the paper's names for something else", () =>
    clean((world) => {
      replicated(world);
      for (const args of [
        undefined,
        null,
        7,
        [],
        {},
        { term: 9 },
        { term: "9", prevLogIndex: 0, prevLogTerm: 0 },
        { prevLogIndex: 5, entries: [] },
      ]) {
        for (const method of ["AppendEntries", "RequestVote", "InstallSnapshot"]) {
          const call = request(world, 2, method, args as object);
          answers(world, 0, call, { term: 3, success: true, voteGranted: true });
        }
      }
    }));

  it("a reply that says itself how far the log matches", () =>
    cleanUnless((world, wrong) => {
      becomes(world, 0, leader(1, [0]));
      becomes(world, 0, leader(1, [0, 1, 1]));
      const call = request(world, 0, "AppendEntries", append(1, 0, 0, [entry(1), entry(1)]));
      answers(world, 1, call, { term: 1, success: true, ...(wrong ? {} : { matchIndex: 1 }) }, { currentTerm: 1, terms: [0, 1] });
    }, /Acknowledged Entries/));

  it("a prevLogTerm of 0 or -1 for an entry that the leader has only in its snapshot", () =>
    cleanUnless((world, wrong) => {
      replicated(world);
      for (const unknown of [0, -1]) {
        const call = request(world, 0, "AppendEntries", append(1, 2, unknown, [entry(1)]));
        answers(world, 1, call, { term: 1, success: true }, { terms: [0, 1, 1, 1] });
        answers(world, 1, request(world, 0, "AppendEntries", append(1, 2, unknown)), { term: 1, success: true });
      }
      if (wrong) request(world, 0, "AppendEntries", append(1, 2, 3, [entry(3)]));
      if (wrong) request(world, 0, "AppendEntries", append(1, 2, 2, [entry(1)]));
    }, /Log/));

  it("a heartbeat that is acknowledged below a snapshot, and a term of 0 in a reply that was never filled in", () =>
    clean((world) => {
      replicated(world);
      world.event(0, (shown) => {
        shown.commitIndex = 2;
      });
      world.event(1, (shown) => Object.assign(shown, { commitIndex: 2, base: 2 }));
      answers(world, 1, request(world, 0, "AppendEntries", append(1, 1, 1)), { term: 1, success: true });
      answers(world, 1, request(world, 0, "AppendEntries", append(1, 1, 1)), { term: 0, success: false });
    }));

  it("an acknowledgement that comes late, after a later leader has overwritten the entry", () =>
    clean(
      (world) => {
        replicated(world);
        const call = request(world, 0, "AppendEntries", append(1, 2, 1, [entry(1)]));
        world.event(1, (shown) => {
          world.arrive(1, call);
          shown.terms = [0, 1, 1, 1];
          world.save(1);
        });
        becomes(world, 2, leader(2, [0], 2));
        becomes(world, 1, { currentTerm: 2, terms: [0, 1, 1] });
        world.event(1, () => world.reply(1, call, { term: 1, success: true }));
      },
      { thorough: true },
    ));

  it("an own entry received back from a later leader", () =>
    clean((world) => {
      becomes(world, 0, leader(1, [0]));
      becomes(world, 0, leader(1, [0, 1]));
      world.event(0, () => world.start(0, "a", 1, 1));
      request(world, 0, "AppendEntries", append(1, 0, 0, [entry(1, "a")]));
      becomes(world, 1, { currentTerm: 1, terms: [0, 1] });
      becomes(world, 1, leader(2, [0, 1], 1));
      const call = request(world, 1, "AppendEntries", append(2, 0, 0, [entry(1, "a")]));
      answers(world, 0, call, { term: 2, success: true }, { role: "follower", currentTerm: 2, votedFor: undefined });
    }));
});

describe("disks", () => {
  it("a server that saves first, and shows its term and its entries events later", () =>
    cleanUnless((world, wrong) => {
      becomes(world, 0, leader(1, [0]));
      becomes(world, 0, leader(1, [0, 1]));
      const call = request(world, 0, "AppendEntries", append(1, 0, 0, [entry(1)]));
      world.event(1, (shown) => {
        world.arrive(1, call);
        world.save(1, undefined, wrong ? shown : { ...shown, currentTerm: 1, terms: [0, 1] });
      });
      world.event(1, (shown) => {
        Object.assign(shown, { currentTerm: 1, terms: [0, 1] });
        world.reply(1, call, { term: 1, success: true });
      });
      world.event(0, (shown) => {
        shown.commitIndex = 1;
      });
    }, /Write-Ahead Rule: S1 sent a reply of term 1/));

  it("the same for what is committed", () =>
    cleanUnless((world, wrong) => {
      becomes(world, 0, leader(1, [0]));
      becomes(world, 0, leader(1, [0, 1]));
      becomes(world, 1, { currentTerm: 1 });
      world.event(1, (shown) => world.save(1, undefined, wrong ? shown : { ...shown, terms: [0, 1] }));
      world.event(1, (shown) => {
        shown.terms = [0, 1];
      });
      world.event(0, (shown) => {
        shown.commitIndex = 1;
      });
    }, /Durable Quorum/));

  it("a log that is trimmed in memory before its snapshot is saved", () =>
    cleanUnless(
      (world, wrong) => {
        replicated(world);
        world.event(0, (shown) => {
          shown.commitIndex = 2;
        });
        world.event(0, (shown) => {
          shown.base = 2;
          world.save(0, undefined, wrong ? shown : { ...shown, base: 0 });
        });
        world.event(0, () => world.save(0, 2));
      },
      /Snapshot Consistency: S0 saved a log that begins after index 2/,
      { snapshots: true },
    ));

  it("state and snapshot saved one after the other within an event", () =>
    clean(
      (world) => {
        replicated(world);
        world.event(0, (shown) => {
          shown.commitIndex = 2;
        });
        world.event(0, (shown) => {
          shown.base = 2;
          world.save(0);
          world.save(0, 2);
        });
      },
      { snapshots: true },
    ));

  it("a death right after a save, before memory shows what was saved", () =>
    cleanUnless((world, wrong) => {
      replicated(world);
      const call = request(world, 0, "AppendEntries", append(1, 1, 1, [entry(1)]));
      answers(world, 1, call, { term: 1, success: true });
      becomes(world, 2, leader(2, [0], 2));
      becomes(world, 2, leader(2, [0, 2], 2));
      const later = request(world, 2, "AppendEntries", append(2, 0, 0, [entry(2)]));
      world.event(1, (shown) => {
        if (!wrong) world.arrive(1, later);
        if (!wrong) world.save(1, undefined, { ...shown, currentTerm: 2, terms: [0, 2] });
        else world.disks[1] = { ...shown, terms: [0, 1] };
        world.checks.died(1);
      });
      world.boot(1);
    }, /Stable Storage: S1, restarted, has forgotten: it had acknowledged entry 2 of term 1/));

  it("a server alone in its cluster: leads, commits and restarts on its own", () =>
    clean(
      (world) => {
        becomes(world, 0, leader(1, [0]));
        becomes(world, 0, { ...leader(1, [0, 1]), commitIndex: 1 });
        world.event(0, (shown) => {
          shown.terms = [0, 1, 1];
        });
        world.event(-1, () => world.checks.died(0));
        world.boot(0, (shown) => Object.assign(shown, { role: "leader", currentTerm: 2 }));
        world.event(0, (shown) => {
          shown.commitIndex = 1;
          world.save(0);
        });
      },
      { servers: 1 },
    ));

  it("a first boot that saves is no restart", () => {
    const world = new CheckWorld();
    world.event(0, () => {
      world.save(0);
      world.bootNow(0);
    });
    expect(world.found).toBeUndefined();
    expect(world.checks.coverage.values().every((count) => count === 0)).toBe(true);
  });

  it("a commitIndex that was saved", () =>
    clean((world) => {
      replicated(world);
      world.event(0, (shown) => {
        shown.commitIndex = 2;
        world.save(0);
      });
      world.event(-1, () => world.checks.died(0));
      world.boot(0, (shown) => {
        shown.commitIndex = 2;
      });
    }));
});

describe("commands", () => {
  it("whose server died in start(), in the logs all the same", () =>
    cleanUnless((world, wrong) => {
      world.event(0, () => {
        if (!wrong) world.checks.startUnanswered("a");
      });
      world.event(1, () => world.apply(1, 1, "a"));
    }, /Proposed Commands/));

  it("of a leader that died in the event in which it took them, seen at a follower", () =>
    cleanUnless((world, wrong) => {
      becomes(world, 0, leader(1, [0]));
      world.event(0, (shown) => {
        if (!wrong) shown.terms = [0, 1];
        world.checks.died(0);
      });
      becomes(world, 1, { currentTerm: 1, terms: [0, 1] });
    }, /Entry Origin: S1 has an entry 1 of term 1, whose leader S0 never had that entry/));

  it("applied from the beginning again after a restart, or from where the service was, and snapshots delivered again", () =>
    clean(
      (world) => {
        for (const [i, command] of ["a", "b", "c"].entries()) world.event(0, () => world.start(0, command, i + 1, 1));
        for (const [i, command] of ["a", "b"].entries()) world.event(1, () => world.apply(1, i + 1, command));
        const snapshot = new TextEncoder().encode("[2,1,2]");
        world.event(1, () => world.checks.snapshotTaken(1, 2, snapshot));
        world.event(-1, () => world.checks.died(1));
        world.boot(1);
        world.event(1, () => world.apply(1, 3, "c"));
        world.event(-1, () => world.checks.died(1));
        world.boot(1, () => {}, 2);
        world.event(1, () => world.applySnapshot(1, { index: 2, term: 1, snapshot }));
        world.event(1, () => world.apply(1, 3, "c"));
      },
      { snapshots: true, withoutInspect: [0, 1, 2] },
    ));

  it("sent to a peer that has missed them all, each in a request of its own, without waiting for replies", () =>
    cleanUnless((world, wrong) => {
      const commands = wrong ? 1 : 500;
      for (let i = 1; i <= commands; i++) world.event(0, () => world.start(0, i, i, 1));
      for (let pause = 0; pause < 200; pause++) world.event(1);
      world.event(0, () => {
        for (let i = 0; i < 1000; i++) world.send(0, "Replicate", { i });
      });
    }, /No Event Storm/));
});
