import type { MakeRaft, Raft, RaftEnv } from "@raft-stress/raft/api";
import { describe, expect, it } from "vitest";
import { HarnessFault } from "../src/failure.ts";
import { runIteration } from "../src/iteration.ts";
import { progressCells, progressLength } from "../src/progress.ts";
import { FixedLeader, fixedLeader, silent, silentWith } from "./support/fixed-leader.ts";
import { identity, run } from "./support/runs.ts";
import { straysDuring } from "./support/strays.ts";

function boom(): never {
  throw new Error("boom");
}

/** The fixed leader with something done to each server when it is made. */
function bent(bend: (raft: FixedLeader, env: RaftEnv) => void): MakeRaft {
  return (env) => {
    const raft = new FixedLeader(env);
    bend(raft, env);
    return raft;
  };
}

describe("a run that passes", () => {
  it("reports its counts, and no failure and no log", async () => {
    const result = await run("TestBasicAgree2B", fixedLeader);
    expect(result).toMatchObject({ outcome: "pass", servers: 3, commands: 3, job: { test: "TestBasicAgree2B", iteration: 0 } });
    expect(result.rpcs).toBeGreaterThan(0);
    expect(result.bytes).toBeGreaterThan(result.rpcs * 4);
    expect(result.traceHash).toMatch(/^[0-9a-f]{16}$/);
    expect(result.failure).toBeUndefined();
    expect(result.log).toBeUndefined();
  });

  it("has its log kept when asked to, with the lab's own lines first", async () => {
    const { log, rpcs, bytes } = await run("TestBasicAgree2B", fixedLeader, { archive: true });
    const lines = log!.split("\n");
    expect(lines[0]).toBe("Test (2B): basic agreement ...");
    expect(lines[1]).toMatch(/^ {2}\.\.\. Passed -- {3}\d\.\d {2}3 /);
    expect(lines[1]).toContain(` ${String(rpcs).padStart(4)} ${String(bytes).padStart(7)} ${"3".padStart(4)}`);
    expect(log).toContain("CMIT S1 applied 100 at index 1");
  });

  it("writes a trace whose lines all are `time topic Sx message`, in order of time", async () => {
    const { log } = await run("TestFollowerFailure2B", fixedLeader, { archive: true, traceLevel: "trace" });
    const trace = log!.slice(log!.indexOf("\n\n") + 2).trimEnd();
    const lines = trace.split("\n");
    expect(lines.length).toBeGreaterThan(100);
    for (const line of lines) expect(line).toMatch(/^\d{6,} [A-Z0-9]{4} (S\d+ )?.*/);
    const times = lines.map((line) => Number.parseInt(line, 10));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    for (const topic of ["SEND", "RECV", "DROP", "PERS", "CMIT", "TEST"]) expect(trace).toMatch(new RegExp(`^\\d+ ${topic} `, "m"));
  });

  it("tells a watcher how far it is", async () => {
    const progress = new Int32Array(progressLength);
    const { events } = await run("TestInitialElection2A", fixedLeader, { progress });
    expect(progress[progressCells.event]).toBe(events);
    expect(progress[progressCells.virtualMs]).toBeGreaterThan(2900);
  });
});

