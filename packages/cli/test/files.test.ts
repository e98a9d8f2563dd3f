import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkWritable, directoryNameFor, logStore } from "../src/artifacts.ts";
import { shellWord } from "../src/invocation.ts";
import { formatLog, parseLogHeader } from "../src/log-file.ts";
import { finished } from "./support/tests.ts";

const scratch = mkdtempSync(join(tmpdir(), "raft-stress-files-"));

describe("the directory of the logs", () => {
  it("is named after the time", () => {
    expect(directoryNameFor(new Date(2026, 10, 21, 4, 15, 0))).toBe("20261121_041500");
  });

  it("is made with the first log, and not before", () => {
    const directory = join(scratch, "made", "late");
    checkWritable(directory);
    expect(existsSync(join(scratch, "made"))).toBe(false);
    const store = logStore(directory, () => {});
    expect(existsSync(directory)).toBe(false);
    expect(store.save("TestX_0", { text: "text\n" })).toBe(join(directory, "TestX_0.log"));
    expect(readFileSync(join(directory, "TestX_0.log"), "utf8")).toBe("text\n");
  });

  it("must be a directory that can be made and written", () => {
    const file = join(scratch, "file");
    writeFileSync(file, "");
    expect(() => checkWritable(file)).toThrow(`--output must be a directory, and '${file}' is a file`);
    expect(() => checkWritable(join(file, "below"))).toThrow("a part of the path is a file");
    expect(() => checkWritable("/proc/raft-stress/x")).toThrow("logs cannot be written");
    const readOnly = join(scratch, "read-only");
    mkdirSync(readOnly);
    chmodSync(readOnly, 0o555);
    // The superuser may write anywhere.
    if (process.getuid?.() !== 0) expect(() => checkWritable(readOnly)).toThrow("permission denied");
  });

  it("a log that cannot be written is warned of once, and the runs go on", () => {
    const file = join(scratch, "in-the-way");
    writeFileSync(file, "");
    const warnings: string[] = [];
    const store = logStore(join(file, "logs"), (sentence) => warnings.push(sentence));
    expect([store.save("a", { text: "" }), store.save("b", { text: "" })]).toEqual([undefined, undefined]);
    expect(warnings).toHaveLength(1);
  });
});

describe("a log", () => {
  const origin = {
    version: "0.1.0",
    raft: "./my raft.mjs",
    clock: "virtual",
    traceLevel: "debug",
    directory: "/somewhere",
    flags: ["TestX", "-n", "5"],
  } as const;
  const { result } = finished({ outcome: "fail", iteration: 31 });

  it("says at its beginning how to repeat the run", () => {
    const text = formatLog({ ...result, log: "Test (2A): x ...\n000000 TEST start S0\n" }, origin, "raft-stress TestX --seed 1f -n 1");
    expect(parseLogHeader(text)).toEqual({
      test: "TestInitialElection2A",
      iteration: 31,
      seed: "000000000000001f",
      raft: "./my raft.mjs",
      clock: "virtual",
      checkedMode: false,
      directory: "/somewhere",
      outcome: "fail",
      traceHash: "0123456789abcdef",
    });
    expect(text).toContain("\nflags: TestX -n 5\n");
    expect(text).toContain("\nreason: the reason of 31\n");
    expect(text.endsWith("\n\nTest (2A): x ...\n000000 TEST start S0\n")).toBe(true);
  });

  it("of a run in checked mode says so, and which schedule it had", () => {
    const schedule = "random ties, instants of 5 ms (fair: everything is judged)";
    const text = formatLog({ ...result, schedule, excused: "too\nslow" }, { ...origin, checkedMode: true }, "x");
    expect(parseLogHeader(text)).toMatchObject({ checkedMode: true });
    expect(text).toContain(`\nclock: virtual\nmode: checked\nschedule: ${schedule}\n`);
    expect(text).toContain("\nexcused: too slow\n");
  });

  it("of a run that was another one beside others says which those were", () => {
    const replay = "raft-stress TestX --seed 00000000000005ee -n 32 -p 1 --raft r.ts --check-determinism";
    expect(parseLogHeader(formatLog(result, origin, replay))).toMatchObject({ beside: { seed: "00000000000005ee", runs: 32 } });
  });

  it("of a run that was stopped has no trace hash", () => {
    expect(parseLogHeader(formatLog({ ...result, traceHash: "" }, origin, "x"))).toMatchObject({ traceHash: undefined });
  });

  it.each(["", "hello\n", "raft-stress log, format 1\n", "raft-stress log, format 1\ntest: T\nseed: 12\niteration: 0\nclock: virtual\n\n"])(
    "%j is none",
    (text) => {
      expect(parseLogHeader(text)).toBeUndefined();
    },
  );
});

describe("a word for the shell", () => {
  it.each([
    ["./a-b/c.mjs", "./a-b/c.mjs"],
    ["my raft.mjs", "'my raft.mjs'"],
    ["it's", "'it'\\''s'"],
    ["", "''"],
    ["$HOME", "'$HOME'"],
  ])("%s is written %s", (word, text) => {
    expect(shellWord(word)).toBe(text);
  });
});
