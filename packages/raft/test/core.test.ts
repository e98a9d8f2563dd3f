import { describe, expect, it } from "vitest";
import { encodeState } from "../src/codec.ts";
import { Bench, entriesFrom, SNAPSHOT } from "./support/core.ts";

const roles = {
  follower: () => new Bench({ currentTerm: 3 }),
  candidate: () => {
    const bench = new Bench({ currentTerm: 2 });
    bench.reachDeadline();
    return bench;
  },
  leader: () => new Bench({ currentTerm: 2 }).winElection(),
};

const messages = {
  "a RequestVote": (bench: Bench) => void bench.vote({ term: 9, lastLogIndex: 0, lastLogTerm: 0 }),
  "an AppendEntries": (bench: Bench) => void bench.append({ term: 9, prevLogIndex: 5, prevLogTerm: 5 }),
  "an InstallSnapshot": (bench: Bench) => void bench.install({ term: 9 }),
};

describe("§5.1, rules for all servers: a higher term in any message makes a follower of that term", () => {
  for (const [role, make] of Object.entries(roles)) {
    for (const [what, receive] of Object.entries(messages)) {
      it(`a ${role} that receives ${what}`, () => {
        const bench = make();
        expect(bench.view).toMatchObject({ role, currentTerm: 3 });
        receive(bench);
        expect(bench.view).toMatchObject({ role: "follower", currentTerm: 9 });
        expect(bench.restart().view.currentTerm).toBe(9);
      });
    }
  }

  it("a candidate that receives a reply to RequestVote", () => {
    const bench = roles.candidate();
    bench.reply(bench.sent[0]!, { term: 9, voteGranted: false });
    expect(bench.view).toMatchObject({ role: "follower", currentTerm: 9, votedFor: undefined });
    expect(bench.restart().view.currentTerm).toBe(9);
  });

  it("a leader that receives a reply to AppendEntries", () => {
    const bench = roles.leader();
    bench.reply(bench.sent[0]!, { term: 9, success: false, conflictIndex: 0, conflictTerm: 0 });
    expect(bench.view).toMatchObject({ role: "follower", currentTerm: 9, votedFor: undefined });
    expect(bench.propose("x").isLeader).toBe(false);
  });

  it("a leader that receives a reply to InstallSnapshot", () => {
    const bench = new Bench({ snapshotIndex: 3 }).winElection();
    bench.rejectEntries(bench.takeSent()[0]!, 0, 0);
    const request = bench.sent[0]!;
    expect(request.method).toBe("InstallSnapshot");
    bench.reply(request, { term: 9 });
    expect(bench.view).toMatchObject({ role: "follower", currentTerm: 9 });
  });

  it("any server, by a reply that comes after the role has changed", () => {
    const bench = roles.leader();
    const request = bench.sent[0]!;
    bench.append({ term: 5 });
    bench.reply(request, { term: 9, success: false, conflictIndex: 0, conflictTerm: 0 });
    expect(bench.view.currentTerm).toBe(9);
  });

  it("a leader that steps down starts an election timer of its own", () => {
    const bench = roles.leader();
    bench.passTime(5000);
    bench.vote({ term: 9, lastLogIndex: 0 });
    expect(bench.core.nextDeadlineMs(bench.now)).toBe(bench.now + 350);
  });

  it("what did not change is not saved", () => {
    const bench = new Bench({ currentTerm: 3, terms: [1] });
    bench.append({ term: 3, prevLogIndex: 1, prevLogTerm: 1, leaderCommit: 1 });
    bench.vote({ term: 3, lastLogIndex: 0 });
    bench.vote({ term: 2 });
    expect(bench.saves).toBe(0);
  });
});

describe("a restart", () => {
  it("keeps currentTerm, votedFor, log and snapshot, and forgets the rest", () => {
    const bench = new Bench({ snapshotIndex: 2, terms: [1, 1], currentTerm: 3, votedFor: 2 });
    bench.append({ term: 3, prevLogIndex: 4, prevLogTerm: 1, entries: entriesFrom(5, [3]), leaderCommit: 5 });
    expect(bench.view.commitIndex).toBe(5);
    const restarted = bench.restart();
    expect(restarted.view).toMatchObject({ role: "follower", currentTerm: 3, votedFor: 2, commitIndex: 2, lastApplied: 2 });
    expect(restarted.terms).toEqual([1, 1, 3]);
    expect(restarted.core.snapshot).toEqual(SNAPSHOT);
  });

  it("of a first boot with nothing stored is the same first boot", () => {
    expect(new Bench().restart().view).toMatchObject({ currentTerm: 0, votedFor: undefined, firstIndex: 1, lastIndex: 0 });
  });

  it("refuses what no server can have stored", () => {
    const state = (votedFor: number | undefined, snapshotIndex: number) =>
      encodeState({ currentTerm: 4, votedFor, snapshotIndex, snapshotTerm: snapshotIndex > 0 ? 1 : 0, entries: [] });
    const boot = (bytes: Uint8Array, snapshot: Uint8Array) => () => new Bench({}, { state: bytes, snapshot });
    expect(boot(state(3, 0), new Uint8Array(0))).toThrow("stored votedFor 3 in a cluster of 3 servers");
    expect(boot(state(1, 5), new Uint8Array(0))).toThrow("the stored log begins after index 5, but the stored snapshot has 0 bytes");
    expect(boot(state(1, 0), SNAPSHOT)).toThrow("the stored log begins after index 0, but the stored snapshot has 3 bytes");
    expect(boot(Uint8Array.of(9, 9), SNAPSHOT)).toThrow("format 9, expected 1");
    expect(() => new Bench({ me: 3 })).toThrow("server 3 in a cluster of 3, expected 0..2");
    expect(() => new Bench({ servers: 0 })).toThrow("a cluster of 0 servers");
  });
});

describe("messages from outside the cluster", () => {
  it.each([0, 3, -1, 1.5])("a message from server %o, which is no peer, is refused", (candidateId) => {
    const bench = new Bench();
    expect(() => bench.vote({ term: 1, candidateId })).toThrow(
      `a message from server ${candidateId}, which is no peer of server 0 among 3`,
    );
  });
});
