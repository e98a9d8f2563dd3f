import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Network, NetworkServer } from "../../src/net/network.ts";
import { elementShape, RecordShape } from "../../src/net/record-shape.ts";
import { copyOverWire } from "../../src/net/wire.ts";
import { copied } from "../support/wire.ts";
import { newLife, newSimulation } from "../support/world.ts";

const leaf = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true }),
  fc.maxSafeInteger(),
  fc.string({ unit: "grapheme" }),
  fc.boolean(),
  fc.constant(null),
  fc.constant(undefined),
  fc.uint8Array({ maxLength: 40 }),
);

/** JSON-like values with bytes in them, nested up to a few levels. */
const { value: plainData } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc.array(tie("value"), { maxLength: 5 }),
    fc.dictionary(fc.string({ maxLength: 8 }), tie("value"), { maxKeys: 5, noNullPrototype: true }),
  ),
}));

/** All objects in a value, and the memory of its bytes. */
function objectsOf(value: unknown, found = new Set<object>()): Set<object> {
  if (typeof value !== "object" || value === null) return found;
  found.add(value);
  if (value instanceof Uint8Array) found.add(value.buffer);
  else for (const part of Object.values(value)) objectsOf(part, found);
  return found;
}

/** AppendEntries as an implementation would send it. */
const message = fc.record({
  term: fc.nat(1000),
  leaderId: fc.nat(6),
  entries: fc.array(fc.record({ term: fc.nat(1000), command: fc.oneof(fc.maxSafeInteger(), fc.string()) }), { maxLength: 5 }),
  data: fc.uint8Array({ maxLength: 10 }),
  granted: fc.boolean(),
});

