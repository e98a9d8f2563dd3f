import { describe, expect, it } from "vitest";
import { KeptObjects } from "../../src/implementation/kept-objects.ts";

class Sample {
  static count = 0;
  static limits = { most: 3 };
  method(): number {
    return 1;
  }
}

const make = () => ({
  sample: class extends Sample {
    static override count = 0;
    static override limits = { most: 3 };
    override method(): number {
      return 2;
    }
  },
  call: function call() {},
  arrow: () => {},
  list: [1, [2]] as [number, number[]],
  record: { a: 1, deep: { b: Number.NaN } } as Record<string, unknown>,
});

type Kept = ReturnType<typeof make>;

describe("objects that a module keeps", () => {
  it("are unchanged when nothing was written, whatever was read and called", () => {
    const kept = make();
    const before = new KeptObjects(Object.values(kept));
    new kept.sample().method();
    kept.call();
    expect(kept.list.map(String)).toHaveLength(2);
    expect(before.unchanged).toBe(true);
  });

  it.each<[what: string, change: (kept: Kept) => void]>([
    ["a static field", (kept) => kept.sample.count++],
    ["an object in a static field", (kept) => kept.sample.limits.most++],
    ["a new static field", (kept) => Object.assign(kept.sample, { more: 1 })],
    [
      "a method",
      (kept) => {
        kept.sample.prototype.method = () => 3;
      },
    ],
    ["a new method", (kept) => Object.assign(kept.sample.prototype, { more() {} })],
    ["a property of a function", (kept) => Object.assign(kept.call, { calls: 1 })],
    ["a property of a function's prototype", (kept) => Object.assign(kept.call.prototype as object, { more: 1 })],
    ["a property of an arrow function", (kept) => Object.assign(kept.arrow, { calls: 1 })],
    ["an element", (kept) => kept.list.push(3 as never)],
    ["an element replaced", (kept) => (kept.list[0] = 5)],
    ["a nested element", (kept) => kept.list[1].push(1)],
    ["a value", (kept) => (kept.record.a = 2)],
    ["a deep value", (kept) => Object.assign(kept.record.deep as object, { b: 1 })],
    ["a key that is gone", (kept) => delete kept.record.a],
  ])("are changed by %s", (_, change) => {
    const kept = make();
    const before = new KeptObjects(Object.values(kept));
    change(kept);
    expect(before.unchanged).toBe(false);
  });
});
