import { describe, expect, it } from "vitest";
import type { AppendEntriesArgs } from "../src/messages.ts";
import { appendArgs, Bench, commandAt, entriesFrom, SNAPSHOT, snapshotArgs } from "./support/core.ts";

/** A leader of term `term`, with a log of these terms, of which the followers have confirmed nothing yet. */
function newLeader(terms: readonly number[], term: number, servers = 3): Bench {
  return new Bench({ servers, terms, currentTerm: term - 1 }).winElection();
}

describe("§5.3 Log replication: the leader", () => {
  it("appends a command as a new entry of its term and persists it", () => {
    const bench = newLeader([1], 2).becomeSettled();
    expect(bench.propose("x")).toEqual({ index: 2, term: 2, isLeader: true });
    expect(bench.restart().terms).toEqual([1, 2]);
  });

  it("who is not the leader takes no command", () => {
    const bench = new Bench({ currentTerm: 4 });
    expect(bench.propose("x")).toEqual({ index: -1, term: 4, isLeader: false });
    bench.reachDeadline();
    expect(bench.propose("x")).toEqual({ index: -1, term: 5, isLeader: false });
    expect(bench.view.lastIndex).toBe(0);
  });

  it("sends a new entry to each of the others at once, with the entry before it for the consistency check", () => {
    const bench = newLeader([1], 2).becomeSettled();
    const before = bench.now;
    bench.proposeAndSend("x");
    expect(bench.now).toBe(before);
    const args = { term: 2, leaderId: 0, prevLogIndex: 1, prevLogTerm: 1, entries: [{ term: 2, command: "x" }], leaderCommit: 0 };
    expect(bench.takeSent().map(({ to, args }) => ({ to, args }))).toEqual([
      { to: 1, args },
      { to: 2, args },
    ]);
  });

  it("what is proposed together travels together", () => {
    const bench = newLeader([], 1).becomeSettled();
    for (const command of ["a", "b", "c"]) bench.propose(command);
    bench.reachDeadline();
    expect(bench.takeSentTo(1).map((request) => appendArgs(request).entries.map(({ command }) => command))).toEqual([["a", "b", "c"]]);
  });

  it("after a pause it sends twice at once, then once in a send interval everything since", () => {
    const bench = newLeader([], 1).becomeSettled();
    const sentMs = bench.now;
    bench.proposeAndSend("a");
    bench.proposeAndSend("b");
    expect(bench.now).toBe(sentMs);
    expect(bench.takeSentTo(2).map((request) => appendArgs(request).entries.length)).toEqual([1, 1]);
    bench.takeSent();
    bench.propose("c");
    bench.propose("d");
    bench.passTime(19);
    expect(bench.sent).toEqual([]);
    bench.passTime(1);
    expect(bench.now).toBe(sentMs + 20);
    expect(bench.takeSentTo(2).map((request) => appendArgs(request).entries.length)).toEqual([2]);
  });

  it("does not wait for the acknowledgement of earlier entries", () => {
    const bench = newLeader([], 1).becomeSettled();
    bench.proposeAndSend("a");
    bench.takeSent();
    bench.proposeAndSend("b");
    expect(appendArgs(bench.takeSentTo(1)[0])).toMatchObject({ prevLogIndex: 1, prevLogTerm: 1, entries: [{ term: 1, command: "b" }] });
  });

  it("a long log goes out in pieces of bounded size", () => {
    const bench = new Bench({ options: { maxEntriesPerRequest: 2 } }).winElection().becomeSettled();
    for (let i = 0; i < 5; i += 1) bench.propose(i);
    bench.passTime(60);
    expect(bench.takeSentTo(1).map((request) => appendArgs(request).entries.length)).toEqual([2, 2, 1]);
  });

  it("repeats heartbeats in idle periods, to prevent election timeouts, ten in a second", () => {
    const bench = newLeader([1], 2).becomeSettled();
    bench.takeSent();
    const heartbeats: AppendEntriesArgs[] = [];
    for (let tenth = 0; tenth < 10; tenth += 1) {
      bench.passTime(100);
      for (const request of bench.takeSent()) {
        bench.accept(request);
        if (request.to === 1) heartbeats.push(appendArgs(request));
      }
    }
    expect(heartbeats).toHaveLength(10);
    expect(heartbeats.every(({ prevLogIndex, entries }) => prevLogIndex === 1 && entries.length === 0)).toBe(true);
  });

  it("a peer that is silent gets fewer heartbeats: one may be lost within an election timeout; and all of them again once it answers", () => {
    const bench = newLeader([1], 2).becomeSettled();
    bench.passTime(1000);
    bench.takeSent();
    bench.passTime(3000);
    const vain = bench.takeSentTo(1);
    expect(vain).toHaveLength(20);
    bench.accept(vain.at(-1)!);
    bench.passTime(200);
    bench.takeSent();
    bench.passTime(100);
    expect(bench.takeSentTo(1)).toHaveLength(1);
    bench.passTime(100);
    expect(bench.takeSentTo(1)).toHaveLength(1);
  });

  it.each([
    { electionTimeoutMinMs: 350, mostMs: 150 },
    { electionTimeoutMinMs: 200, mostMs: 100 },
    { electionTimeoutMinMs: 1000, mostMs: 475 },
  ])(
    "heartbeats to a silent peer are at most $mostMs ms apart with election timeouts from $electionTimeoutMinMs ms on",
    ({ electionTimeoutMinMs, mostMs }) => {
      const bench = new Bench({ terms: [1], currentTerm: 1, options: { electionTimeoutMinMs, electionTimeoutMaxMs: 2000 } })
        .winElection()
        .becomeSettled();
      bench.passTime(2000);
      bench.takeSent();
      const sentMs: number[] = [];
      for (const endMs = bench.now + 5000; bench.now < endMs; ) {
        bench.reachDeadline();
        if (bench.takeSentTo(1).length > 0) sentMs.push(bench.now);
        bench.takeSent();
      }
      const gaps = sentMs.slice(1).map((atMs, i) => atMs - sentMs[i]!);
      expect(new Set(gaps)).toEqual(new Set([mostMs]));
    },
  );

  it("never overwrites or deletes entries in its own log (Leader Append-Only)", () => {
    const bench = newLeader([1, 2], 3);
    for (const request of bench.takeSent()) bench.rejectEntries(request, 0, 0);
    expect(bench.terms).toEqual([1, 2]);
  });

  it("a cluster of one commits on its own", () => {
    const bench = new Bench({ servers: 1 });
    bench.reachDeadline();
    bench.propose("x");
    expect(bench.applied).toEqual([{ type: "command", index: 1, command: "x" }]);
  });
});