describe("a copy over the wire", () => {
  it("equals the original to the last bit and shares nothing with it", () => {
    fc.assert(
      fc.property(plainData, (value) => {
        const copy = copyOverWire(value);
        expect(isDeepStrictEqual(copy, value)).toBe(true);
        const originals = objectsOf(value);
        for (const object of objectsOf(copy)) expect(originals.has(object)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it("of a part of a buffer holds that part only", () => {
    const whole = new Uint8Array([1, 2, 3, 4, 5]);
    const copy = copyOverWire({ data: whole.subarray(1, 3) }) as { data: Uint8Array };
    expect(copy.data).toEqual(new Uint8Array([2, 3]));
    expect(copy.data.buffer.byteLength).toBe(2);
    expect(copyOverWire(Buffer.from("abc"))).toEqual(new Uint8Array([97, 98, 99]));
  });

  it("keeps maps, sets, dates and typed arrays", () => {
    const value = {
      map: new Map([["a", { n: 1 }]]),
      set: new Set([1, 2]),
      date: new Date(5),
      words: new Uint32Array([1, 0xffff_ffff]),
      view: new DataView(new ArrayBuffer(3)),
      buffer: new ArrayBuffer(2),
      big: 2n ** 70n,
    };
    const copy = copyOverWire(value) as typeof value;
    expect(isDeepStrictEqual(copy, value)).toBe(true);
    expect(copy.map.get("a")).not.toBe(value.map.get("a"));
    expect(copy.words.buffer).not.toBe(value.words.buffer);
  });

  it("of an instance of a class has its fields", () => {
    class Entry {
      readonly term = 3;
      readonly command = [1, 2];

      describe(): string {
        return `term ${this.term}`;
      }
    }
    expect(copyOverWire(new Entry())).toEqual({ term: 3, command: [1, 2] });
  });
});

describe("copies of records that change their shape", () => {
  it("are right whatever was copied before under the same method", () => {
    const network = new Network(newSimulation());
    const record = fc.dictionary(fc.constantFrom("term", "entries", "leaderId", "__proto__", "constructor", "1"), plainData, {
      noNullPrototype: true,
    });
    const closed = network.makeEnd(1, 0);
    network.addServer(0, new NetworkServer(newLife(0), {}));
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 10 }), (records) => {
        for (const value of records) {
          const before = network.totalBytes;
          network.call(closed, undefined, "AppendEntries", value, () => {});
          expect(network.totalBytes - before).toBe(copied(value).bytes);
          expect(isDeepStrictEqual(copied(value).copy, value)).toBe(true);
        }
      }),
    );
  });
});

describe("objects like the records that were copied before", () => {
  const shape = new RecordShape();

  /** Copies the value as a message of a kind that has met a record of these fields, and as one that has met none. */
  function copiedBothWays(value: object, ...fields: string[]): unknown[] {
    shape.forget();
    copyOverWire(Object.fromEntries(fields.map((name) => [name, 1])), shape);
    return [copyOverWire(value, shape), copyOverWire(value)];
  }

  it("are asked for nothing but their fields", () => {
    const strict = (target: object) =>
      new Proxy(target, {
        get(of, name) {
          if (!Object.hasOwn(of, name)) throw new Error(`no field ${String(name)}`);
          return Reflect.get(of, name);
        },
      });
    for (const fields of [["term", "leaderId"], ["leaderId"], ["leaderId", "term"], []]) {
      expect(copiedBothWays(strict({ term: 4, leaderId: 2 }), ...fields)).toEqual([
        { term: 4, leaderId: 2 },
        { term: 4, leaderId: 2 },
      ]);
    }
  });

  it("are copied as what they are when they are no records", () => {
    class Args {
      term = 4;
    }
    const named = Object.assign(new Map([[1, 2]]), { term: 4 });
    expect(copiedBothWays(new Args(), "term")).toEqual([{ term: 4 }, { term: 4 }]);
    expect(copiedBothWays(named, "term")).toEqual([new Map([[1, 2]]), new Map([[1, 2]])]);
    expect(copiedBothWays(new Map([[1, 2]]))).toEqual([new Map([[1, 2]]), new Map([[1, 2]])]);
    expect(copiedBothWays(new Date(5))).toEqual([new Date(5), new Date(5)]);
    expect(copiedBothWays(Object.assign(Object.create(null), { term: 4 }), "term")).toEqual([{ term: 4 }, { term: 4 }]);
    expect(() => copiedBothWays(Promise.resolve())).toThrow("a Promise cannot be sent");
  });

  it("without a prototype leave the records their code", () => {
    elementShape.forget();
    const entry = { term: 1, command: 2 };
    for (let i = 0; i < 10; i++) copyOverWire([Object.assign(Object.create(null), { op: "put", [`key${i}`]: i })]);
    copyOverWire([entry]);
    expect(elementShape.latest?.keys).toEqual(["term", "command"]);
  });
});

describe("the size", () => {
  const sizeOf = (value: unknown) => copied(value).bytes;

  it("is positive and does not depend on what was copied before", () => {
    fc.assert(
      fc.property(plainData, plainData, (value, other) => {
        const size = sizeOf(value);
        expect(size).toBeGreaterThan(0);
        expect(Number.isSafeInteger(size)).toBe(true);
        copyOverWire(other);
        expect(sizeOf(value)).toBe(size);
      }),
    );
  });

  it("grows with every element, field, character and byte", () => {
    fc.assert(
      fc.property(fc.array(plainData, { maxLength: 6 }), plainData, fc.string(), fc.uint8Array(), (list, extra, text, bytes) => {
        expect(sizeOf({ list, extra })).toBeGreaterThan(sizeOf({ list }));
        expect(sizeOf(`${text}.`)).toBeGreaterThan(sizeOf(text));
        expect(sizeOf(new Uint8Array([...bytes, 0]))).toBeGreaterThan(sizeOf(bytes));
        if (extra !== undefined) expect(sizeOf([...list, extra])).toBeGreaterThan(sizeOf(list));
      }),
    );
  });

  it("counts a text in UTF-8 and bytes as they are, with few bytes of framing", () => {
    for (const text of ["a".repeat(5000), "é".repeat(1000), "語".repeat(1000)]) {
      const encoded = new TextEncoder().encode(text).length;
      expect(sizeOf(text)).toBeGreaterThan(encoded);
      expect(sizeOf(text)).toBeLessThan(encoded + 20);
      expect(sizeOf(new Uint8Array(encoded))).toBeLessThan(encoded + 20);
    }
  });

  it("of a list of records names their fields once", () => {
    const entry = { term: 1, command: 2 };
    const [one, two, three] = [1, 2, 3].map((count) => sizeOf(new Array(count).fill(entry))) as [number, number, number];
    expect(two - one).toBe(three - two);
    expect(two - one).toBeLessThan(10);
    expect(one).toBeGreaterThan(two - one + 30);
  });
});

describe("the digest", () => {
  const digestOf = (value: unknown) => copied(value).digest;

  it("is that of the copy too, and does not depend on what was copied before", () => {
    fc.assert(
      fc.property(plainData, plainData, (value, other) => {
        const digest = digestOf(value);
        expect(digestOf(copyOverWire(value))).toBe(digest);
        digestOf(other);
        expect(digestOf(value)).toBe(digest);
      }),
    );
  });

  it("differs between two messages of one shape whose contents differ", () => {
    fc.assert(
      fc.property(message, message, (a, b) => {
        fc.pre(!isDeepStrictEqual(a, b));
        expect(digestOf(a)).not.toBe(digestOf(b));
      }),
      { numRuns: 2000 },
    );
  });

  it("differs when one field of a message differs", () => {
    fc.assert(
      fc.property(message, message, fc.constantFrom("term", "leaderId", "entries", "data", "granted"), (a, b, field) => {
        fc.pre(!isDeepStrictEqual(a[field as "term"], b[field as "term"]));
        expect(digestOf({ ...a, [field]: b[field as "term"] })).not.toBe(digestOf(a));
      }),
    );
  });

  it("differs when one character of a long text differs, wherever it stands", () => {
    const text = fc.string({ minLength: 60, maxLength: 300, unit: "grapheme-ascii" });
    fc.assert(
      fc.property(text, fc.nat(), fc.constantFrom("x", "é", "語"), (long, where, character) => {
        const at = where % long.length;
        const other = long.slice(0, at) + character + long.slice(at + 1);
        fc.pre(other !== long);
        expect(digestOf(other)).not.toBe(digestOf(long));
        expect(digestOf(`${long}.`)).not.toBe(digestOf(long));
      }),
    );
  });

  it.each([
    ["the name of a field", { granted: 1 }, { refused: 1 }],
    ["a long name with a small number from a short name with a greater one", { ab: 1 }, { a: 2 }],
    ["a field from a field of a field", { a: { b: 1 }, c: 2 }, { a: { b: 1, c: 2 } }],
    ["which of two records holds a field", [{ a: 1, b: 2 }, {}], [{ a: 1 }, { b: 2 }]],
    ["true from a number", [true], [0x7472]],
    ["false from a number", [false], [0x6661]],
    ["null from a number", [null], [0x6e75]],
    ["a text from a number of its digits", ["1"], [1]],
    ["bytes from a list of numbers", new Uint8Array([1, 2]), [1, 2]],
    ["an empty list from an empty record", { a: [] }, { a: {} }],
    ["an empty record from nothing", { a: 1, b: {} }, { a: 1 }],
  ])("tells %s", (_, a, b) => {
    expect(digestOf(a)).not.toBe(digestOf(b));
  });
});

describe("what can't be sent", () => {
  const selfList: unknown[] = [];
  selfList.push(selfList);
  const selfRecord: Record<string, unknown> = {};
  selfRecord.inner = { outer: selfRecord };
  const cannot = [
    ["a function", () => {}, "a function cannot be sent: messages and commands are plain data"],
    ["a function in a field", { onReply: () => {} }, "onReply: a function cannot be sent: messages and commands are plain data"],
    [
      "a function deep in a list of records",
      { entries: [{ command: 1 }, { command: { run: () => {} } }] },
      "entries[1].command.run: a function cannot be sent: messages and commands are plain data",
    ],
    [
      "a function in a Map",
      { votes: new Map([["S1", () => {}]]) },
      "votes[1]: a function cannot be sent: messages and commands are plain data",
    ],
    ["a symbol", [Symbol("x")], "[0]: a symbol cannot be sent: messages and commands are plain data"],
    ["a promise", { reply: Promise.resolve(1) }, "reply: a Promise cannot be sent: await it first"],
    ["a list that holds itself", selfList, "a value nested more than 200 deep cannot be sent: does it contain itself?"],
    ["a record that holds itself", selfRecord, "a value nested more than 200 deep cannot be sent: does it contain itself?"],
  ] as const;

  it.each(cannot)("is told in one sentence: %s", (_, value, sentence) => {
    expect(() => copyOverWire(value)).toThrow(new TypeError(sentence));
  });

  it("does not spoil the next copy", () => {
    const before = copied({ a: [1, 2] });
    expect(() => copyOverWire({ a: "text", b: () => {} })).toThrow(TypeError);
    expect(copied({ a: [1, 2] })).toEqual(before);
  });
});
