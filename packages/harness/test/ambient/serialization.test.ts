import { deserialize, type Serializer as RealSerializer, serialize as realSerialize } from "node:v8";
import { expect, it } from "vitest";
import { repeatableSerialization } from "../../src/ambient/serialization.ts";
import { withAmbient } from "../support/ambient.ts";

const { serialize, DefaultSerializer, Serializer } = repeatableSerialization;

it("a server's serialize is the repeatable one", () =>
  withAmbient(({ requireBuiltin }) => {
    const v8 = requireBuiltin("node:v8") as Record<string, unknown>;
    expect(v8).toMatchObject({ serialize, DefaultSerializer, Serializer });
    expect(v8.deserialize).toBe(deserialize);
  }));

const shared = { n: 1 };
const cyclic: Record<string, unknown> = { shared, again: shared, text: "wide: €" };
cyclic.self = cyclic;

class Point {
  x = 1;
  #hidden = 2;
  get sum() {
    return this.x + this.#hidden;
  }
}

const values: [what: string, value: unknown][] = [
  ["numbers", [0, -0, 1, -1, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]],
  ["primitives", { text: "x", wide: "€", latin: "é", yes: true, none: null, nothing: undefined, big: 2n ** 70n }],
  ["an empty array", []],
  ["an array with holes", Object.assign(new Array(5), { 1: "a", 3: 4 })],
  ["an array with names", Object.assign([1, 2], { name: "x" })],
  ["a long sparse array", Object.assign([], { 1000000: 1 })],
  ["keys in any order", { b: 1, 10: 2, a: 3, 2: 4, "": 5, ["__proto__"]: 6 }],
  [
    "maps and sets",
    new Map<unknown, unknown>([
      ["a", new Set([1, "1", { deep: [1.5, 2] }])],
      [{ key: 1 }, 2],
    ]),
  ],
  ["bytes", { bytes: Uint8Array.from([1, 2, 3]), buffer: Buffer.from("x"), floats: Float64Array.from([1, 0.5]), raw: new ArrayBuffer(2) }],
  ["dates, expressions, errors, boxes", [new Date(5), /x/g, new RangeError("out"), Object(1), Object("s")]],
  ["references", cyclic],
  ["an object of a class", new Point()],
  ["an object without a prototype", Object.assign(Object.create(null), { a: 1 })],
];

it.each(values)("%s are read as they were written", (_, value) => {
  expect(deserialize(serialize(value))).toEqual(deserialize(realSerialize(value)));
});

it.each(values)("%s that were read are written in the same bytes", (_, value) => {
  // What an Error and a regular expression hold beside their value is not copied.
  expect(serialize(deserialize(serialize(value))).toString("hex")).toBe(serialize(value).toString("hex"));
});

it("what cannot be written is an error, as ever", () => {
  for (const value of [() => 1, Symbol("s"), { f() {} }, [Promise.resolve()], new Proxy({ a: 1 }, {}), new WeakMap()]) {
    expect(() => serialize(value)).toThrow(/could not be cloned/);
  }
});

/** The same record, whose fields V8 comes to hold as floats when it has seen one. */
function record(term: number) {
  return { term, log: [term, { index: term }] };
}

it("the bytes do not depend on what V8 has learned", () => {
  const real = realSerialize(record(1)).toString("hex");
  const cold = serialize(record(1)).toString("hex");
  record(1.5);
  expect(realSerialize(record(1)).toString("hex")).not.toBe(real);
  expect(serialize(record(1)).toString("hex")).toBe(cold);
  // An array is the same one whether there is room for it beforehand or not.
  const filled = new Array<unknown>(3).fill(1);
  expect(serialize(filled)).toEqual(serialize([1, 1, 1]));
  expect(serialize([1.5, 2].slice(1))).toEqual(serialize([2]));
});

it("serializers of one's own write the same, step by step", () => {
  const bytes = (One: typeof RealSerializer) => {
    const serializer = new One();
    serializer.writeHeader();
    serializer.writeUint32(7);
    serializer.writeValue(record(1));
    return serializer.releaseBuffer();
  };
  record(1.5);
  expect(bytes(Serializer)).toEqual(bytes(DefaultSerializer));
  expect([Serializer.name, DefaultSerializer.name]).toEqual(["Serializer", "DefaultSerializer"]);
});
