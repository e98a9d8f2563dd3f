import type { MakeRaft } from "@raft-stress/raft/api";
import { describe, expect, it } from "vitest";
import { TestFailure } from "../../src/failure.ts";
import type { Lab } from "../../src/lab/lab.ts";
import { silent, silentWith } from "../support/fixed-leader.ts";
import { onLab } from "../support/lab-world.ts";
import { rejectionOf } from "../support/world.ts";

async function failureOf(promise: Promise<unknown>): Promise<TestFailure> {
  const error = await rejectionOf(promise);
  expect(error).toBeInstanceOf(TestFailure);
  return error as TestFailure;
}

/** A Raft whose servers are in the terms and roles that `states` tells, and the times at which S0 was asked. */
function posing(states: (server: number, nowMs: number) => { term: number; isLeader: boolean }): { makeRaft: MakeRaft; asked: number[] } {
  const asked: number[] = [];
  const makeRaft = silentWith(({ me, clock }) => ({
    getState() {
      if (me === 0) asked.push(clock.now());
      return states(me, clock.now());
    },
  }));
  return { makeRaft, asked };
}

const follower = (term: number) => ({ term, isLeader: false });
const leader = (term: number) => ({ term, isLeader: true });

/** The pauses between the given instants, the first counted from 0. */
const pausesOf = (instants: readonly number[]) => instants.map((instant, i) => instant - (instants[i - 1] ?? 0));

describe("checkOneLeader", () => {
  it("looks ten times, after a pause of 450 to 549 whole ms each, then fails", async () => {
    const { makeRaft, asked } = posing(() => follower(1));
    const failure = await failureOf(onLab(makeRaft, (lab) => lab.checkOneLeader()));
    expect(failure.message).toBe("expected one leader, got none");
    expect(failure.details).toEqual({
      cause: "expected one leader, got none",
      expected: "one leader among the connected servers within 10 looks of about half a second",
      seen: "none",
    });
    expect(asked).toHaveLength(10);
    for (const pauseMs of pausesOf(asked)) {
      expect(pauseMs).toBeGreaterThanOrEqual(450);
      expect(pauseMs).toBeLessThan(550);
      expect(Number.isInteger(pauseMs)).toBe(true);
    }
    expect(new Set(pausesOf(asked)).size).toBeGreaterThan(3);
  });

  it("returns the leader as soon as a look shows one", async () => {
    const { makeRaft, asked } = posing((server, nowMs) => (server === 2 && nowMs > 2000 ? leader(3) : follower(3)));
    expect(await onLab(makeRaft, (lab) => lab.checkOneLeader())).toBe(2);
    expect(asked.filter((ms) => ms <= 2000).length).toBe(asked.length - 1);
  });

  it.each([
    [[5, 7, 6], 1],
    [[8, 7, 6], 0],
    [[1, 2, 3], 2],
  ])("of leaders in terms %j returns that of the highest", async (terms, expected) => {
    const { makeRaft } = posing((server) => leader(terms[server]!));
    expect(await onLab(makeRaft, (lab) => lab.checkOneLeader())).toBe(expected);
  });

  it("fails when a term has two leaders, even below the highest", async () => {
    const { makeRaft } = posing((server) => leader(server === 1 ? 5 : 4));
    const failure = await failureOf(onLab(makeRaft, (lab) => lab.checkOneLeader()));
    expect(failure.message).toBe("term 4 has 2 leaders: S0 and S2");
    expect(failure.details.cause).toBe("a term has more than one leader");
  });

  it("asks connected servers only", async () => {
    const { makeRaft, asked } = posing((server) => (server === 1 ? follower(1) : leader(1)));
    const found = onLab(makeRaft, async (lab) => {
      lab.disconnect(0);
      return await lab.checkOneLeader();
    });
    expect(await found).toBe(2);
    expect(asked).toEqual([]);
  });

  it("passes over connected servers that are down", async () => {
    const { makeRaft } = posing((server) => (server === 0 ? leader(9) : server === 1 ? leader(2) : follower(2)));
    const found = onLab(makeRaft, async (lab) => {
      await lab.crash(0);
      lab.connect(0);
      return await lab.checkOneLeader();
    });
    expect(await found).toBe(1);
  });
});

