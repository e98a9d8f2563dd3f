import { describe, expect, it } from "vitest";
import { Bench } from "./support/core.ts";

describe("§5.2 Leader election: followers", () => {
  it("when servers start up, they begin as followers", () => {
    expect(new Bench().view).toMatchObject({ role: "follower", currentTerm: 0, votedFor: undefined, commitIndex: 0, lastApplied: 0 });
  });

  it("a follower that receives no communication over the election timeout begins an election", () => {
    const bench = new Bench({ timeoutShare: 0.5 });
    const started = bench.now;
    expect(bench.core.nextDeadlineMs(bench.now)).toBe(started + 350 + 175);
    bench.core.reachDeadline(started + 524);
    expect(bench.view.role).toBe("follower");
    bench.core.reachDeadline(started + 525);
    expect(bench.view.role).toBe("candidate");
  });

  it("a server remains a follower as long as it receives valid RPCs from a leader", () => {
    const bench = new Bench({ currentTerm: 1 });
    for (let i = 0; i < 20; i += 1) {
      bench.passTime(349);
      bench.append({ term: 1 });
    }
    bench.passTime(349);
    bench.install({ term: 1 });
    bench.passTime(349);
    expect(bench.view).toMatchObject({ role: "follower", currentTerm: 1 });
    bench.passTime(1);
    expect(bench.view).toMatchObject({ role: "candidate", currentTerm: 2 });
  });

  it("the timer is reset by granting a vote, but not by refusing one, nor by RPCs of older terms", () => {
    const bench = new Bench({ terms: [1], currentTerm: 2 });
    const deadline = bench.core.nextDeadlineMs(bench.now);
    bench.now += 100;
    bench.vote({ term: 2, lastLogIndex: 0, lastLogTerm: 0 });
    bench.vote({ term: 3, lastLogIndex: 0, lastLogTerm: 0 });
    bench.append({ term: 2 });
    bench.install({ term: 2 });
    expect(bench.core.nextDeadlineMs(bench.now)).toBe(deadline);
    bench.vote({ term: 3, lastLogIndex: 1, lastLogTerm: 1 });
    expect(bench.core.nextDeadlineMs(bench.now)).toBe(deadline + 100);
  });
});

