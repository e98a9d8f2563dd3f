import { describe, expect, it } from "vitest";
import { KeptObjects } from "../../src/implementation/kept-objects.ts";

class Sample {
  static count = 0;
  static limits = { most: 3 };
  static get lazy(): unknown {
    return undefined;
  }
  method(): number {
    return 1;
  }
}

const key = Symbol("key");
const define = (object: object, name: PropertyKey, value: unknown): object => Object.defineProperty(object, name, { value });

const make = () => ({
  sample: class extends Sample {
    static override count = 0;
    static override limits = { most: 3 };
    static override get lazy(): unknown {
      // biome-ignore lint/complexity/noThisInStatic: the class has no name of its own
      return define(this, "lazy", new Map());
    }
    override method(): number {
      return 2;
    }
  },
  call: function call() {},
  arrow: () => {},
  list: [1, [2]] as [number, number[]],
  record: { a: 1, deep: { b: Number.NaN } } as Record<string, unknown>,
  frozen: Object.freeze({ call: () => {} }),
  functions: [() => 1],
  lookup: new Map([["a", { call: () => 1 }]]),
  set: new Set([() => 1]),
  word: /a/,
  encoder: new TextEncoder(),
  none: new Uint8Array(0),
  withGetter: {
    get first(): number {
      return 1;
    },
  },
});

type Kept = ReturnType<typeof make>;

describe("objects that a module keeps", () => {
  it("are unchanged when nothing was written, whatever was read and called", () => {
    const kept = make();
    const before = new KeptObjects(Object.values(kept));
    new kept.sample().method();
    kept.call();
    expect(kept.list.map(String)).toHaveLength(2);
    expect(kept.lookup.get("a")!.call() + kept.functions.at(0)!() + kept.withGetter.first + kept.encoder.encode("a").length).toBe(4);
    expect([kept.word.test("a"), kept.sample.name, kept.call.name]).toEqual([true, "sample", "call"]);
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
    ["a static field with a symbol for a name", (kept) => Reflect.set(kept.sample, key, 1)],
    ["a static field that no loop comes across", (kept) => define(kept.sample, "shared", new Map())],
    ["a getter that has replaced itself by a value", (kept) => kept.sample.lazy],
    ["a getter that has replaced itself in an object", (kept) => define(kept.withGetter, "first", 2)],
    ["a name", (kept) => define(kept.call, "name", "other")],
    ["a value that has become a getter", (kept) => Object.defineProperty(kept.record, "a", { get: () => expect.fail() })],
    ["a symbol in an object", (kept) => Reflect.set(kept.record, key, 1)],
    ["another prototype", (kept) => Object.setPrototypeOf(kept.record, { more: 1 })],
    ["a property of a method", (kept) => Object.assign(kept.sample.prototype.method, { calls: 1 })],
    ["a property of a function in a frozen object", (kept) => Object.assign(kept.frozen.call, { calls: 1 })],
    ["a symbol of a function in an array", (kept) => Reflect.set(kept.functions[0]!, key, 1)],
    ["a property of a function in a Map", (kept) => Object.assign(kept.lookup.get("a")!.call, { calls: 1 })],
    ["a property of an object in a Map", (kept) => Object.assign(kept.lookup.get("a")!, { calls: 1 })],
    ["a property of a function in a Set", (kept) => Object.assign([...kept.set][0]!, { calls: 1 })],
    ["where a regular expression was", (kept) => kept.word.lastIndex++],
    ["a property of a regular expression", (kept) => Object.assign(kept.word, { n: 1 })],
    ["a property of an encoder", (kept) => Object.assign(kept.encoder, { n: 1 })],
    ["a property of an empty array of bytes", (kept) => Object.assign(kept.none, { n: 1 })],
    ["a property of its buffer", (kept) => Object.assign(kept.none.buffer, { n: 1 })],
  ])("are changed by %s", (_, change) => {
    const kept = make();
    const before = new KeptObjects(Object.values(kept));
    change(kept);
    expect(before.unchanged).toBe(false);
  });
});
