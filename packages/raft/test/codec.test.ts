import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvariantError } from "../src/assert.ts";
import { ByteReader, ByteWriter, DamagedStateError } from "../src/bytes.ts";
import { decodeState, encodeState, type PersistentState } from "../src/codec.ts";
import { readValue, writeValue } from "../src/value.ts";

function bytesOf(value: unknown): Uint8Array {
  const writer = new ByteWriter(4);
  writeValue(writer, value);
  return writer.bytes.slice(0, writer.length);
}

function roundTrip(value: unknown): unknown {
  const reader = new ByteReader(bytesOf(value));
  const result = readValue(reader);
  expect(reader.remaining).toBe(0);
  return result;
}

describe("commands as bytes", () => {
  it.each([
    0,
    127,
    128,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 32,
    Number.MAX_SAFE_INTEGER,
    -1,
    Number.MIN_SAFE_INTEGER,
    -0,
    2 ** 53,
    0.1,
    -1e300,
    Number.MIN_VALUE,
    Infinity,
    -Infinity,
    NaN,
    true,
    false,
    null,
    undefined,
    "",
    "ascii",
    "äöü €",
    "\u{1f600} and \u{10ffff}",
    "lone \ud800, \udc00 and \udc00\ud800",
    "x".repeat(10_000),
    "€".repeat(10_000),
  ])("%o comes back the same", (value) => {
    expect(roundTrip(value)).toBe(value);
  });

  it("byte arrays, arrays and objects come back equal, also with awkward keys", () => {
    const awkward = JSON.parse('{"__proto__": {"x": 1}, "": [], "constructor": null}');
    const value = { bytes: Uint8Array.of(0, 255), list: [undefined, [], {}, [[-5]]], awkward };
    expect(roundTrip(value)).toEqual(value);
    expect(Object.keys((roundTrip(value) as { awkward: object }).awkward)).toEqual(["__proto__", "", "constructor"]);
  });

  it("any JSON-like value comes back equal", () => {
    const leaf = fc.oneof(
      fc.integer(),
      fc.maxSafeInteger(),
      fc.double(),
      fc.string({ unit: "binary" }),
      fc.array(fc.nat(0xffff)).map((units) => String.fromCharCode(...units)),
      fc.boolean(),
      fc.constantFrom(null, undefined),
      fc.uint8Array(),
    );
    const value = fc.anything({ values: [leaf], key: fc.string(), withNullPrototype: false, maxDepth: 4 });
    fc.assert(fc.property(fc.oneof(leaf, value), (command) => void expect(roundTrip(command)).toStrictEqual(command)));
  });

  it("long texts come back equal, whatever stands among their ASCII characters", () => {
    const ascii = fc.string({ unit: "binary-ascii", minLength: 60, maxLength: 300 });
    const other = fc.constantFrom("", "\u00e9", "\u20ac", "\u{1f600}", "\ud83d", "\ude00");
    fc.assert(
      fc.property(
        ascii,
        other,
        ascii,
        (before, between, after) => void expect(roundTrip(before + between + after)).toBe(before + between + after),
      ),
    );
    expect(bytesOf("x".repeat(100))).toHaveLength(102);
  });

  it("a small whole number takes one byte, a command of a lab test at most eight", () => {
    expect(bytesOf(100)).toHaveLength(1);
    expect(bytesOf(2 ** 48)).toHaveLength(9 - 1);
    expect(bytesOf(2 ** 53 - 1).length).toBeLessThanOrEqual(9);
  });

  it("refuses what is not JSON-like, with a word on what to use", () => {
    const cycle: unknown[] = [];
    cycle.push(cycle);
    expect(() => bytesOf(10n)).toThrow("a command cannot hold a bigint; use numbers");
    expect(() => bytesOf([() => 0])).toThrow("cannot hold a function");
    expect(() => bytesOf({ when: new Date(0) })).toThrow("cannot hold an instance of Date; use a plain object");
    expect(() => bytesOf(new Map())).toThrow(TypeError);
    expect(() => bytesOf(cycle)).toThrow("nested deeper than 200 levels, or holds itself");
  });

  it("an object of another realm is plain too", () => {
    const foreignPrototype = Object.create(null);
    expect(roundTrip(Object.assign(Object.create(foreignPrototype), { a: 1 }))).toEqual({ a: 1 });
  });
});

const term = fc.integer({ min: 1, max: 2 ** 40 });
const state: fc.Arbitrary<PersistentState> = fc
  .record({
    votedFor: fc.option(fc.nat(100), { nil: undefined }),
    snapshotIndex: fc.nat(2 ** 40),
    terms: fc.array(term, { minLength: 1, maxLength: 12 }).map((terms) => terms.sort((a, b) => a - b)),
    commands: fc.array(fc.jsonValue(), { minLength: 12, maxLength: 12 }),
    later: fc.nat(1000),
  })
  .map(({ votedFor, snapshotIndex, terms, commands, later }) => ({
    currentTerm: terms.at(-1)! + later,
    votedFor,
    snapshotIndex,
    snapshotTerm: snapshotIndex === 0 ? 0 : terms[0]!,
    entries: terms.map((entryTerm, i) => ({ term: entryTerm, command: commands[i] })),
  }));

