import { describe, expect, it } from "vitest";
import type { ApplyMessage, MakeRaft, Raft } from "../src/api.ts";
import { decodeState } from "../src/codec.ts";
import makeDefault, { makeRaft, makeRaftWith } from "../src/index.ts";
import type { AppendEntriesArgs } from "../src/messages.ts";
import { seededRandom } from "./support/random.ts";

interface Request {
  readonly to: number;
  readonly method: string;
  readonly args: { readonly term: number };
  readonly onReply: (reply: unknown) => void;
}

interface Timer {
  readonly run: () => void;
  readonly atMs: number;
}

/** A server of three on a hand-made environment that writes down, in order, what the server does to it. */
class World {
  now = 0;
  /** save, send, apply, timer: in call order. */
  readonly did: string[] = [];
  readonly requests: Request[] = [];
  readonly applied: ApplyMessage[] = [];
  readonly timers = new Set<Timer>();
  timersSet = 0;
  state = new Uint8Array(0);
  snapshot = new Uint8Array(0);
  raft: Raft;

  constructor(make: MakeRaft = makeRaft) {
    this.raft = make(this.#env());
  }

  restart(): void {
    this.raft.kill();
    this.timers.clear();
    this.raft = makeRaft(this.#env());
  }

  /** Lets the next timer fire. */
  fire(): void {
    const [timer] = [...this.timers].sort((a, b) => a.atMs - b.atMs);
    if (timer === undefined) throw new Error("no timer is set");
    this.timers.delete(timer);
    this.now = Math.max(this.now, timer.atMs);
    timer.run();
  }

  becomeLeader(): void {
    while (this.requests.length === 0) this.fire();
    for (const { args, onReply } of this.takeRequests()) onReply({ term: args.term, voteGranted: true });
  }

  takeRequests(): Request[] {
    return this.requests.splice(0);
  }

  takeDid(): string[] {
    return this.did.splice(0);
  }

  append(args: Partial<AppendEntriesArgs>): unknown {
    const whole = { term: 1, leaderId: 1, prevLogIndex: 0, prevLogTerm: 0, entries: [], leaderCommit: 0, ...args };
    return this.raft.handlers.AppendEntries!(whole);
  }

  #env(): Parameters<MakeRaft>[0] {
    const request = (to: number) => (method: string, args: unknown, onReply: (reply: unknown) => void) => {
      this.did.push(`send ${method}`);
      this.requests.push({ to, method, args: args as { term: number }, onReply });
    };
    const call = () => Promise.reject(new Error("the state-machine style uses request"));
    return {
      me: 0,
      peers: [0, 1, 2].map((to) => ({ request: request(to), call })),
      persister: {
        save: (state, snapshot) => {
          this.did.push("save");
          if (!(state instanceof Uint8Array)) throw new Error("expected one piece");
          this.state = state.slice();
          this.snapshot = snapshot.slice();
        },
        readState: () => this.state.slice(),
        readSnapshot: () => this.snapshot.slice(),
        stateSize: () => this.state.length,
        snapshotSize: () => this.snapshot.length,
      },
      clock: {
        now: () => this.now,
        setTimeout: (run, delayMs) => {
          if (!(delayMs >= 0)) throw new Error(`a delay of ${delayMs} ms`);
          const timer = { run, atMs: this.now + delayMs };
          this.timersSet += 1;
          this.timers.add(timer);
          return timer;
        },
        clearTimeout: (id) => void this.timers.delete(id as Timer),
        sleep: () => Promise.reject(new Error("the state-machine style does not sleep")),
      },
      random: seededRandom(1),
      apply: (message) => {
        this.did.push(`apply ${message.index}`);
        this.applied.push(message);
        return Promise.resolve();
      },
      log: () => {},
    };
  }
}

describe("the driver: persist, then send, then apply", () => {
  it("an election is persisted before votes are asked for", () => {
    const world = new World();
    while (world.requests.length === 0) world.fire();
    expect(world.takeDid()).toEqual(["save", "send RequestVote", "send RequestVote"]);
    expect(decodeState(world.state)).toMatchObject({ currentTerm: 1, votedFor: 0 });
  });

  it("a vote is persisted when its reply leaves", () => {
    const world = new World();
    const reply = world.raft.handlers.RequestVote!({ term: 3, candidateId: 2, lastLogIndex: 0, lastLogTerm: 0 });
    expect(reply).toEqual({ term: 3, voteGranted: true });
    expect(decodeState(world.state)).toMatchObject({ currentTerm: 3, votedFor: 2 });
  });

  it("a follower persists entries, then applies them, then answers", () => {
    const world = new World();
    world.append({ term: 1 });
    world.takeDid();
    const reply = world.append({
      entries: [
        { term: 1, command: "a" },
        { term: 1, command: "b" },
      ],
      leaderCommit: 2,
    });
    expect(world.takeDid()).toEqual(["save", "apply 1", "apply 2"]);
    expect(reply).toMatchObject({ success: true });
    expect(decodeState(world.state).entries).toHaveLength(2);
  });

  it("a leader persists a command before it is sent, and applies it when a majority has it", () => {
    const world = new World();
    world.becomeLeader();
    for (const { onReply } of world.takeRequests()) onReply({ term: 1, success: true, conflictIndex: 0, conflictTerm: 0 });
    world.takeDid();
    expect(world.raft.start("x")).toEqual({ index: 1, term: 1, isLeader: true });
    expect(world.takeDid()).toEqual([]);
    world.fire();
    expect(world.takeDid()).toEqual(["save", "send AppendEntries", "send AppendEntries"]);
    world.takeRequests()[0]!.onReply({ term: 1, success: true, conflictIndex: 0, conflictTerm: 0 });
    expect(world.takeDid()).toEqual(["apply 1"]);
    expect(world.applied).toEqual([{ type: "command", index: 1, command: "x" }]);
  });

  it("saves state and snapshot together, and goes on saving the snapshot, also after a restart", () => {
    const world = new World();
    world.append({
      entries: [
        { term: 1, command: "a" },
        { term: 1, command: "b" },
      ],
      leaderCommit: 2,
    });
    const buffer = Uint8Array.of(5, 6);
    world.raft.snapshot(2, buffer);
    buffer.fill(0);
    world.restart();
    expect(world.raft.inspect!()).toMatchObject({ firstIndex: 3, lastIndex: 2, commitIndex: 2, lastApplied: 2 });
    world.append({ term: 4, prevLogIndex: 2, prevLogTerm: 1, entries: [{ term: 4, command: "c" }] });
    expect(world.snapshot).toEqual(Uint8Array.of(5, 6));
    expect(decodeState(world.state)).toMatchObject({ snapshotIndex: 2, snapshotTerm: 1, entries: [{ command: "c" }] });
  });

  it("an installed snapshot is persisted, then handed to the service", () => {
    const world = new World();
    const data = Uint8Array.of(9);
    const args = { term: 2, leaderId: 1, lastIncludedIndex: 4, lastIncludedTerm: 1, data };
    expect(world.raft.handlers.InstallSnapshot!(args)).toEqual({ term: 2 });
    expect(world.takeDid()).toEqual(["save", "apply 4"]);
    expect(world.applied).toEqual([{ type: "snapshot", index: 4, term: 1, snapshot: data }]);
  });

  it("what changes nothing is not saved", () => {
    const world = new World();
    world.append({ term: 1 });
    world.takeDid();
    for (let i = 0; i < 5; i += 1) world.append({ term: 1 });
    expect(world.takeDid()).toEqual([]);
  });

  it("a lost request, the reply undefined, leads to another one", () => {
    const world = new World();
    world.becomeLeader();
    for (const { onReply } of world.takeRequests()) onReply({ term: 1, success: true, conflictIndex: 0, conflictTerm: 0 });
    world.raft.start("x");
    world.fire();
    world.takeRequests()[0]!.onReply(undefined);
    world.fire();
    expect(world.takeRequests()).toMatchObject([{ to: 1, method: "AppendEntries", args: { entries: [{ command: "x" }] } }]);
  });
});

describe("the driver's one timer", () => {
  it("is not set again for each heartbeat of a leader", () => {
    const world = new World();
    for (let i = 0; i < 100; i += 1) {
      world.now += 1;
      world.append({ term: 1 });
    }
    expect(world.timersSet).toBe(1);
    expect(world.timers.size).toBe(1);
  });

  it("when it fires early, because the deadline has moved, nothing happens but that it is set again", () => {
    const world = new World();
    world.append({ term: 1 });
    world.now = 300;
    world.append({ term: 1 });
    world.takeDid();
    world.fire();
    expect(world.now).toBeLessThan(700);
    expect(world.takeDid()).toEqual([]);
    expect(world.raft.getState()).toEqual({ term: 1, isLeader: false });
    world.fire();
    expect(world.now).toBeGreaterThanOrEqual(650);
    expect(world.raft.getState()).toEqual({ term: 2, isLeader: false });
  });

  it("is moved forward for a new command", () => {
    const world = new World();
    world.becomeLeader();
    const { now } = world;
    world.raft.start("x");
    world.fire();
    expect(world.now).toBe(now);
    expect(world.timers.size).toBe(1);
  });

  it("a clock that shows slightly less than the deadline when the timer fires does not make it spin", () => {
    const world = new World();
    const [timer] = [...world.timers];
    world.timers.clear();
    world.now = timer!.atMs - 0.0004;
    timer!.run();
    expect(world.raft.getState().term).toBe(1);
  });
});

describe("after kill", () => {
  it("a server takes no commands, answers nothing, saves nothing, sends nothing, applies nothing", () => {
    const world = new World();
    world.becomeLeader();
    const pending = world.takeRequests();
    world.raft.start("x");
    world.takeDid();
    const timers = [...world.timers];
    world.raft.kill();
    expect(world.timers.size).toBe(0);
    expect(world.raft.start("y")).toEqual({ index: -1, term: 1, isLeader: false });
    expect(world.raft.getState()).toEqual({ term: 1, isLeader: false });
    for (const { onReply } of pending) onReply({ term: 5, success: true, conflictIndex: 0, conflictTerm: 0 });
    for (const { onReply } of pending) onReply(undefined);
    for (const { run } of timers) run();
    expect(world.append({ term: 7, entries: [{ term: 7, command: "z" }], leaderCommit: 1 })).toBeUndefined();
    expect(world.raft.handlers.RequestVote!({ term: 8, candidateId: 1, lastLogIndex: 9, lastLogTerm: 9 })).toBeUndefined();
    expect(world.raft.handlers.InstallSnapshot!({ term: 8, leaderId: 1, lastIncludedIndex: 9, lastIncludedTerm: 9 })).toBeUndefined();
    world.raft.snapshot(0, Uint8Array.of(1));
    expect(world.takeDid()).toEqual([]);
    expect(world.timers.size).toBe(0);
  });
});

describe("the package", () => {
  it("exports the built-in Raft by name and as default, and with options", () => {
    expect(makeDefault).toBe(makeRaft);
    expect(() => makeRaftWith({ heartbeatIntervalMs: -1 })).toThrow("heartbeatIntervalMs must be more than 0, got -1");
    const slow = new World(makeRaftWith({ electionTimeoutMinMs: 5000, electionTimeoutMaxMs: 6000 }));
    slow.fire();
    expect(slow.now).toBeGreaterThanOrEqual(5000);
  });

  it("uses the RPC names of the paper", () => {
    expect(Object.keys(new World().raft.handlers)).toEqual(["RequestVote", "AppendEntries", "InstallSnapshot"]);
  });
});