describe("the same seed", () => {
  it("gives the same run, whatever is traced, checked or kept", async () => {
    const first = identity(await run("TestFailAgree2B", fixedLeader));
    for (const settings of [
      {},
      { traceLevel: "none" },
      { traceLevel: "trace" },
      { traceLevel: "trace", archive: true },
      { checkDeterminism: true },
      { progress: new Int32Array(progressLength) },
    ] as const) {
      expect(identity(await run("TestFailAgree2B", fixedLeader, settings))).toEqual(first);
    }
  });

  it("gives the same run whatever ran before it", async () => {
    const jobs = ["TestInitialElection2A", "TestBasicAgree2B", "TestFailAgree2B", "TestRPCBytes2B"] as const;
    const inOrder = new Map<string, object>();
    for (const test of jobs) inOrder.set(test, identity(await run(test, fixedLeader)));
    for (const test of [...jobs].reverse()) {
      await run("TestBasicAgree2B", bent(boom));
      expect(identity(await run(test, fixedLeader))).toEqual(inOrder.get(test));
    }
  });

  it("gives the same failure, step, time and log", async () => {
    const [first, second] = [await run("TestReElection2A", fixedLeader), await run("TestReElection2A", fixedLeader)];
    expect(first.outcome).toBe("fail");
    expect(second.failure).toEqual(first.failure);
    expect(second.log).toBe(first.log);
  });

  it("gives another run to another test, and another seed gives another run", async () => {
    const hashes = [
      await run("TestBasicAgree2B", fixedLeader),
      await run("TestFollowerFailure2B", fixedLeader),
      await run("TestBasicAgree2B", fixedLeader, { seed: 2 }),
    ].map(({ traceHash }) => traceHash);
    expect(new Set(hashes).size).toBe(3);
  });
});

describe("a Raft that never elects", () => {
  it("fails the first test with what was expected and seen, during which step and when", async () => {
    const { outcome, failure, log } = await run("TestInitialElection2A", silent);
    expect(outcome).toBe("fail");
    expect(failure).toMatchObject({
      cause: "expected one leader, got none",
      reason: "expected one leader, got none",
      expected: "one leader among the connected servers within 10 looks of about half a second",
      seen: "none",
      step: "wait for the first leader",
    });
    expect(failure?.atMs).toBeGreaterThan(4500);
    expect(failure?.atMs).toBeLessThan(5500);
    expect(failure?.stack).toContain("checkOneLeader");
    const lines = log!.split("\n");
    expect(lines.slice(0, 5)).toEqual([
      "Test (2A): initial election ...",
      "  ... FAILED: expected one leader, got none",
      "      expected: one leader among the connected servers within 10 looks of about half a second",
      "      got:      none",
      "      during:   wait for the first leader",
    ]);
    expect(lines.at(-2)).toMatch(/^replayed once: the same run, trace hash [0-9a-f]{16}$/);
  });
});

describe("a Raft that is wrong", () => {
  it("with two leaders in a term fails", async () => {
    const twoLeaders = bent((raft, { me }) => {
      raft.getState = () => ({ term: 1, isLeader: me !== 1 });
    });
    const checked = await run("TestInitialElection2A", twoLeaders);
    expect(checked.failure).toMatchObject({ property: "Election Safety", source: "§5.2", cause: "Election Safety is violated" });
    const { outcome, failure } = await run("TestInitialElection2A", twoLeaders, { checks: "off" });
    expect(outcome).toBe("fail");
    expect(failure?.reason).toBe("term 1 has 2 leaders: S0 and S2");
    expect(failure?.cause).toBe("a term has more than one leader");
  });

  it("whose servers apply different commands fails, blamed on the one that differs", async () => {
    const deviating = bent((raft, { me }) => {
      const append = raft.append.bind(raft);
      if (me === 2) raft.append = (args) => append({ ...args, commands: args.commands.map(() => 666) });
    });
    const checked = await run("TestBasicAgree2B", deviating);
    expect(checked.failure?.property).toBe("State Machine Safety");
    expect(checked.failure?.evidence).toHaveLength(2);
    const { outcome, failure } = await run("TestBasicAgree2B", deviating, { checks: "off" });
    expect(outcome).toBe("fail");
    expect(failure?.cause).toBe("servers applied different commands at one index");
    expect(failure?.reason).toMatch(/^commit index 1: S\d applied (666|100), S\d had applied (666|100)$/);
    expect(failure?.server).toBeDefined();
  });

  it("that applies out of order fails", async () => {
    const { outcome, failure } = await run(
      "TestBasicAgree2B",
      bent((raft, env) => {
        raft.apply = () => {
          while (raft.lastApplied < raft.commitIndex) {
            const index = ++raft.lastApplied;
            void env.apply({ type: "command", index: index + 1, command: raft.log[index - 1] });
          }
        };
      }),
    );
    expect(outcome).toBe("fail");
    expect(failure?.reason).toMatch(/^Apply Order: S\d applied index 2 after index 0, expected 1$/);
  });

  it("that commits without a majority fails", async () => {
    const { outcome, failure } = await run(
      "TestFollowerFailure2B",
      bent((raft) => {
        const start = raft.start.bind(raft);
        raft.start = (command) => {
          const answer = start(command);
          if (answer.isLeader) {
            raft.commitIndex = answer.index;
            raft.apply();
          }
          return answer;
        };
      }),
    );
    expect(outcome).toBe("fail");
    expect(failure?.reason).toBe("1 servers committed 104 at index 4 without a majority");
    expect(failure?.step).toBe("the other follower is cut off too: nothing can be committed");
  });

  it("that sends everything twice fails the byte count", async () => {
    const { outcome, failure } = await run(
      "TestRPCBytes2B",
      bent((raft) => {
        const start = raft.start.bind(raft);
        raft.start = (command) => {
          const answer = start(command);
          raft.sendToAll();
          return answer;
        };
      }),
    );
    expect(outcome).toBe("fail");
    expect(failure?.cause).toBe("too many RPC bytes");
    expect(failure?.expected).toBe("at most 200000 bytes");
  });

  it("that sends without need fails the RPC count", async () => {
    const chatty = (everyMs: number) =>
      bent((raft, env) => {
        const beat = (): void => {
          raft.sendToAll();
          env.clock.setTimeout(beat, everyMs);
        };
        if (env.me === 0) beat();
      });
    const { outcome, failure } = await run("TestCount2B", chatty(20));
    expect(outcome).toBe("fail");
    expect(failure?.cause).toBe("too many or too few RPCs to elect the first leader");
  });

  it("that forgets what it saved fails when all have restarted", async () => {
    const { outcome } = await run(
      "TestPersist12C",
      bent((raft) => {
        raft.save = () => {};
      }),
    );
    expect(outcome).toBe("fail");
  });
});

