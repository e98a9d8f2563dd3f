import { describe, expect, it } from "vitest";
import { exitCodes, UserError } from "../src/exit-codes.ts";
import { selectTests, type TestInfo } from "../src/select.ts";
import { showSizes } from "../src/show-sizes.ts";
import { someTests, testInfo } from "./support/tests.ts";

function names(...patterns: string[]): readonly string[] {
  return selectTests(patterns, someTests).tests.map(({ name }) => name);
}

function refusal(patterns: readonly string[], catalogue = someTests): UserError {
  try {
    selectTests(patterns, catalogue);
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error(`${patterns.join(" ")} was accepted`);
}

describe("tests that belong to no course", () => {
  const beyond: TestInfo = { ...testInfo("TestPartitions2X", "2X", "beyond"), onlyWhenNamed: true };
  const all = [...someTests, beyond];
  const chosen = (...patterns: string[]) => selectTests(patterns, all).tests.map(({ name }) => name);

  it("are left out when nothing is named", () => {
    expect(chosen()).toEqual(someTests.map(({ name }) => name));
  });

  it("are found like any other by name, alias, part, suite and pattern", () => {
    for (const word of ["TestPartitions2X", "TestPartitions3X", "2X", "3x", "beyond:2X", "Partition", "Test*2X"])
      expect(chosen(word)).toEqual(["TestPartitions2X"]);
    expect(chosen("2X", "TestCount2B")).toEqual(["TestPartitions2X", "TestCount2B"]);
  });

  it("are among the nearest names of a misspelt one", () => {
    expect(refusal(["TestPartitoins2X"], all).message).toContain("nearest: TestPartitions2X");
  });
});

describe("the number of servers", () => {
  it("is shown as a number, as a range without gaps, or as what it may be", () => {
    expect([5, [3, 4, 5, 6, 7], [3, 5], [4, 6], [3, 4, 6]].map(showSizes)).toEqual(["5", "3-7", "3, 5", "4, 6", "3, 4, 6"]);
  });
});

describe("naming tests", () => {
  it("no name is every test", () => {
    expect(names()).toHaveLength(someTests.length);
  });

  it("takes a name, its alias, a part and a part of the newer years", () => {
    expect(names("TestBackup2B")).toEqual(["TestBackup2B"]);
    expect(names("TestBackup3B")).toEqual(["TestBackup2B"]);
    expect(names("2A")).toEqual(["TestInitialElection2A", "TestReElection2A"]);
    expect(names("3a")).toEqual(["TestInitialElection2A", "TestReElection2A"]);
  });

  it("an exact name is not also a pattern", () => {
    expect(names("TestFigure82C")).toEqual(["TestFigure82C"]);
  });

  it("expands a pattern in course order: text, glob, regular expression, in any case", () => {
    expect(names("Figure8")).toEqual(["TestFigure82C", "TestFigure8Unreliable2C"]);
    expect(names("*2B")).toEqual(["TestBackup2B", "TestCount2B"]);
    expect(names("Test.*2C")).toEqual(["TestFigure82C", "TestFigure8Unreliable2C"]);
    expect(names("Test?ount2B")).toEqual(["TestCount2B"]);
    expect(names("(Backup|Count)")).toEqual(["TestBackup2B", "TestCount2B"]);
    expect(names("election")).toEqual(["TestInitialElection2A", "TestReElection2A"]);
  });

  it("keeps the order of the names, and takes a test once", () => {
    expect(names("2B", "TestReElection2A", "TestBackup2B", "2A")).toEqual([
      "TestBackup2B",
      "TestCount2B",
      "TestReElection2A",
      "TestInitialElection2A",
    ]);
  });

  it("forgives commas with a warning, but leaves a regular expression its own", () => {
    const { tests, warnings } = selectTests(["TestBackup2B,TestCount2B,"], someTests);
    expect(tests.map(({ name }) => name)).toEqual(["TestBackup2B", "TestCount2B"]);
    expect(warnings).toEqual(["tests are separated by spaces: 'TestBackup2B,TestCount2B,' is read as 'TestBackup2B TestCount2B'"]);
    expect(names("E{1,1}lection2A")).toEqual(["TestInitialElection2A", "TestReElection2A"]);
  });

  it("a name that matches nothing is an error that shows the nearest", () => {
    const error = refusal(["TestBakup2B"]);
    expect(error.exitCode).toBe(exitCodes.noTest);
    expect(error.message).toMatch(/^no test is named or matched by 'TestBakup2B'; nearest: TestBackup2B, /);
  });

  it("an expression that cannot be read is an error of usage", () => {
    expect(refusal(["Test("])).toMatchObject({ exitCode: exitCodes.usage, message: expect.stringContaining("Unterminated group") });
  });

  it("a part of two suites must say which, and a suite must exist", () => {
    const two = [...someTests, testInfo("TestKvBasic", "3A", "kv")];
    expect(refusal(["3A"], two).message).toContain("write raft:3A or kv:3A");
    expect(selectTests(["kv:3A"], two).tests.map(({ name }) => name)).toEqual(["TestKvBasic"]);
    expect(refusal(["shard:3A"], two)).toMatchObject({ exitCode: exitCodes.noTest, message: expect.stringContaining("suites: raft, kv") });
  });
});
