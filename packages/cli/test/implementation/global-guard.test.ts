import { afterEach, describe, expect, it } from "vitest";
import { GlobalGuard } from "../../src/implementation/global-guard.ts";

const world = globalThis as unknown as Record<string, unknown>;
const prototypes = { array: Array.prototype as unknown as Record<string, unknown>, object: Object.prototype as Record<string, unknown> };

describe("the global object and the language's own", () => {
  const guard = new GlobalGuard();
  afterEach(() => void guard.restore());

  it("are put back as they were", () => {
    const { structuredClone, Map: originalMap } = globalThis;
    const { push } = Array.prototype;
    world.added = 1;
    world.Map = null;
    delete world.structuredClone;
    prototypes.array.push = () => 0;
    prototypes.array.last = () => 0;
    Object.defineProperty(Object.prototype, "hidden", { value: 1, configurable: true, enumerable: true });
    expect(guard.restore().toSorted()).toEqual(["Map", "push", "structuredClone"]);
    expect("added" in world).toBe(false);
    expect(world.Map).toBe(originalMap);
    expect(globalThis.structuredClone).toBe(structuredClone);
    expect(Array.prototype.push).toBe(push);
    expect("last" in prototypes.array).toBe(false);
    expect("hidden" in prototypes.object).toBe(false);
    expect(guard.restore()).toEqual([]);
  });

  it("apart from the global object when only the language is to be put back", () => {
    world.added = 1;
    prototypes.object.surplus = 1;
    guard.restoreBuiltIns();
    expect(world.added).toBe(1);
    expect("surplus" in {}).toBe(false);
  });

  it("keep what belongs to the simulation of a run", () => {
    const { random } = Math;
    Math.random = () => 0.5;
    guard.restoreBuiltIns();
    expect(Math.random()).toBe(0.5);
    Math.random = random;
  });
});