describe("a Raft that throws", () => {
  const cases: [where: string, doing: string, makeRaft: MakeRaft][] = [
    [
      "when it is made",
      "MakeRaft",
      bent((_, env) => {
        if (env.me === 1) boom();
      }),
    ],
    [
      "in a handler",
      "the handler of Append",
      bent((raft, env) => {
        if (env.me === 1) raft.append = boom;
      }),
    ],
    [
      "in an async handler",
      "the handler of Append",
      bent((raft, env) => {
        if (env.me === 1) Object.assign(raft.handlers, { Append: async () => boom() });
      }),
    ],
    [
      "in a timer",
      "a timer",
      bent((_, env) => {
        if (env.me === 1) env.clock.setTimeout(boom, 50);
      }),
    ],
    [
      "in start()",
      "start()",
      bent((raft, env) => {
        if (env.me === 1) raft.start = boom;
      }),
    ],
    [
      "in getState()",
      "getState()",
      bent((raft, env) => {
        if (env.me === 1) raft.getState = boom;
      }),
    ],
    [
      "in a reply callback",
      "the reply callback of Append",
      bent((_, env) => {
        const ask = (): void => env.peers[2]!.request("Append", { from: 0, commands: [], commitIndex: 0 }, boom);
        if (env.me === 1) env.clock.setTimeout(ask, 20);
      }),
    ],
    [
      "in a promise",
      "a promise whose rejection nobody handles",
      bent((_, env) => {
        if (env.me === 1) void env.clock.sleep(20).then(boom);
      }),
    ],
    [
      "in a microtask",
      "a microtask or timer",
      bent((_, env) => {
        if (env.me === 1) env.clock.setTimeout(() => queueMicrotask(boom), 20);
      }),
    ],
  ];

  it.each(cases)("%s crashes the run, not the harness", async (_, doing, makeRaft) => {
    for (const test of ["TestBasicAgree2B", "TestInitialElection2A"]) {
      if (doing === "start()" && test === "TestInitialElection2A") continue;
      if (doing === "getState()" && test === "TestBasicAgree2B") continue;
      const { outcome, failure, log } = await run(test, makeRaft);
      expect(outcome).toBe("crash");
      expect(failure).toMatchObject({
        cause: `threw in ${doing}: Error: boom`,
        reason: `S1 threw in ${doing}: Error: boom`,
        server: 1,
      });
      expect(failure?.stack).toContain("iteration.test.ts");
      expect(log).toContain(`  ... FAILED: S1 threw in ${doing}: Error: boom`);
    }
  });

  it("leaves nothing behind for the process", async () => {
    const strays = await straysDuring(async () => {
      for (const [, , makeRaft] of cases) await run("TestBasicAgree2B", makeRaft);
    });
    expect(strays).toEqual([]);
  });

  it("crashes the run with a sentence when start() returns a promise", async () => {
    const { outcome, failure } = await run(
      "TestBasicAgree2B",
      silentWith(() => ({ start: (async () => ({ index: 1, term: 1, isLeader: true })) as unknown as Raft["start"] })),
    );
    expect(outcome).toBe("crash");
    expect(failure?.reason).toBe("S1 answered start() with a promise, expected { index, term, isLeader } at once");
  });
});