describe("§5.3 commitment", () => {
  it("an entry is committed once it is on a majority of the servers, and applied", () => {
    const bench = newLeader([], 1, 5).becomeSettled();
    bench.proposeAndSend("x");
    const [first, second] = bench.takeSent();
    bench.accept(first!);
    expect(bench.view.commitIndex).toBe(0);
    bench.accept(second!);
    expect(bench.view.commitIndex).toBe(1);
    expect(bench.applied).toEqual([{ type: "command", index: 1, command: "x" }]);
  });

  it("two acknowledgements of one server are one copy", () => {
    const bench = newLeader([], 1, 5).becomeSettled();
    bench.proposeAndSend("x");
    const [first] = bench.takeSent();
    bench.accept(first!);
    bench.accept(first!);
    expect(bench.view.commitIndex).toBe(0);
  });

  it("commits the highest index that a majority holds, not the highest acknowledged", () => {
    const bench = newLeader([], 1, 5).becomeSettled();
    bench.proposeAndSend("a");
    const [firstToOne] = bench.takeSent();
    bench.proposeAndSend("b");
    const [, secondToTwo] = bench.takeSent();
    bench.accept(firstToOne!);
    bench.accept(secondToTwo!);
    expect(bench.view.commitIndex).toBe(1);
  });

  it("committing an entry commits all that precede it, also of former leaders", () => {
    const bench = newLeader([1, 1], 2).becomeSettled();
    bench.proposeAndSend("x");
    bench.accept(bench.takeSent()[0]!);
    expect(bench.applied.map(({ index }) => index)).toEqual([1, 2, 3]);
  });

  it("followers learn of it within a send interval: an agreement takes two requests to each", () => {
    const bench = newLeader([], 1).becomeSettled();
    bench.proposeAndSend("x");
    for (const request of bench.takeSent()) bench.accept(request);
    bench.passTime(20);
    const sent = bench.takeSent();
    expect(sent.map((request) => appendArgs(request).leaderCommit)).toEqual([1, 1]);
    for (const request of sent) bench.accept(request);
    bench.passTime(79);
    expect(bench.sent).toEqual([]);
  });

  it("a new commit index travels with new entries if there are any", () => {
    const bench = newLeader([], 1).becomeSettled();
    bench.proposeAndSend("a");
    bench.proposeAndSend("b");
    for (const request of bench.takeSent()) bench.accept(request);
    bench.propose("c");
    bench.passTime(20);
    expect(bench.takeSentTo(1).map(appendArgs)).toMatchObject([{ prevLogIndex: 2, entries: [{ command: "c" }], leaderCommit: 2 }]);
  });
});