describe("checkTerms", () => {
  it("returns the term that all connected servers are in", async () => {
    const { makeRaft } = posing((server) => follower(server === 1 ? 9 : 4));
    const term = onLab(makeRaft, async (lab) => {
      lab.disconnect(1);
      return await lab.checkTerms();
    });
    expect(await term).toBe(4);
  });

  it("is -1 when nobody is connected", async () => {
    const term = onLab(silent, async (lab) => {
      lab.disconnect(0, 1, 2);
      return await lab.checkTerms();
    });
    expect(await term).toBe(-1);
  });

  it("fails when two disagree", async () => {
    const { makeRaft } = posing((server) => follower(server === 2 ? 5 : 4));
    const failure = await failureOf(onLab(makeRaft, (lab) => lab.checkTerms()));
    expect(failure.message).toBe("servers disagree on term: S1 is in 4, S2 in 5");
    expect(failure.details).toEqual({ cause: "servers disagree on term", expected: "S2 in term 4", seen: "term 5" });
  });
});

describe("checkNoLeader", () => {
  it("passes while only servers that are cut off claim to lead", async () => {
    const { makeRaft } = posing((server) => (server === 1 ? leader(4) : follower(4)));
    await onLab(makeRaft, async (lab) => {
      lab.disconnect(1);
      await lab.checkNoLeader();
    });
  });

  it("fails when a connected one does", async () => {
    const { makeRaft } = posing((server) => (server === 1 ? leader(4) : follower(4)));
    const failure = await failureOf(onLab(makeRaft, (lab) => lab.checkNoLeader()));
    expect(failure.message).toBe("expected no leader among connected servers, but S1 claims to be leader of term 4");
    expect(failure.details).toEqual({ cause: "a leader without a majority", expected: "no leader", seen: "S1 leads term 4", server: 1 });
  });
});

describe("wait", () => {
  /** 10, 20, ..., 640 and then 1280 ms, 30 pauses. */
  const ladder = Array.from({ length: 30 }, (_, round) => Math.min(10 * 2 ** round, 1280));

  it("looks after pauses of 10, 20, ..., 640, 1280, 1280, ... ms, 30.7 s in all, then fails", async () => {
    const { makeRaft, asked } = posing(() => follower(1));
    let endedMs = 0;
    const run = onLab(makeRaft, async (lab) => {
      const waiting = lab.wait(1, 2, 1);
      await waiting.finally(() => {
        endedMs = lab.simulation.nowMs;
      });
    });
    const failure = await failureOf(run);
    expect(pausesOf(asked)).toEqual(ladder);
    expect(endedMs).toBe(30_710);
    expect(failure.message).toBe("only 0 servers committed index 1, wanted 2");
    expect(failure.details).toEqual({
      cause: "too few servers committed an index within 31 s",
      expected: "index 1 on 2 servers",
      seen: "on 0",
    });
  });

  it("returns the command at the first look that shows it on enough servers", async () => {
    const makeRaft = silentWith((env) => {
      env.clock.setTimeout(() => void env.apply({ type: "command", index: 1, command: "x" }), 100 * (env.me + 1));
      return {};
    });
    await onLab(makeRaft, async (lab) => {
      expect(await lab.wait(1, 2)).toEqual({ command: "x" });
      // Applied at 100 and 200 ms; looks are at 150 and 310 ms.
      expect(lab.simulation.nowMs).toBe(310);
      expect(await lab.wait(1, 2)).toEqual({ command: "x" });
      expect(lab.simulation.nowMs).toBe(310);
    });
  });

  it("gives up when any server, also one that is cut off, has gone beyond the term", async () => {
    const { makeRaft } = posing((server, nowMs) => follower(server === 2 && nowMs > 60 ? 4 : 3));
    await onLab(makeRaft, async (lab) => {
      lab.disconnect(2);
      expect(await lab.wait(1, 1, 3)).toBeUndefined();
      expect(lab.simulation.nowMs).toBe(70);
    });
  });

  it("does not ask for terms unless it was given one", async () => {
    const { makeRaft, asked } = posing((_, nowMs) => follower(nowMs));
    await failureOf(onLab(makeRaft, (lab) => lab.wait(1, 1)));
    expect(asked).toEqual([]);
  });
});