describe("a Raft that spins", () => {
  it("without time passing is stuck, and names the event and the server", async () => {
    const spinning = bent((_, env) => {
      const spin = (): void => void env.clock.setTimeout(spin, 0);
      if (env.me === 2) env.clock.setTimeout(spin, 100);
    });
    const { outcome, failure } = await run("TestInitialElection2A", spinning);
    expect(outcome).toBe("stuck");
    expect(failure?.cause).toBe("time stands still: events without end at one instant");
    expect(failure?.reason).toMatch(/ at 100 ms, now S2: a timer\)$/);
    expect(failure?.server).toBe(2);
  });
});

describe("a run stopped before an event, as asked", () => {
  it("is stuck there and has its log until then", async () => {
    const whole = await run("TestFailAgree2B", fixedLeader, { archive: true, traceLevel: "trace" });
    const part = await run("TestFailAgree2B", fixedLeader, { stopAtEvent: 50, traceLevel: "trace" });
    expect(part.outcome).toBe("stuck");
    expect(part.failure?.reason).toMatch(/^stopped before event 50, as asked: (request|reply|S\d|the test)/);
    expect(part.events).toBe(49);
    const traceOf = (log: string) => log.slice(log.indexOf("\n\n") + 2);
    expect(traceOf(part.log!).length).toBeGreaterThan(500);
    expect(part.log).not.toContain("as asked");
    expect(traceOf(whole.log!).startsWith(traceOf(part.log!))).toBe(true);
  });
});