describe("§5.2 Leader election: candidates", () => {
  it("to begin an election, a follower increments its term, votes for itself, persists both and asks each of the others", () => {
    const bench = new Bench({ terms: [1, 2], servers: 5 });
    bench.reachDeadline();
    expect(bench.view).toMatchObject({ role: "candidate", currentTerm: 3, votedFor: 0 });
    expect(bench.restart().view).toMatchObject({ role: "follower", currentTerm: 3, votedFor: 0 });
    const args = { term: 3, candidateId: 0, lastLogIndex: 2, lastLogTerm: 2 };
    expect(bench.sent.map(({ method, to, args }) => ({ method, to, args }))).toEqual(
      [1, 2, 3, 4].map((to) => ({ method: "RequestVote", to, args })),
    );
  });

  it("a candidate wins if it receives votes from a majority of the full cluster", () => {
    const bench = new Bench({ servers: 5 });
    bench.reachDeadline();
    const [toFirst, toSecond] = bench.takeSent();
    bench.reply(toFirst!, { term: 1, voteGranted: true });
    expect(bench.view.role).toBe("candidate");
    bench.reply(toSecond!, { term: 1, voteGranted: true });
    expect(bench.view.role).toBe("leader");
  });

  it("a cluster of even size needs more than half of the votes", () => {
    const bench = new Bench({ servers: 4 });
    bench.reachDeadline();
    const [toFirst, toSecond] = bench.takeSent();
    bench.reply(toFirst!, { term: 1, voteGranted: true });
    expect(bench.view.role).toBe("candidate");
    bench.reply(toSecond!, { term: 1, voteGranted: true });
    expect(bench.view.role).toBe("leader");
  });

  it("a cluster of one elects itself", () => {
    const bench = new Bench({ servers: 1 });
    bench.reachDeadline();
    expect(bench.view).toMatchObject({ role: "leader", currentTerm: 1 });
    expect(bench.core.nextDeadlineMs(bench.now)).toBe(Infinity);
  });

  it("the vote of one server counts once, however often its reply arrives", () => {
    const bench = new Bench({ servers: 5 });
    bench.reachDeadline();
    const [toFirst] = bench.takeSent();
    bench.reply(toFirst!, { term: 1, voteGranted: true });
    bench.reply(toFirst!, { term: 1, voteGranted: true });
    expect(bench.view.role).toBe("candidate");
  });

  it("a refusal is no vote", () => {
    const bench = new Bench();
    bench.reachDeadline();
    for (const request of bench.takeSent()) bench.reply(request, { term: 1, voteGranted: false });
    expect(bench.view.role).toBe("candidate");
  });

  it("a vote of an earlier election does not count in a later one", () => {
    const bench = new Bench();
    bench.reachDeadline();
    const earlier = bench.takeSent();
    bench.passTime(350);
    expect(bench.view.currentTerm).toBe(2);
    for (const request of earlier) bench.reply(request, { term: 1, voteGranted: true });
    expect(bench.view).toMatchObject({ role: "candidate", currentTerm: 2 });
  });

  it("a vote that comes after the candidate has become a follower makes no leader", () => {
    const bench = new Bench();
    bench.reachDeadline();
    const requests = bench.takeSent();
    bench.append({ term: 1 });
    for (const request of requests) bench.reply(request, { term: 1, voteGranted: true });
    expect(bench.view).toMatchObject({ role: "follower", currentTerm: 1 });
  });

  it("once a candidate wins, it sends heartbeats to all others at once", () => {
    const bench = new Bench({ terms: [1, 1], servers: 3 }).winElection();
    const args = { term: 2, leaderId: 0, prevLogIndex: 2, prevLogTerm: 1, entries: [], leaderCommit: 0 };
    expect(bench.sent.map(({ method, to, args }) => ({ method, to, args }))).toEqual([
      { method: "AppendEntries", to: 1, args },
      { method: "AppendEntries", to: 2, args },
    ]);
    expect(bench.view.lastIndex).toBe(2);
  });

  it.each(["append", "install"] as const)(
    "a candidate that hears (%s) from a leader whose term is at least its own returns to follower state",
    (kind) => {
      const bench = new Bench({ currentTerm: 3 });
      bench.reachDeadline();
      bench[kind]({ term: 4 });
      expect(bench.view).toMatchObject({ role: "follower", currentTerm: 4, votedFor: 0 });
    },
  );

  it("a candidate rejects RPCs of a smaller term and continues in candidate state", () => {
    const bench = new Bench({ currentTerm: 3 });
    bench.reachDeadline();
    expect(bench.append({ term: 3 })).toMatchObject({ term: 4, success: false });
    expect(bench.install({ term: 3 })).toEqual({ term: 4 });
    expect(bench.view.role).toBe("candidate");
  });

  it("a candidate whose election times out starts a new one by incrementing its term", () => {
    const bench = new Bench({ servers: 5 });
    bench.reachDeadline();
    bench.takeSent();
    bench.passTime(350);
    expect(bench.view).toMatchObject({ role: "candidate", currentTerm: 2 });
    expect(bench.takeSent()).toHaveLength(4);
  });

  it("election timeouts are randomized anew in each election", () => {
    const draws = [0.9, 0.1, 0.5];
    const bench = new Bench({}, undefined, () => draws.shift()!);
    const timeouts = [bench.core.nextDeadlineMs(bench.now) - bench.now];
    for (let i = 0; i < 2; i += 1) {
      bench.now = bench.core.nextDeadlineMs(bench.now);
      bench.core.reachDeadline(bench.now);
      // The retry of the votes comes first; nobody is there to be asked again.
      bench.core.reachDeadline(bench.now + 100);
      timeouts.push(bench.core.nextDeadlineMs(bench.now) - bench.now);
    }
    expect(timeouts).toEqual([350 + 0.9 * 350, 350 + 0.1 * 350, 350 + 0.5 * 350]);
  });
});

describe("§5.1 servers retry RPCs if they do not receive a response in a timely manner: votes", () => {
  it("a candidate asks again who was heard of lately and has not answered", () => {
    const bench = new Bench({ servers: 5, currentTerm: 1 });
    bench.append({ term: 1, leaderId: 1 });
    bench.append({ term: 1, leaderId: 2 });
    bench.reachDeadline();
    const first = bench.takeSent();
    bench.reply(first[1]!, { term: 2, voteGranted: false });
    bench.passTime(99);
    expect(bench.sent).toEqual([]);
    bench.passTime(1);
    expect(bench.takeSent().map(({ to, args }) => ({ to, args }))).toEqual([{ to: 1, args: first[0]!.args }]);
  });

  it("it does not ask in vain who has been silent", () => {
    const bench = new Bench({ servers: 5 });
    bench.reachDeadline();
    bench.takeSent();
    bench.passTime(349);
    expect(bench.sent).toEqual([]);
  });
});

