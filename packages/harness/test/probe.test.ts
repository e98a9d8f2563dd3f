import type { MakeRaft, RaftEnv } from "@raft-stress/raft/api";
import { describe, expect, it } from "vitest";
import { probe } from "../src/probe.ts";
import { progressCells, progressLength } from "../src/progress.ts";

const silent = () => ({
  start: () => ({ index: -1, term: 0, isLeader: false }),
  getState: () => ({ term: 0, isLeader: false }),
  snapshot() {},
  kill() {},
  handlers: {},
});

describe.each(["virtual", "real"] as const)("a trial boot on the %s clock", (clock) => {
  it("boots one server of three, once, and ends it", async () => {
    const booted: RaftEnv[] = [];
    let killed = 0;
    const makeRaft: MakeRaft = (env) => {
      booted.push(env);
      return { ...silent(), kill: () => killed++ };
    };
    expect(await probe(makeRaft, clock)).toEqual({ type: "booted" });
    expect(booted.map(({ me, peers }) => [me, peers.length])).toEqual([[0, 3]]);
    expect(killed).toBe(1);
  });

  it("ends before anything else happens", async () => {
    let later = 0;
    const makeRaft: MakeRaft = ({ clock: { setTimeout } }) => {
      setTimeout(() => later++, 1);
      return silent();
    };
    expect(await probe(makeRaft, clock)).toEqual({ type: "booted" });
    expect(later).toBe(0);
  });

  it("tells what is no Raft", async () => {
    const end = async (raft: unknown) => probe((() => raft) as MakeRaft, clock);
    expect(await end(undefined)).toEqual({ type: "misfit", why: "MakeRaft must return a Raft, got undefined" });
    expect(await end({ ...silent(), handlers: { Vote: 5 } })).toEqual({
      type: "misfit",
      why: "MakeRaft must return a Raft whose handlers are functions, got number for the handler of Vote",
    });
    const { handlers } = silent();
    expect(await end({ ...silent(), inspect: null })).toMatchObject({ why: expect.stringContaining("inspect is a method or not there") });
    expect(await end({ ...silent(), handlers: new Map(Object.entries(handlers)) })).toMatchObject({
      why: expect.stringMatching(/got a Map$/),
    });
    expect(await end({ ...silent(), handlers: Object.create(handlers) })).toEqual({ type: "booted" });
  });

  it("tells of a first state that is none, and leaves one that throws to the runs", async () => {
    const end = async (getState: unknown) => probe((() => ({ ...silent(), getState })) as MakeRaft, clock);
    const told = (answer: string) => ({
      type: "misfit",
      why: `MakeRaft must return a Raft whose getState() answers { term, isLeader } at once, got ${answer}`,
    });
    expect(await end(() => {})).toEqual(told("undefined"));
    expect(await end(async () => ({ term: 0, isLeader: false }))).toEqual(told("a promise"));
    expect(await end(() => Promise.reject(new Error("no")))).toEqual(told("a promise"));
    expect(await end(() => [0, false])).toEqual(told("[ 0, false ]"));
    expect(await end(() => ({ term: "1", isLeader: false }))).toEqual(told("{ term: '1', isLeader: false }"));
    const throws = () => {
      throw new Error("not yet");
    };
    expect(await end(throws)).toEqual({ type: "booted" });
  });

  it("tells what was thrown, be it a TypeError, at once or in a promise", async () => {
    const thrown = new TypeError("mine");
    const throws = () => {
      throw thrown;
    };
    expect(await probe(throws, clock)).toEqual({ type: "threw", thrown });
    const rejects: MakeRaft = () => {
      void Promise.resolve().then(throws);
      return silent();
    };
    expect(await probe(rejects, clock)).toEqual({ type: "threw", thrown });
    const odd = new Proxy(
      {},
      {
        getPrototypeOf() {
          throw new Error("do not look");
        },
      },
    );
    const throwsOddly = () => {
      throw odd;
    };
    expect((await probe(throwsOddly, clock)).type).toBe("threw");
  });

  it("shows a watcher that it has begun", async () => {
    const progress = new Int32Array(progressLength);
    await probe(
      () => {
        expect(progress[progressCells.event]).toBe(1);
        return silent();
      },
      clock,
      progress,
    );
    expect(progress[progressCells.event]).toBe(1);
  });
});