describe("a Raft that is not deterministic", () => {
  /** Something that is another value in every run, as what comes from the world outside of the simulation is. */
  let runs = 0;
  /** Fixed leaders one of which wakes up at another time in every run, and does `then`. */
  const fickle = (then: (env: RaftEnv, salt: number) => void): MakeRaft =>
    bent((_, env) => {
      if (env.me === 1) {
        const salt = ++runs;
        env.clock.setTimeout(() => then(env, salt), 30);
      }
    });
  const wakesAtAnotherTime = fickle((env, salt) => env.clock.setTimeout(() => {}, 10 + salt));
  const savesSomethingElse = fickle((env, salt) => env.persister.save(new Uint8Array([salt]), new Uint8Array(0)));

  it("is found by checking, even when the run passes, with the first event that differs from both runs", async () => {
    const { outcome, failure, log } = await run("TestInitialElection2A", wakesAtAnotherTime, { checkDeterminism: true });
    expect(outcome).toBe("nondeterministic");
    expect(failure?.cause).toBe("the same seed gave another run");
    expect(failure?.reason).toMatch(
      /^the same seed gave another run: event \d+ differs; what the first run did differs each time; so these are two more runs of the seed; both runs: {2}at 30\.000 ms, S1: a timer; third run: {2}S1: a timer, in \d+ ms; fourth run: S1: a timer, in \d+ ms$/,
    );
    expect(failure?.stack).toMatch(/^ {4}at .*test\/iteration\.test\.ts:\d+:\d+/);
    expect(log).toMatch(/^event \d+ differs$/m);
    expect(log).toMatch(/^ {2}fourth run: S1: a timer, in \d+ ms\n {4}at .*iteration\.test\.ts:/m);
  });

  it("is found by checking when the same event saves something else", async () => {
    const { outcome, failure } = await run("TestInitialElection2A", savesSomethingElse, { checkDeterminism: true });
    expect(outcome).toBe("nondeterministic");
    expect(failure?.reason).toMatch(
      /both runs: {2}at 30\.000 ms, S1: a timer; .*; fourth run: a save, an answer or a state with other contents$/,
    );
    expect(failure?.stack).toContain("iteration.test.ts");
  });

  it("is found when the run fails and its replay is another run", async () => {
    const never: MakeRaft = silentWith((env) => {
      const salt = ++runs;
      env.clock.setTimeout(() => {}, salt % 97);
      return {};
    });
    const { outcome, failure, log } = await run("TestInitialElection2A", never);
    expect(outcome).toBe("nondeterministic");
    expect(failure?.reason).toContain("the run failed, and was another run when it was replayed from its seed");
    expect(failure?.reason).toContain("the failure was: expected one leader, got none");
    expect(log).toContain("expected one leader, got none");
  });

  it("has the last events of the first run in its log, not those of the second", async () => {
    let made = 0;
    // The first run ends after 30 ms with few events, its replay is a long one.
    const shortThenLong: MakeRaft = silentWith((env) => {
      if (++made === 1) env.clock.setTimeout(boom, 30);
      return {};
    });
    const { outcome, log, events } = await run("TestInitialElection2A", shortThenLong);
    expect(outcome).toBe("nondeterministic");
    const numbers = [...log!.matchAll(/^\d+ event (\d+) at /gm)].map(([, number]) => Number(number));
    expect(numbers.at(-1)).toBe(events);
  });
});

describe("a job that can't be run", () => {
  const settings = { clock: "virtual", traceLevel: "none", archive: false, checkDeterminism: false } as const;

  it("is a fault of whoever made it, not an outcome", async () => {
    await expect(runIteration({ test: "TestNothing2A", iteration: 0, seed: "1" }, silent, settings)).rejects.toEqual(
      new HarnessFault("no test is called 'TestNothing2A'"),
    );
    await expect(runIteration({ test: "TestBasicAgree2B", iteration: 0, seed: "x" }, silent, settings)).rejects.toEqual(
      new HarnessFault("a run seed is 16 hexadecimal digits, got 'x'"),
    );
  });
});

describe("the real clock", () => {
  it("runs tests side by side in real time, with the same outcomes", async () => {
    const startMs = performance.now();
    const [election, agreement, silence] = await Promise.all([
      run("TestInitialElection2A", fixedLeader, { clock: "real" }),
      run("TestBasicAgree2B", fixedLeader, { clock: "real" }),
      run("TestBasicAgree2B", bent(boom), { clock: "real" }),
    ]);
    expect(performance.now() - startMs).toBeGreaterThan(2500);
    expect([election.outcome, agreement.outcome, silence.outcome]).toEqual(["pass", "pass", "crash"]);
    expect(election.seconds).toBeGreaterThan(2.95);
    expect(agreement.commands).toBe(3);
    expect(silence.log).toContain("FAILED: S0 threw in MakeRaft: Error: boom");
  });

  it("makes a crash of a throw outside any event too, not a fault of the harness", async () => {
    const strays = await straysDuring(async () => {
      const throwsInNativeTimer = bent((_, env) => {
        if (env.me === 1) setTimeout(boom, 20);
      });
      const { outcome, failure } = await run("TestBasicAgree2B", throwsInNativeTimer, { clock: "real" });
      expect(outcome).toBe("crash");
      expect(failure?.reason).toContain("Error: boom");
    });
    expect(strays).toEqual([]);
  });
});