describe("§5.2 each server votes for at most one candidate in a given term, first-come-first-served", () => {
  it("the first candidate gets the vote, the second does not", () => {
    const bench = new Bench({ currentTerm: 1 });
    expect(bench.vote({ term: 2, candidateId: 1 })).toEqual({ term: 2, voteGranted: true });
    expect(bench.vote({ term: 2, candidateId: 2 })).toEqual({ term: 2, voteGranted: false });
  });

  it("a repeated request of the same candidate is granted again, without another save", () => {
    const bench = new Bench({ currentTerm: 1 });
    bench.vote({ term: 2, candidateId: 1 });
    const { saves } = bench;
    expect(bench.vote({ term: 2, candidateId: 1 })).toEqual({ term: 2, voteGranted: true });
    expect(bench.saves).toBe(saves);
  });

  it("also across a restart", () => {
    const bench = new Bench({ currentTerm: 1 });
    bench.vote({ term: 2, candidateId: 1 });
    const restarted = bench.restart();
    expect(restarted.vote({ term: 2, candidateId: 2 })).toEqual({ term: 2, voteGranted: false });
    expect(restarted.vote({ term: 2, candidateId: 1 })).toEqual({ term: 2, voteGranted: true });
  });

  it("also across a restart, when the term was known before the vote", () => {
    const bench = new Bench({ currentTerm: 2 });
    expect(bench.vote({ term: 2, candidateId: 1 }).voteGranted).toBe(true);
    expect(bench.restart().vote({ term: 2, candidateId: 2 }).voteGranted).toBe(false);
  });

  it("a candidate has voted for itself", () => {
    const bench = new Bench();
    bench.reachDeadline();
    expect(bench.vote({ term: 1 })).toEqual({ term: 1, voteGranted: false });
    expect(bench.restart().vote({ term: 1 })).toEqual({ term: 1, voteGranted: false });
  });

  it("a leader refuses its own term", () => {
    expect(new Bench().winElection().vote({ term: 1 })).toEqual({ term: 1, voteGranted: false });
  });

  it("a new term brings a new vote", () => {
    const bench = new Bench({ currentTerm: 2, votedFor: 1 });
    expect(bench.vote({ term: 3, candidateId: 2 })).toEqual({ term: 3, voteGranted: true });
  });

  it("RequestVote 1: reply false if term < currentTerm", () => {
    const bench = new Bench({ currentTerm: 5 });
    expect(bench.vote({ term: 4 })).toEqual({ term: 5, voteGranted: false });
    expect(bench.view.votedFor).toBeUndefined();
  });
});

describe("§5.4.1 the voter denies its vote if its own log is more up-to-date than that of the candidate", () => {
  it.each([
    { mine: [1, 1], theirs: { lastLogIndex: 2, lastLogTerm: 1 }, granted: true, why: "equal logs" },
    { mine: [1, 1], theirs: { lastLogIndex: 3, lastLogTerm: 1 }, granted: true, why: "same last term, longer" },
    { mine: [1, 1], theirs: { lastLogIndex: 1, lastLogTerm: 1 }, granted: false, why: "same last term, shorter" },
    { mine: [1, 1], theirs: { lastLogIndex: 1, lastLogTerm: 2 }, granted: true, why: "later last term, shorter" },
    { mine: [1, 2], theirs: { lastLogIndex: 9, lastLogTerm: 1 }, granted: false, why: "earlier last term, longer" },
    { mine: [], theirs: { lastLogIndex: 0, lastLogTerm: 0 }, granted: true, why: "both empty" },
    { mine: [1], theirs: { lastLogIndex: 0, lastLogTerm: 0 }, granted: false, why: "candidate's empty" },
  ])("$why: $granted", ({ mine, theirs, granted }) => {
    const bench = new Bench({ terms: mine, currentTerm: 3 });
    expect(bench.vote({ term: 4, ...theirs })).toEqual({ term: 4, voteGranted: granted });
    expect(bench.view).toMatchObject({ currentTerm: 4, votedFor: granted ? 1 : undefined });
  });

  it("the snapshot point counts as the last entry of a compacted log", () => {
    const bench = new Bench({ snapshotIndex: 5, snapshotTerm: 3, currentTerm: 3 });
    expect(bench.vote({ term: 4, lastLogIndex: 4, lastLogTerm: 3 }).voteGranted).toBe(false);
    expect(bench.vote({ term: 4, lastLogIndex: 5, lastLogTerm: 3 }).voteGranted).toBe(true);
  });
});
