import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { commandLineSource, completeOptions, environmentSource, type RawOptions } from "../src/complete-options.ts";
import { configSources } from "../src/config-file.ts";
import { optionNames, optionTable } from "../src/options.ts";
import { optionsDocument } from "../src/options-doc.ts";
import { wantsColour } from "../src/output.ts";
import { traceLevel } from "../src/settings.ts";

const complete = (values: RawOptions) => completeOptions([commandLineSource(values)]).options;

describe("options", () => {
  it("have the defaults of dstest.py where it has the letter", () => {
    expect(complete({})).toMatchObject({
      workers: 1,
      iter: 10,
      sequential: false,
      loop: false,
      growth: 10,
      archive: false,
      verbose: 0,
      timing: false,
    });
  });

  it("have no letter twice", () => {
    const letters = optionNames.flatMap((name) => {
      const spec = optionTable[name];
      return [spec.letter, spec.kind === "switch" ? spec.oppositeLetter : undefined].filter((letter) => letter !== undefined);
    });
    expect(letters).toEqual([...new Set(letters)]);
    for (const letter of "pnsovarRlgtTxq") expect(letters).toContain(letter);
  });

  it.each<[RawOptions, string]>([
    [{ iter: "0" }, "--iter must be a whole number of at least 1, got '0'"],
    [{ workers: "-1" }, "--workers must be a whole number of at least 1, got '-1'"],
    [{ iter: "x" }, "--iter must be a whole number of at least 1, got 'x'"],
    [{ iter: "1e3" }, "--iter must be a whole number of at least 1, got '1e3'"],
    [{ for: "5" }, "--for must be a duration above zero with its unit, such as 90s, 2m or 8h, got '5'"],
    [{ clock: "fast" }, "--clock must be virtual or real, got 'fast'"],
    [{ seed: "xyz" }, "--seed must be 1 to 16 hexadecimal digits, got 'xyz'"],
    [{ until: "1%" }, "--until must be a failure rate and a confidence such as 1%@95%, got '1%'"],
    [{ require: "0%@95%" }, "--require must be a failure rate and a confidence such as 1%@95%, got '0%@95%'"],
    [{ growth: "0.5" }, "--growth must be a number of at least 1, got '0.5'"],
    [{ reporter: "panel,junit" }, "--reporter must be a list of panel, line and json, got 'panel,junit'"],
    [{ race: true, clock: "real" }, "--race needs the virtual clock: on --clock real nobody can choose the order of simultaneous events"],
    [{ until: "1%@95%", iter: "5" }, "--until finds the number of runs itself: give either --until or --iter"],
    [{ growth: "2" }, "--growth is the growth per round of --loop: give --loop too"],
    [{ checkDeterminism: true, clock: "real" }, "--check-determinism needs the virtual clock: on --clock real no two runs are the same"],
  ])("%o is refused: %s", (values, message) => {
    expect(() => complete(values)).toThrow(message);
  });

  it("accepts -r and -R", () => {
    expect(complete({ race: true }).race).toBe(true);
    expect(complete({ race: false }).race).toBe(false);
  });

  it("reads evidence", () => {
    expect(complete({ until: "0.5%@99.9%" }).until).toEqual({ rate: 0.005, confidence: expect.closeTo(0.999), text: "0.5%@99.9%" });
  });
});

describe("where options come from", () => {
  const directory = mkdtempSync(join(tmpdir(), "raft-stress-config-"));
  const file = (name: string, text: string) => writeFileSync(join(directory, name), text);
  file("a.json", JSON.stringify({ iter: 30, workers: 3, "check-determinism": true, profiles: { nightly: { iter: 40, loop: true } } }));

  it("flag, environment, profile, file, default", async () => {
    const config = await configSources("a.json", "nightly", directory);
    const environment = environmentSource({ RAFT_STRESS_WORKERS: "7", RAFT_STRESS_SEED: "abc", RAFT_STRESS_STATS: "" });
    const { options, given } = completeOptions([commandLineSource({ seed: "def" }), environment, ...config]);
    expect(options).toMatchObject({ seed: "def", workers: 7, iter: 40, loop: true, checkDeterminism: true, stats: false, growth: 10 });
    expect([...given].toSorted()).toEqual(["checkDeterminism", "iter", "loop", "seed", "workers"]);
  });

  it("a message names the place", async () => {
    expect(() => completeOptions([environmentSource({ RAFT_STRESS_ITER: "many" })])).toThrow("RAFT_STRESS_ITER must be a whole number");
    file("bad.json", '{ "iter": "many" }');
    expect(() => completeOptions([environmentSource({})])).not.toThrow();
    const sources = await configSources("bad.json", undefined, directory);
    expect(() => completeOptions(sources)).toThrow("bad.json: iter must be a whole number of at least 1, got 'many'");
  });

  it("finds a file of the usual name, and does without", async () => {
    expect(await configSources(undefined, undefined, directory)).toEqual([]);
    file("raft-stress.config.mjs", "export default { stats: true };");
    expect(completeOptions(await configSources(undefined, undefined, directory)).options.stats).toBe(true);
  });

  it.each<[string, string, string | undefined, string]>([
    ["unknown.json", '{ "iterr": 1 }', undefined, "there is no option 'iterr'; nearest: iter"],
    ["broken.json", "{", undefined, "cannot be read"],
    ["list.json", "[]", undefined, "must hold an object of options"],
    ["inner.json", '{ "config": "x" }', undefined, "there is no option 'config'"],
    ["profiles.json", '{ "profiles": { "day": {} } }', "night", "no profile 'night' in profiles.json; it has day"],
  ])("%s with %s is refused", async (name, text, profile, message) => {
    file(name, text);
    await expect(configSources(name, profile, directory)).rejects.toThrow(message);
  });

  it("a file that is not there is refused", async () => {
    await expect(configSources("nowhere.json", undefined, directory)).rejects.toThrow("configuration file 'nowhere.json' does not exist");
  });
});

describe("docs/options.md", () => {
  it("is what the table says (node packages/cli/scripts/write-options-doc.mjs writes it)", () => {
    expect(readFileSync(new URL("../../../docs/options.md", import.meta.url), "utf8")).toBe(optionsDocument());
  });
});

describe("environment", () => {
  it.each([
    ["auto", true, {}, true],
    ["auto", false, {}, false],
    ["auto", true, { NO_COLOR: "1" }, false],
    ["auto", true, { NO_COLOR: "" }, true],
    ["auto", false, { FORCE_COLOR: "1" }, true],
    ["auto", true, { FORCE_COLOR: "0" }, false],
    ["auto", false, { FORCE_COLOR: "1", NO_COLOR: "1" }, false],
    ["auto", true, { TERM: "dumb" }, false],
    ["always", false, { NO_COLOR: "1" }, true],
    ["never", true, { FORCE_COLOR: "1" }, false],
  ] as const)("--color %s, terminal %s, %o: %s", (color, isTerminal, environment, expected) => {
    expect(wantsColour(color, isTerminal, environment)).toBe(expected);
  });

  it("RAFT_LOG names the detail of the logs, -v adds a level", () => {
    expect(traceLevel(undefined, 0)).toBe("debug");
    expect(traceLevel("none", 0)).toBe("none");
    expect(traceLevel("none", 1)).toBe("debug");
    expect(traceLevel("debug", 5)).toBe("trace");
    expect(() => traceLevel("all", 0)).toThrow("RAFT_LOG must be none, debug or trace, got 'all'");
  });
});