describe("§5.4.2 committing entries from previous terms (Figure 8)", () => {
  it("an entry of an older term is not committed by counting replicas, only by one of the current term above it", () => {
    // (c): S1 leads term 4 and spreads entry 2 of term 2 to a majority of five.
    const bench = newLeader([1, 2], 4, 5);
    const [toOne, toTwo] = bench.takeSent();
    bench.rejectEntries(toOne!, 1, 1);
    const [resent] = bench.takeSentTo(1);
    expect(appendArgs(resent)).toMatchObject({ prevLogIndex: 1, entries: [{ term: 2 }] });
    bench.accept(resent!);
    bench.accept(toTwo!);
    expect(bench.view.commitIndex).toBe(0);
    bench.now += 20;
    // (e): an entry of term 4 on a majority commits everything before it.
    bench.proposeAndSend("x");
    const sent = bench.takeSent();
    for (const to of [1, 2]) bench.accept(sent.find((request) => request.to === to)!);
    expect(bench.view.commitIndex).toBe(3);
  });

  it("the start of a term alone commits nothing", () => {
    const bench = newLeader([1, 1, 1], 2);
    for (const request of bench.takeSent()) bench.accept(request);
    expect(bench.view.commitIndex).toBe(0);
  });
});

/** Figure 7: the logs that the leader of term 8, with this log, may find. */
const FIGURE_7_LEADER = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
const FIGURE_7 = {
  a: [1, 1, 1, 4, 4, 5, 5, 6, 6],
  b: [1, 1, 1, 4],
  c: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
  d: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
  e: [1, 1, 1, 4, 4, 4, 4],
  f: [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
};

describe("§5.3 the leader makes the followers' logs duplicate its own (Figure 7)", () => {
  it.each(Object.entries(FIGURE_7))("follower (%s), in at most two rejections", (_, terms) => {
    const leader = newLeader(FIGURE_7_LEADER, 8);
    const follower = new Bench({ me: 1, terms, currentTerm: 7 });
    leader.takeSentTo(2);
    leader.propose("x");
    let rejections = 0;
    for (let round = 0; round < 6; round += 1) {
      for (const request of leader.takeSentTo(1)) {
        const reply = follower.append(appendArgs(request));
        if (!reply.success) rejections += 1;
        leader.reply(request, reply);
      }
      leader.passTime(20);
    }
    expect(follower.terms).toEqual([...FIGURE_7_LEADER, 8]);
    expect(follower.view.commitIndex).toBe(11);
    expect(rejections).toBeLessThanOrEqual(2);
  });
});

describe("rejections, and what they do to nextIndex", () => {
  /** A leader that has just sent entries 1..3 of term 1 and 4 of term 5 to server 1. */
  function leaderAndRequest() {
    const bench = newLeader([1, 1, 1], 5).becomeSettledWith(2);
    bench.proposeAndSend("x");
    return { bench, request: bench.takeSentTo(1)[0]! };
  }

  it("goes back to where both logs can match, and sends from there on", () => {
    const { bench, request } = leaderAndRequest();
    bench.rejectEntries(request, 1, 1);
    bench.passTime(20);
    expect(appendArgs(bench.takeSentTo(1)[0])).toMatchObject({ prevLogIndex: 1, entries: [{ term: 1 }, { term: 1 }, { term: 5 }] });
  });

  it("a rejection that was overtaken by a success is ignored", () => {
    const { bench, request } = leaderAndRequest();
    bench.accept(request);
    bench.rejectEntries(request, 1, 1);
    bench.proposeAndSend("y");
    expect(appendArgs(bench.takeSentTo(1).at(-1))).toMatchObject({ prevLogIndex: 4, entries: [{ command: "y" }] });
  });

  it("a rejection of what was sent before the last step back is ignored", () => {
    const { bench, request } = leaderAndRequest();
    bench.proposeAndSend("y");
    const [later] = bench.takeSentTo(1);
    bench.rejectEntries(request, 2, 1);
    bench.rejectEntries(later!, 0, 0);
    bench.passTime(20);
    expect(appendArgs(bench.takeSentTo(1)[0])).toMatchObject({ prevLogIndex: 2 });
  });

  it("after a step back entries are sent once, and heartbeats check the same place, until a check succeeds", () => {
    const { bench, request } = leaderAndRequest();
    bench.rejectEntries(request, 2, 1);
    bench.propose("y");
    bench.passTime(220);
    const sent = bench.takeSentTo(1);
    const checks = sent.map(appendArgs).map(({ prevLogIndex, entries }) => [prevLogIndex, entries.length]);
    expect(checks.slice(0, 3)).toEqual([
      [2, 2],
      [2, 0],
      [2, 0],
    ]);
    bench.accept(sent[1]!);
    bench.passTime(20);
    expect(appendArgs(bench.takeSentTo(1)[0])).toMatchObject({ prevLogIndex: 2, entries: [{}, {}, {}] });
    bench.proposeAndSend("z");
    expect(appendArgs(bench.takeSentTo(1)[0])).toMatchObject({ prevLogIndex: 5, entries: [{ command: "z" }] });
  });

  it("never goes back to what has matched", () => {
    const bench = newLeader([1, 1, 1], 5).becomeSettled();
    bench.proposeAndSend("x");
    bench.takeSent();
    bench.proposeAndSend("y");
    const [request] = bench.takeSentTo(1);
    bench.rejectEntries(request!, 0, 0);
    bench.passTime(20);
    expect(appendArgs(bench.takeSentTo(1)[0])).toMatchObject({ prevLogIndex: 3, entries: [{ command: "x" }, { command: "y" }] });
  });

  it("a rejection in an older term is ignored", () => {
    const bench = newLeader([1, 1], 2);
    const [old] = bench.takeSentTo(1);
    bench.vote({ term: 3 });
    bench.winElection();
    expect(bench.view).toMatchObject({ role: "leader", currentTerm: 4 });
    bench.takeSent();
    bench.rejectEntries(old!, 0, 0);
    bench.accept(old!);
    bench.proposeAndSend("x");
    expect(appendArgs(bench.takeSentTo(1)[0])).toMatchObject({ prevLogIndex: 2, entries: [{ term: 4 }] });
    expect(bench.view.commitIndex).toBe(0);
  });

  it("replies that come to a former leader do nothing", () => {
    const { bench, request } = leaderAndRequest();
    bench.vote({ term: 5, candidateId: 2 });
    bench.append({ term: 6, prevLogIndex: 4, prevLogTerm: 5 });
    bench.accept(request);
    bench.lose(request);
    expect(bench.view).toMatchObject({ role: "follower", commitIndex: 0 });
    expect(bench.takeSentTo(1)).toEqual([]);
  });
});

describe("§5.3 if followers crash or run slowly, or if packets are lost, the leader retries", () => {
  it("entries that are known to be lost are sent again, at once, and then as the send interval allows", () => {
    const bench = newLeader([], 1).becomeSettled();
    bench.proposeAndSend("x");
    const [request] = bench.takeSentTo(1);
    bench.lose(request!);
    const [again] = bench.takeSentTo(1);
    expect(appendArgs(again)).toEqual(request!.args);
    bench.lose(again!);
    expect(bench.takeSentTo(1)).toEqual([]);
    bench.passTime(20);
    expect(appendArgs(bench.takeSentTo(1)[0])).toEqual(request!.args);
  });

  it("a lost heartbeat is not sent again", () => {
    const bench = newLeader([], 1).becomeSettled();
    bench.passTime(50);
    bench.lose(bench.takeSentTo(1)[0]!);
    bench.passTime(99);
    expect(bench.takeSentTo(1)).toEqual([]);
  });

  it("the loss of what has meanwhile been acknowledged, by a later heartbeat, is ignored", () => {
    const bench = newLeader([], 1).becomeSettled();
    bench.proposeAndSend("x");
    const [request] = bench.takeSentTo(1);
    bench.passTime(100);
    const [heartbeat] = bench.takeSentTo(1);
    expect(appendArgs(heartbeat)).toMatchObject({ prevLogIndex: 1, entries: [] });
    bench.accept(heartbeat!);
    expect(bench.view.commitIndex).toBe(1);
    bench.lose(request!);
    bench.passTime(20);
    expect(bench.takeSentTo(1).map((sent) => appendArgs(sent).entries)).toEqual([[]]);
  });

  it("a peer that is silent for an election timeout gets empty heartbeats, and everything once it answers", () => {
    const bench = newLeader([], 1).becomeSettled();
    bench.passTime(300);
    bench.takeSent();
    bench.propose("x");
    bench.passTime(250);
    const sent = bench.takeSentTo(1);
    expect(sent.map((request) => appendArgs(request).entries.length)).toEqual([0, 0]);
    bench.accept(sent.at(-1)!);
    expect(appendArgs(bench.takeSentTo(1)[0])).toMatchObject({ prevLogIndex: 0, entries: [{ command: "x" }] });
  });

  it("a loss reported by a silent peer's link waits for its answer too", () => {
    const bench = newLeader([], 1).becomeSettled();
    bench.proposeAndSend("x");
    const [request] = bench.takeSentTo(1);
    bench.passTime(400);
    bench.takeSent();
    bench.lose(request!);
    bench.passTime(100);
    expect(bench.takeSentTo(1).map((sent) => appendArgs(sent).entries)).toEqual([[]]);
  });
});

describe("§7 a follower that lags far behind is sent the snapshot", () => {
  /** A leader of term 2 with a snapshot up to 5, and entries 6..7; server 1 has rejected its first heartbeat. */
  function leaderWithLaggard() {
    const bench = new Bench({ snapshotIndex: 5, terms: [1, 1] }).winElection();
    const [first] = bench.takeSentTo(1);
    bench.accept(bench.takeSentTo(2)[0]!);
    bench.rejectEntries(first!, 2, 1);
    const [request] = bench.takeSentTo(1);
    return { bench, request: request! };
  }

  it("when the next entry it needs was discarded", () => {
    const { request } = leaderWithLaggard();
    expect(request).toMatchObject({ method: "InstallSnapshot", to: 1 });
    expect(request.args).toEqual({ term: 2, leaderId: 0, lastIncludedIndex: 5, lastIncludedTerm: 1, data: SNAPSHOT });
  });

  it("when all that could match was discarded, by the terms", () => {
    const bench = new Bench({ snapshotIndex: 5, snapshotTerm: 3, terms: [3] }).winElection();
    bench.rejectEntries(bench.takeSentTo(1)[0]!, 6, 2);
    expect(snapshotArgs(bench.takeSentTo(1)[0]).lastIncludedIndex).toBe(5);
  });

  it("not when the entries after the snapshot point are enough", () => {
    const bench = new Bench({ snapshotIndex: 5, terms: [1, 1] }).winElection();
    bench.rejectEntries(bench.takeSentTo(1)[0]!, 5, 1);
    expect(appendArgs(bench.takeSentTo(1)[0])).toMatchObject({ prevLogIndex: 5, prevLogTerm: 1, entries: entriesFrom(6, [1, 1]) });
  });

  it("one at a time: until it is answered there are heartbeats, with the check at the snapshot point", () => {
    const { bench } = leaderWithLaggard();
    bench.passTime(399);
    const sent = bench.takeSentTo(1).map(appendArgs);
    expect(sent).toHaveLength(3);
    expect(sent.every(({ prevLogIndex, prevLogTerm, entries }) => prevLogIndex === 5 && prevLogTerm === 1 && entries.length === 0)).toBe(
      true,
    );
  });

  it("the answer makes the entries after it follow", () => {
    const { bench, request } = leaderWithLaggard();
    bench.reply(request, { term: 2 });
    bench.passTime(20);
    expect(appendArgs(bench.takeSentTo(1)[0])).toMatchObject({ prevLogIndex: 5, entries: entriesFrom(6, [1, 1]) });
  });

  it("a heartbeat that succeeds at the snapshot point answers for it", () => {
    const { bench } = leaderWithLaggard();
    bench.passTime(100);
    const [heartbeat] = bench.takeSentTo(1);
    bench.accept(heartbeat!);
    expect(appendArgs(bench.takeSentTo(1)[0])).toMatchObject({ prevLogIndex: 5, entries: entriesFrom(6, [1, 1]) });
  });

  it("is sent again when it is known to be lost", () => {
    const { bench, request } = leaderWithLaggard();
    bench.lose(request);
    bench.passTime(20);
    expect(snapshotArgs(bench.takeSentTo(1)[0]).lastIncludedIndex).toBe(5);
  });

  it("is sent again after four heartbeats without an answer, if the peer is heard", () => {
    const { bench } = leaderWithLaggard();
    bench.passTime(300);
    for (const heartbeat of bench.takeSentTo(1)) bench.rejectEntries(heartbeat, 2, 1);
    expect(bench.takeSentTo(1)).toEqual([]);
    bench.passTime(100);
    expect(bench.takeSentTo(1).map(({ method }) => method)).toEqual(["InstallSnapshot"]);
  });

  it("an old snapshot's loss does not stop a newer one", () => {
    const { bench, request } = leaderWithLaggard();
    bench.passTime(300);
    for (const heartbeat of bench.takeSentTo(1)) bench.rejectEntries(heartbeat, 2, 1);
    bench.passTime(100);
    bench.takeSentTo(1);
    bench.lose(request);
    bench.passTime(99);
    expect(bench.takeSentTo(1)).toEqual([]);
  });

  it("the leader's own compaction can overtake what a follower still needs", () => {
    const bench = newLeader([], 1).becomeSettled();
    for (let i = 0; i < 3; i += 1) bench.proposeAndSend(commandAt(i, 1));
    for (const request of bench.takeSentTo(2)) bench.accept(request);
    const lost = bench.takeSentTo(1);
    expect(bench.view.lastApplied).toBe(3);
    bench.compact(2);
    for (const request of lost) bench.lose(request);
    bench.passTime(20);
    expect(snapshotArgs(bench.takeSentTo(1)[0]).lastIncludedIndex).toBe(2);
  });
});