interface Proposal {
  readonly server: number;
  readonly atMs: number;
}

interface PretenderOptions {
  /** Whether the server takes the proposal (0-based number among all proposals). */
  readonly accepts: (server: number, number: number) => boolean;
  /** When, after it was taken, a server applies the command at its index; undefined: never. */
  readonly appliesAfterMs?: (server: number) => number | undefined;
  /** What is applied instead of the command. */
  readonly instead?: unknown;
}

/** A Raft that takes or rejects proposals as told, at one index after the other, and applies what was taken on all servers as told. */
function pretender({ accepts, appliesAfterMs = () => undefined, instead }: PretenderOptions): {
  makeRaft: MakeRaft;
  proposals: Proposal[];
} {
  const proposals: Proposal[] = [];
  let taken = 0;
  const appliers: ((index: number, command: unknown) => void)[] = [];
  const makeRaft = silentWith((env) => {
    appliers[env.me] = (index, command) => {
      const delayMs = appliesAfterMs(env.me);
      if (delayMs === undefined) return;
      env.clock.setTimeout(() => void env.apply({ type: "command", index, command: instead ?? command }), delayMs);
    };
    return {
      start(command) {
        proposals.push({ server: env.me, atMs: env.clock.now() });
        if (!accepts(env.me, proposals.length - 1)) return { index: -1, term: 1, isLeader: false };
        taken++;
        for (const apply of appliers) apply(taken, command);
        return { index: taken, term: 1, isLeader: true };
      },
    };
  });
  return { makeRaft, proposals };
}