describe("persistent state as bytes", () => {
  it("no bytes are the state of a first boot", () => {
    const expected = { currentTerm: 0, votedFor: undefined, snapshotIndex: 0, snapshotTerm: 0, entries: [] };
    expect(decodeState(new Uint8Array(0))).toEqual(expected);
  });

  it("any state comes back equal", () => {
    fc.assert(fc.property(state, (value) => void expect(decodeState(encodeState(value))).toStrictEqual(value)));
  });

  it("25 commands of 53 bits stay far below the lab's 2000 bytes", () => {
    const entries = Array.from({ length: 25 }, (_, i) => ({ term: 300, command: 2 ** 53 - 1 - i }));
    const bytes = encodeState({ currentTerm: 300, votedFor: 2, snapshotIndex: 5000, snapshotTerm: 299, entries });
    expect(bytes.length).toBeLessThan(320);
  });

  it("damaged bytes are decoded to a possible state or refused with a documented error", () => {
    const damage = fc.record({ at: fc.nat(), byte: fc.nat(255), cut: fc.option(fc.nat(), { nil: undefined }) });
    fc.assert(
      fc.property(state, fc.array(damage, { minLength: 1, maxLength: 3 }), (value, damages) => {
        let bytes = encodeState(value);
        for (const { at, byte, cut } of damages) {
          bytes[at % bytes.length] = byte;
          if (cut !== undefined) bytes = bytes.slice(0, 1 + (cut % bytes.length));
        }
        expectStateOrDocumentedError(bytes);
      }),
      { numRuns: 2000 },
    );
    fc.assert(fc.property(fc.uint8Array({ min: 0, maxLength: 60 }), expectStateOrDocumentedError), { numRuns: 2000 });
  });

  it.each([
    { bytes: [2], message: "damaged at byte 1 of 1: format 2, expected 1" },
    { bytes: [1, 5], message: "damaged at byte 2 of 2: ends inside votedFor" },
    { bytes: [1, 5, 0, 0, 0, 9, 1, 0], message: "9 entries do not fit in 2 bytes" },
    { bytes: [1, 5, 0, 0, 0, 1, 1, 0x80, 9], message: "1 bytes after the last of 1 entries" },
    { bytes: [1, 5, 0, 0, 0, 1, 1, 99], message: "99 is no tag of a command's value" },
    { bytes: [1, 5, 0, 0, 0, 1, 1, 7, 5, 65], message: "a string of 5 characters does not fit in 1 bytes" },
    { bytes: [1, 5, 0, 0, 0, 1, 1, 7, 1, 0x80], message: "byte 128 does not begin a character" },
    { bytes: [1, 5, 0, 0, 0, 1, 1, 7, 1, 0xc2, 65], message: "byte 65 does not continue a character" },
    { bytes: [1, 5, 0, 0, 0, 1, 1, 7, 1, 0xc0, 0x80], message: "character code 0 is out of range" },
    { bytes: [1, 5, 0, 0, 0, 1, 1, 7, 1, 0xf0, 0x9f, 0x98, 0x80], message: "a string is longer than its length 1" },
    { bytes: [1, 5, 0, 0, 0, 1, 1, 8, 3, 0], message: "ends inside a byte array: 3 bytes expected, 1 left" },
    { bytes: [1, 5, 0, 0, 0, 1, 1, 9, 8, 0], message: "an array of 8 values does not fit in 1 bytes" },
    { bytes: [1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], message: "currentTerm is larger than 2^53 - 1" },
  ])("says what is wrong: $message", ({ bytes, message }) => {
    expect(() => decodeState(Uint8Array.from(bytes))).toThrow(DamagedStateError);
    expect(() => decodeState(Uint8Array.from(bytes))).toThrow(message);
  });

  it("nesting in damaged bytes cannot overflow the stack", () => {
    const bytes = [1, 5, 0, 0, 0, 1, 1, ...Array.from({ length: 100_000 }, () => [9, 1]).flat(), 0];
    expect(() => decodeState(Uint8Array.from(bytes))).toThrow("nested deeper than 200 levels");
  });

  it.each([
    { bytes: [1, 5, 0, 3, 0, 0], message: "stored snapshot point: index 3 with term 0, expected both 0 or neither" },
    { bytes: [1, 5, 0, 0, 0, 2, 3, 0, 2, 0], message: "stored entry 2 has term 2 after an entry of term 3" },
    { bytes: [1, 5, 0, 0, 0, 1, 6, 0], message: "the stored log ends in term 6, past currentTerm 5" },
  ])("refuses a state that no server can have been in: $message", ({ bytes, message }) => {
    expect(() => decodeState(Uint8Array.from(bytes))).toThrow(InvariantError);
    expect(() => decodeState(Uint8Array.from(bytes))).toThrow(message);
  });
});

function expectStateOrDocumentedError(bytes: Uint8Array): void {
  let decoded: PersistentState;
  try {
    decoded = decodeState(bytes);
  } catch (error) {
    expect(error instanceof DamagedStateError || error instanceof InvariantError).toBe(true);
    return;
  }
  expect(decodeState(encodeState(decoded))).toStrictEqual(decoded);
}
