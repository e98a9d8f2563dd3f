import { describe, expect, it } from "vitest";
import { beyondTests } from "../../src/beyond/index.ts";
import { coverageKeys } from "../../src/check/coverage.ts";
import { clusterSize } from "../../src/lab/cluster-sizes.ts";
import { labTests } from "../../src/lab/index.ts";

describe("the tests beyond the lab", () => {
  it("are named and numbered as the lab's own, and none is called like one of those", () => {
    const names = [...labTests, ...beyondTests].flatMap(({ name, alias }) => [name, alias]);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, alias, part, title } of beyondTests) {
      expect(name).toMatch(/^Test[A-Z]\w+2X$/);
      expect(alias).toBe(name.replace(/2X$/, "3X"));
      expect(part).toBe("2X");
      expect(title).not.toBe("");
    }
  });

  it("say what they exist to reach, and every counter is somebody's", () => {
    expect(new Set(beyondTests.flatMap(({ reaches }) => reaches))).toEqual(new Set(coverageKeys));
  });

  it("draw every one of their sizes, and small ones more often", () => {
    for (const { servers } of beyondTests) {
      const possible = typeof servers === "number" ? [servers] : servers;
      const sizes = Array.from({ length: 1000 }, (_, low) => clusterSize(servers, { high: 7, low }));
      const counts = possible.map((size) => sizes.filter((drawn) => drawn === size).length);
      expect(counts.reduce((sum, count) => sum + count)).toBe(sizes.length);
      expect(counts).toEqual(counts.toSorted((a, b) => b - a));
      expect(counts.at(-1)).toBeGreaterThan(20);
    }
  });
});