describe("one", () => {
  const agree = (lab: Lab, count: number, retry: boolean) => lab.one(77, count, { retry });

  it("tries server 1 first, then on around the cluster, and pauses 50 ms when nobody leads, up to 10 s", async () => {
    const { makeRaft, proposals } = pretender({ accepts: () => false });
    const failure = await failureOf(onLab(makeRaft, (lab) => agree(lab, 3, true)));
    expect(proposals.map(({ server }) => server)).toEqual(Array.from({ length: 200 }, () => [1, 2, 0]).flat());
    expect(proposals.map(({ atMs }) => atMs)).toEqual(
      Array.from({ length: 200 }, (_, round) => [50 * round, 50 * round, 50 * round]).flat(),
    );
    expect(failure.message).toBe("one(77) failed to reach agreement within 10 s: no server applied it, wanted 3");
    expect(failure.details).toEqual({
      cause: "one() failed to reach agreement within 10 s",
      expected: "77 on at least 3 servers within 10 s",
      seen: "no server applied it",
    });
  });

  it("stops at the first server that takes the command, and goes on from there in the next round", async () => {
    const { makeRaft, proposals } = pretender({ accepts: (server) => server === 2 });
    await failureOf(onLab(makeRaft, (lab) => agree(lab, 3, true)));
    expect(proposals.map(({ server, atMs }) => `S${server} ${atMs}`)).toEqual(
      ["S1 0", "S2 0", "S0 2000", "S1 2000", "S2 2000", "S0 4000", "S1 4000", "S2 4000"].concat([
        "S0 6000",
        "S1 6000",
        "S2 6000",
        "S0 8000",
        "S1 8000",
        "S2 8000",
      ]),
    );
  });

  it("without retry fails after 2 s", async () => {
    const { makeRaft, proposals } = pretender({ accepts: () => true });
    let endedMs = 0;
    const failure = await failureOf(
      onLab(makeRaft, (lab) =>
        agree(lab, 2, false).finally(() => {
          endedMs = lab.simulation.nowMs;
        }),
      ),
    );
    expect(proposals).toEqual([{ server: 1, atMs: 0 }]);
    expect(endedMs).toBe(2000);
    expect(failure.message).toBe("one(77) failed to reach agreement within 2 s: no server applied it at index 1, wanted 2");
    expect(failure.details.cause).toBe("one() failed to reach agreement within 2 s");
  });

  it.each([
    [0, 20],
    [15, 20],
    [1970, 1980],
  ])("sees at its next poll, every 20 ms, what was applied after %d ms", async (appliedMs, seenMs) => {
    const { makeRaft } = pretender({ accepts: () => true, appliesAfterMs: () => appliedMs });
    await onLab(makeRaft, async (lab) => {
      expect(await agree(lab, 3, false)).toBe(1);
      expect(lab.simulation.nowMs).toBe(seenMs);
    });
  });

  it("has its last poll at 1980 ms: what is applied after that comes too late", async () => {
    const { makeRaft } = pretender({ accepts: () => true, appliesAfterMs: () => 1985 });
    const failure = await failureOf(onLab(makeRaft, (lab) => agree(lab, 3, false)));
    expect(failure.message).toBe("one(77) failed to reach agreement within 2 s: 3 servers applied 77 at index 1, wanted 3");
  });

  it("needs as many servers as asked", async () => {
    const onTwo = () => pretender({ accepts: () => true, appliesAfterMs: (server) => (server === 0 ? undefined : 5) }).makeRaft;
    expect(await onLab(onTwo(), (lab) => agree(lab, 2, false))).toBe(1);
    const failure = await failureOf(onLab(onTwo(), (lab) => agree(lab, 3, false)));
    expect(failure.details.seen).toBe("2 servers applied 77");
  });

  it("needs the command itself at the index, not another", async () => {
    const { makeRaft } = pretender({ accepts: () => true, appliesAfterMs: () => 5, instead: "77" });
    const failure = await failureOf(onLab(makeRaft, (lab) => agree(lab, 3, false)));
    expect(failure.message).toBe('one(77) failed to reach agreement within 2 s: 3 servers applied "77" at index 1, wanted 3');
  });

  it("with retry proposes again, and returns the index of the attempt that succeeded", async () => {
    // The first attempt is applied after its last poll; the second looks at its own index.
    let attempts = 0;
    const { makeRaft, proposals } = pretender({ accepts: () => ++attempts > 0, appliesAfterMs: () => (attempts === 1 ? 1990 : 5) });
    expect(await onLab(makeRaft, (lab) => agree(lab, 3, true))).toBe(2);
    expect(proposals.map(({ atMs }) => atMs)).toEqual([0, 2000]);
  });

  it("with retry proposes every 2 s, five times in its 10 s", async () => {
    const { makeRaft, proposals } = pretender({ accepts: () => true });
    await failureOf(onLab(makeRaft, (lab) => agree(lab, 3, true)));
    expect(proposals.map(({ atMs }) => atMs)).toEqual([0, 2000, 4000, 6000, 8000]);
  });

  it("passes over servers that are cut off or down", async () => {
    const { makeRaft, proposals } = pretender({ accepts: () => true, appliesAfterMs: () => 1 });
    const index = onLab(makeRaft, async (lab) => {
      lab.disconnect(1);
      await lab.crash(2);
      lab.connect(2);
      return await agree(lab, 1, false);
    });
    expect(await index).toBe(1);
    expect(proposals.map(({ server }) => server)).toEqual([0]);
  });
});

