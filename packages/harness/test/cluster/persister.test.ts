import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MemoryPersister } from "../../src/cluster/persister.ts";
import { newSimulation } from "../support/world.ts";

const bytes = (...values: number[]) => new Uint8Array(values);
const none = new Uint8Array(0);

describe("MemoryPersister", () => {
  it("holds nothing at first", () => {
    const persister = new MemoryPersister(newSimulation(), 0);
    expect(persister.readState()).toEqual(none);
    expect(persister.readSnapshot()).toEqual(none);
    expect([persister.stateSize(), persister.snapshotSize()]).toEqual([0, 0]);
  });

  it("gives back what was saved last, as a pair, in this life and the next", () => {
    const small = fc.uint8Array({ maxLength: 40 });
    const chunks = fc.oneof(small, fc.array(small, { maxLength: 5 }), fc.uint8Array({ minLength: 250, maxLength: 2000 }));
    const save = fc.record({ state: chunks, snapshot: small, restart: fc.boolean() });
    fc.assert(
      fc.property(fc.array(save, { minLength: 1, maxLength: 20 }), (saves) => {
        let persister = new MemoryPersister(newSimulation(), 0);
        for (const { state, snapshot, restart } of saves) {
          persister.save(state, snapshot);
          if (restart) persister = persister.succeed();
          const expected = state instanceof Uint8Array ? [...state] : state.flatMap((chunk) => [...chunk]);
          expect([...persister.readState()]).toEqual(expected);
          expect([...persister.readSnapshot()]).toEqual([...snapshot]);
          expect(persister.stateSize()).toBe(expected.length);
          expect(persister.snapshotSize()).toBe(snapshot.length);
        }
      }),
    );
  });

  it("erases the snapshot when an empty one is saved", () => {
    const persister = new MemoryPersister(newSimulation(), 0);
    persister.save(bytes(1), bytes(2, 3));
    persister.save(bytes(1), none);
    expect(persister.readSnapshot()).toEqual(none);
    expect(persister.succeed().readSnapshot()).toEqual(none);
  });

  it("copies what it is given and what it gives", () => {
    const persister = new MemoryPersister(newSimulation(), 0);
    const [state, snapshot] = [bytes(1, 2), bytes(3, 4)];
    persister.save([state], snapshot);
    state[0] = 99;
    snapshot[0] = 99;
    expect(persister.readState()).toEqual(bytes(1, 2));
    expect(persister.readSnapshot()).toEqual(bytes(3, 4));
    persister.readState()[0] = 98;
    persister.readSnapshot()[0] = 98;
    expect(persister.readState()).toEqual(bytes(1, 2));
    expect(persister.readSnapshot()).toEqual(bytes(3, 4));
    const next = persister.succeed();
    next.readSnapshot()[0] = 97;
    expect(next.readSnapshot()).toEqual(bytes(3, 4));
  });

  it("saves what it has read, also in another order", () => {
    const persister = new MemoryPersister(newSimulation(), 0);
    persister.save(bytes(1, 2, 3, 4), bytes(9));
    const read = persister.readState();
    persister.save([read.subarray(2), read.subarray(0, 2)], persister.readSnapshot());
    expect(persister.readState()).toEqual(bytes(3, 4, 1, 2));
    expect(persister.readSnapshot()).toEqual(bytes(9));
  });

  it("saves nothing any more once the server's next life has its successor", () => {
    const former = new MemoryPersister(newSimulation(), 0);
    former.save(bytes(1), bytes(2));
    const next = former.succeed();
    former.save(bytes(7, 7), bytes(7, 7, 7));
    expect(next.readState()).toEqual(bytes(1));
    expect(next.readSnapshot()).toEqual(bytes(2));
    const after = next.succeed();
    former.save(bytes(8), bytes(8));
    expect(after.readState()).toEqual(bytes(1));
    after.save(bytes(5), none);
    expect(next.readState()).toEqual(bytes(1));
  });

  it("leaves no trace of what a dead life saves", () => {
    const simulation = newSimulation({ traceLevel: "trace" });
    const former = new MemoryPersister(simulation, 0);
    former.save(bytes(1), none);
    former.succeed();
    const [hash, trace] = [`${simulation.hash}`, simulation.trace.text()];
    former.save(bytes(2), none);
    expect([`${simulation.hash}`, simulation.trace.text()]).toEqual([hash, trace]);
  });

  it.each([
    ["a text", "state", none],
    ["nothing", undefined, none],
    ["a list of other things", [bytes(1), "x"], none],
    ["no snapshot", bytes(1), undefined],
    ["a list as snapshot", bytes(1), [bytes(1)]],
  ])("refuses %s in one sentence and keeps what it had", (_, state, snapshot) => {
    const persister = new MemoryPersister(newSimulation(), 0);
    persister.save(bytes(4), bytes(5));
    expect(() => persister.save(state as Uint8Array, snapshot as Uint8Array)).toThrow(
      new TypeError("persister.save(state, snapshot) needs a Uint8Array, or a list of them, and a Uint8Array"),
    );
    expect([...persister.readState(), ...persister.readSnapshot()]).toEqual([4, 5]);
  });

  it("tells a watch of every byte, also of those that the trace hash leaves out", () => {
    const told = (state: Uint8Array, snapshot: Uint8Array) => {
      const words: number[] = [];
      const watch = { begin() {}, scheduled() {}, end() {}, hashed: (word: number) => void words.push(word) };
      const simulation = newSimulation({ watch });
      new MemoryPersister(simulation, 0).save(state, snapshot);
      return { hash: `${simulation.hash}`, words: words.join() };
    };
    const state = new Uint8Array(1000);
    const snapshot = new Uint8Array(100);
    const first = told(state, snapshot);
    expect(told(state, snapshot)).toEqual(first);
    for (const [otherState, otherSnapshot] of [
      [state.with(500, 1), snapshot],
      [state, snapshot.with(50, 1)],
    ] as const) {
      const other = told(otherState, otherSnapshot);
      expect(other.hash).toBe(first.hash);
      expect(other.words).not.toBe(first.words);
    }
  });

  it("makes every save part of the trace hash", () => {
    const hashAfter = (...saves: [Uint8Array, Uint8Array][]) => {
      const simulation = newSimulation();
      const persister = new MemoryPersister(simulation, 0);
      for (const [state, snapshot] of saves) persister.save(state, snapshot);
      return `${simulation.hash}`;
    };
    const hashes = [
      hashAfter(),
      hashAfter([bytes(1), none]),
      hashAfter([bytes(2), none]),
      hashAfter([bytes(1, 0), none]),
      hashAfter([bytes(1), bytes(1)]),
      hashAfter([bytes(1), none], [bytes(1), none]),
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(hashAfter([bytes(1), none])).toBe(hashes[1]);
  });
});
