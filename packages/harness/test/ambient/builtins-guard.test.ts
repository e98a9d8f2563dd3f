import { EventEmitter } from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BuiltinsGuard } from "../../src/ambient/builtins-guard.ts";
import { sharedObjects } from "../../src/ambient/shared-objects.ts";
import { differences, statesOf } from "../support/descriptors.ts";

const define = Object.defineProperty;
const arrayIterator = Object.getPrototypeOf([][Symbol.iterator]()) as object;
const user = globalThis as unknown as Record<PropertyKey, unknown>;

/** Something code under test does to what all share, and how the guard names it. */
const changes: Record<string, () => unknown> = {
  "changed Array.prototype.push": () => (Array.prototype.push = () => 0),
  "added Array.prototype.last": () => Reflect.set(Array.prototype, "last", () => 0),
  "added Object.prototype.hidden": () => define(Object.prototype, "hidden", { value: 1, configurable: true }),
  "added Promise.prototype[Symbol(mine)]": () => Reflect.set(Promise.prototype, Symbol("mine"), 1),
  "added Object.prototype.get": () => Reflect.set(Object.prototype, "get", () => 1),
  "added Object.prototype.value": () => Reflect.set(Object.prototype, "value", 1),
  "added Object.prototype.enumerable": () => Reflect.set(Object.prototype, "enumerable", true),
  "deleted Array.prototype.flat": () => Reflect.deleteProperty(Array.prototype, "flat"),
  "deleted Math.hypot": () => Reflect.deleteProperty(Math, "hypot"),
  "changed Math.max": () => (Math.max = () => 0),
  "changed Map.prototype.get": () => define(Map.prototype, "get", { get: () => () => 1, configurable: true }),
  "changed Map.prototype.set": () =>
    define(Map.prototype, "set", {
      get: () => {
        throw new Error("do not look");
      },
      configurable: true,
    }),
  "changed Map.prototype[Symbol(Symbol.iterator)]": () => Reflect.set(Map.prototype, Symbol.iterator, null),
  "changed Array.prototype[Symbol(Symbol.iterator)]": () => Reflect.set(Array.prototype, Symbol.iterator, null),
  "changed ArrayIterator.prototype.next": () => Reflect.set(arrayIterator, "next", null),
  "changed the prototype of Array.prototype": () => Object.setPrototypeOf(Array.prototype, { sum: () => 0 }),
  "changed JSON.stringify": () => (JSON.stringify = () => ""),
  "changed Promise.prototype.then": () => Reflect.set(Promise.prototype, "then", null),
  "changed Reflect.ownKeys": () => (Reflect.ownKeys = () => []),
  "changed Object.keys": () => (Object.keys = () => []),
  "changed Object.getOwnPropertyDescriptor": () => (Object.getOwnPropertyDescriptor = () => undefined),
  "changed the global structuredClone": () => Reflect.set(globalThis, "structuredClone", null),
  "deleted the global escape": () => Reflect.deleteProperty(globalThis, "escape"),
  "changed EventEmitter.prototype.emit": () => (EventEmitter.prototype.emit = () => false),
  "added RegExp.cache": () => Reflect.set(RegExp, "cache", {}),
  "changed String.prototype.at": () => define(String.prototype, "at", { value: 5 }),
};

// Node makes it, and the rest of fetch's family, when it is first asked for.
void FormData;

describe("the guard", () => {
  let guard: BuiltinsGuard;
  const before = statesOf([{ object: globalThis, name: "globalThis" }, ...sharedObjects()]);
  beforeEach(() => {
    guard = new BuiltinsGuard();
  });
  afterEach(() => {
    guard.restore();
    expect(differences(before)).toEqual([]);
  });

  for (const [deed, change] of Object.entries(changes)) {
    test(`sees and undoes: ${deed}`, () => {
      change();
      const seen = guard.firstChange();
      guard.tidy(seen !== undefined);
      expect(seen?.deed).toBe(deed);
      expect(guard.firstChange()).toBeUndefined();
      expect(guard.hasLeftovers()).toBe(false);
    });
  }

  test("sees all at once and undoes them", () => {
    // With an Object.prototype.get no property can be defined any more, not by these changes either.
    const all = Object.entries(changes).flatMap(([deed, change]) => (deed.includes("Object.prototype") ? [] : change));
    for (let i = 0; i < all.length; i++) all[i]!();
    const seen = guard.firstChange();
    guard.tidy(true);
    expect(seen).toBeDefined();
    expect(guard.firstChange()).toBeUndefined();
  });

  test("nothing has changed where nothing was done, or where it was undone", () => {
    expect(guard.firstChange()).toBeUndefined();
    const { push } = Array.prototype;
    Array.prototype.push = () => 0;
    Array.prototype.push = push;
    expect(guard.firstChange()).toBeUndefined();
    expect(guard.hasLeftovers()).toBe(false);
  });

  test("new globals and V8's settings are no change, and gone for the next run", () => {
    const symbol = Symbol.for("raft.registry");
    user.raftState = { term: 1 };
    user[symbol] = [];
    Error.stackTraceLimit = 77;
    Error.prepareStackTrace = () => "mine";
    expect(guard.firstChange()).toBeUndefined();
    expect(guard.hasLeftovers()).toBe(true);
    guard.tidy(false);
    expect([user.raftState, user[symbol]]).toEqual([undefined, undefined]);
    expect(Error.stackTraceLimit).not.toBe(77);
    expect(new Error("x").stack).not.toBe("mine");
    expect(guard.hasLeftovers()).toBe(false);
  });

  test("what no loop comes across is seen by a thorough look", () => {
    define(globalThis, "hiddenState", { value: [], configurable: true });
    define(JSON, "hiddenState", { value: [], configurable: true });
    expect([guard.firstChange(), guard.hasLeftovers()]).toEqual([undefined, false]);
    expect([guard.firstChange(true)?.deed, guard.hasLeftovers(true)]).toEqual(["added JSON.hiddenState", true]);
    expect(guard.newGlobals()).toEqual(["hiddenState"]);
    guard.tidy(false, true);
    expect([guard.firstChange(true), guard.hasLeftovers(true)]).toEqual([undefined, false]);
  });
});