describe("the course of a test", () => {
  it("writes the lab's own lines, column by column", async () => {
    await onLab(silent, async (lab) => {
      const { network, logs } = lab.cluster;
      lab.begin();
      await lab.sleep(3460);
      network.totalCalls += 58;
      network.totalBytes += 16_840;
      lab.end();
      const { labLines } = lab.simulation.trace;
      expect(labLines).toEqual(["Test (2A): a script ...", "  ... Passed --   3.5  3   58   16840    0"]);
      network.totalCalls += 10_642;
      network.totalBytes += 33_678_405;
      logs.apply(0, 1, "x");
      logs.maxIndex = 12_345;
      await lab.sleep(30_100);
      lab.end();
      expect(labLines[2]).toBe("  ... Passed --  33.6  3 10700 33695245 12345");
    });
  });

  it("counts from begin on, and commands by the highest index applied", async () => {
    const makeRaft = silentWith((env) => {
      env.clock.setTimeout(() => void env.apply({ type: "command", index: 1, command: 1 }), 100);
      env.clock.setTimeout(() => void env.apply({ type: "command", index: 2, command: 2 }), 1500);
      if (env.me === 0) for (const ms of [100, 1500, 1600]) env.clock.setTimeout(() => void env.peers[1]!.call("Ping", "x"), ms);
      return { handlers: { Ping: () => "y" } };
    });
    await onLab(makeRaft, async (lab) => {
      await lab.sleep(1000);
      const bytesBefore = lab.cluster.network.totalBytes;
      lab.begin();
      await lab.sleep(1000);
      expect(lab.counts()).toEqual({ seconds: 1, rpcs: 2, bytes: 2 * bytesBefore, commands: 1 });
    });
  });

  it("fails in the end when it took longer than 120 s since the cluster was made", async () => {
    const lasting = (ms: number) =>
      onLab(silent, async (lab) => {
        await lab.sleep(50_000);
        lab.begin();
        await lab.sleep(ms);
        lab.end();
      });
    await lasting(70_000);
    const failure = await failureOf(lasting(70_100));
    expect(failure.message).toBe("test took longer than 120 seconds (120.1 s)");
    expect(failure.details).toEqual({ cause: "test took longer than 120 seconds", expected: "at most 120 s", seen: "120.1 s" });
  });

  it("sets the network up as the test wants it: long delays always", async () => {
    for (const reliable of [true, false]) {
      await onLab(
        silent,
        async ({ cluster }) => {
          expect([cluster.network.reliable, cluster.network.longDelays, cluster.network.longReordering]).toEqual([reliable, true, false]);
          expect(cluster.isConnected(4)).toBe(true);
        },
        { test: { reliable, servers: 5 } },
      );
    }
  });

  it("fails when something is committed that must not be", async () => {
    const failure = await failureOf(
      onLab(silent, async (lab) => {
        lab.cluster.logs.apply(0, 4, 104);
        lab.cluster.logs.apply(1, 4, 104);
        lab.checkNothingCommitted(3, "without a majority");
        lab.checkNothingCommitted(4, "without a majority");
      }),
    );
    expect(failure.message).toBe("2 servers committed 104 at index 4 without a majority");
    expect(failure.details.cause).toBe("a command was committed without a majority");
  });
});

describe("tasks beside the main line", () => {
  it("end the run at once when one fails", async () => {
    let endedMs = 0;
    const failure = await failureOf(
      onLab(silent, async (lab) => {
        void lab.background("a client", async () => {
          await lab.sleep(500);
          endedMs = lab.simulation.nowMs;
          throw new TestFailure("the client saw nonsense");
        });
        await lab.sleep(60_000);
      }),
    );
    expect(failure.message).toBe("the client saw nonsense");
    expect(endedMs).toBe(500);
  });

  it("draw from streams of their own", async () => {
    await onLab(silent, async (lab) => {
      const draws = await lab.join(
        "three tasks",
        ["a", "b", "c"].map((name) => lab.background(name, async (random) => lab.randomCommand(random))),
      );
      draws.push(lab.randomCommand());
      expect(new Set(draws).size).toBe(4);
    });
  });
});

describe("the tester's randomness", () => {
  it("gives commands that are never negative and exact in every encoding", async () => {
    await onLab(silent, async (lab) => {
      for (let i = 0; i < 1000; i++) expect(Number.isSafeInteger(lab.randomCommand()) && lab.randomCommand() >= 0).toBe(true);
    });
  });

  it("gives texts of the base64url alphabet, all of it", async () => {
    await onLab(silent, async (lab) => {
      const text = lab.randomText(5000);
      expect(text).toMatch(/^[A-Za-z0-9_-]{5000}$/);
      expect(new Set(text).size).toBe(64);
      expect(lab.randomText(5000)).not.toBe(text);
    });
  });

  it("gives chances in 1000", async () => {
    await onLab(silent, async (lab) => {
      const hits = (perMille: number) => Array.from({ length: 5000 }, () => lab.chance(perMille)).filter(Boolean).length;
      expect(hits(0)).toBe(0);
      expect(hits(1000)).toBe(5000);
      expect(hits(200)).toBeGreaterThan(850);
      expect(hits(200)).toBeLessThan(1150);
    });
  });
});
