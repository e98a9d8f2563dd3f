import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatSeed, parseSeed, runSeed } from "../../src/sim/seed.ts";

const word = fc.integer({ min: 0, max: 0xffff_ffff });

describe("seeds as text", () => {
  it("are read back as they were written", () => {
    fc.assert(
      fc.property(word, word, (high, low) => {
        expect(parseSeed(formatSeed({ high, low }))).toEqual({ high, low });
      }),
    );
  });

  it("have 16 lower-case hexadecimal digits", () => {
    expect(formatSeed({ high: 0, low: 10 })).toBe("000000000000000a");
    expect(formatSeed({ high: 0xffff_ffff, low: 0xdead_beef })).toBe("ffffffffdeadbeef");
  });

  it("may be short, upper case or begin with 0x", () => {
    expect(parseSeed("A")).toEqual({ high: 0, low: 10 });
    expect(parseSeed("0xFf")).toEqual({ high: 0, low: 255 });
    expect(parseSeed("123456789")).toEqual({ high: 1, low: 0x23456789 });
  });

  it.each(["", "0x", "g", "-1", " 1", "1 ", "12345678901234567", "0x12345678901234567", "1.5", "1\n"])("are nothing else: %j", (text) => {
    expect(parseSeed(text)).toBeUndefined();
  });
});

describe("runSeed", () => {
  const seed = parseSeed("5eed")!;

  it("of iteration 0 is the command's seed itself", () => {
    expect(runSeed(seed, "TestBackup2B", 0)).toEqual(seed);
  });

  it("gives the seeds that recorded runs were made with", () => {
    expect([1, 2, 49].map((iteration) => formatSeed(runSeed(seed, "TestBackup2B", iteration)))).toMatchInlineSnapshot(`
      [
        "4a2fd3eed7c8b7a9",
        "47363d872b3fe13e",
        "4647a5ce53323381",
      ]
    `);
  });

  it("gives two tests different seeds", () => {
    expect(runSeed(seed, "TestBackup2B", 1)).not.toEqual(runSeed(seed, "TestBackup2C", 1));
  });

  it("never repeats within 100,000 iterations, and can be written and read back", () => {
    const texts = new Set<string>();
    for (let iteration = 0; iteration < 100_000; iteration++) texts.add(formatSeed(runSeed(seed, "TestFigure82C", iteration)));
    expect(texts.size).toBe(100_000);
    expect([...texts].every((text) => /^[0-9a-f]{16}$/.test(text))).toBe(true);
  });
});
