import { appendFileSync, mkdtempSync, readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anyCause, normalised } from "../../src/external/causes.ts";
import { fillIn, fillInForShell, splitWords } from "../../src/external/command-line.ts";
import { goTests } from "../../src/external/go-target.ts";
import { parseLabLine } from "../../src/external/lab-line.ts";
import { RunLog } from "../../src/external/run-log.ts";
import { shellWord } from "../../src/invocation.ts";
import { LoadWatch } from "../../src/load.ts";
import { selectTests } from "../../src/select.ts";
import { tellSlow } from "../../src/slow.ts";

describe("the words of --exec", () => {
  it.each([
    ["./a.sh", ["./a.sh"]],
    ["a  b\tc", ["a", "b", "c"]],
    ["a 'b c' \"d e\"f", ["a", "b c", "d ef"]],
    ["go test -run '^{test}$'", ["go", "test", "-run", "^{test}$"]],
    [String.raw`a\ b "c\"d" 'e\f'`, ["a b", 'c"d', "e\\f"]],
    ["a '' b", ["a", "", "b"]],
    ["sh -c 'echo $HOME | cat'", ["sh", "-c", "echo $HOME | cat"]],
    ["grep a$", ["grep", "a$"]],
  ])("%s", (text, words) => {
    expect(splitWords(text)).toEqual(words);
  });

  it("are what a shell would make of quoted words", () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1 }), (words) => {
        expect(splitWords(words.map(shellWord).join(" "))).toEqual(words);
      }),
    );
  });

  it.each(["a | b", "a && b", "a > b", "a; b", "echo $HOME", "echo $(date)", "echo `date`", 'echo "$(date)"', "(a)"])(
    "%s needs a shell, and says so",
    (text) => {
      expect(() => splitWords(text)).toThrow(/--exec runs no shell, and '.' is for one: .*--shell/);
    },
  );

  it("must be there, and quotes must be closed", () => {
    expect(() => splitWords("  ")).toThrow("--exec must be a command line");
    expect(() => splitWords("a 'b")).toThrow("the quote ' is opened and never closed in: a 'b");
  });

  it("are filled in; for a shell each value stays one word", () => {
    const values = { test: "a b", seed: "1f", iter: "3" };
    expect(fillIn("{test}-{seed}-{iter}-{other}", values)).toBe("a b-1f-3-{other}");
    expect(fillInForShell("run {test} | tee {iter}", values)).toBe("run 'a b' | tee 3");
  });
});

describe("the lab's own line", () => {
  it.each([
    ["  ... Passed --   3.1  3   54   13422    0\n", { seconds: 3.1, servers: 3, rpcs: 54, bytes: 13422, commands: 0 }],
    ["x\n  ... Passed --  12.0  5 1634 1259990  102\nPASS\n", { seconds: 12, servers: 5, rpcs: 1634, bytes: 1259990, commands: 102 }],
    ["  ... Passed --   3.6  3   106        0\n", { seconds: 3.6, servers: 3, rpcs: 106, commands: 0 }],
    ["  ... Passed --  time  0.2s #peers 1 #RPCs     3 #Ops    7\n", { seconds: 0.2, servers: 1, rpcs: 3, commands: 7 }],
    ["a ... Passed --   1.0  3 1 2 3\nb ... Passed --   2.0  3 4 5 6\n", { seconds: 2, servers: 3, rpcs: 4, bytes: 5, commands: 6 }],
    ["  ... Passed --   2.5\n", { seconds: 2.5 }],
    ["PASS\n", undefined],
    ["  ... Passed -- well\n", undefined],
  ])("%j", (text, line) => {
    expect(parseLabLine(text)).toEqual(line);
  });
});

describe("causes", () => {
  it.each([
    ["one(107) failed to reach agreement after 1795268475334 ms", "one(#) failed to reach agreement after # ms"],
    ["dial 127.0.0.1:45821: refused", "dial #.#:#: refused"],
    ["pointer 0xc000012340, took 1.25s", "pointer #, took #"],
    ["open /tmp/raft-stress-abc/0/tmp/x: no such file", "open /tmp/#: no such file"],
    ["S2 differs from S0 in TestBackup2B", "S2 differs from S0 in TestBackup2B"],
    ["id 3f2504e0-4f89-41d3-9a0c-0305e82c3301 lost", "id # lost"],
    ["\u001b[31mred\u001b[0m   text", "red text"],
  ])("%s is counted as %s", (message, cause) => {
    expect(normalised(message)).toBe(cause);
  });

  it.each([
    [
      'Traceback (most recent call last):\n  File "/a/t.py", line 3, in main\n    f(4)\n  File "/a/t.py", line 7, in f\n    assert x\nAssertionError: lost 4 of 9\n',
      "AssertionError: lost # of # in f (t.py:7)",
    ],
    [
      "thread 'main' panicked at src/main.rs:4:5:\nno leader after 5 s\nnote: run with `RUST_BACKTRACE=1`\n",
      "panic: no leader after # s in src/main.rs:4",
    ],
    ["ok\nError: no leader\n    at elect (file:///x/y/raft.mjs:10:9)\n    at run (b.mjs:1:1)\n", "Error: no leader in elect (raft.mjs:10)"],
    [
      'Exception in thread "main" java.lang.IllegalStateException: gone\n\tat org.lab.Raft.start(Raft.java:10)\n',
      'Exception in thread "main" java.lang.IllegalStateException: gone in org.lab.Raft.start(Raft.java:10)',
    ],
    ["some text\n2026/11/21 10:00:00 error: cannot commit 12\nbye\n", "error: cannot commit #"],
    ["some text\nmore text\n\nFAIL\nexit status 1\n", "more text"],
  ])("%j", (output, expected) => {
    expect(anyCause(output)?.cause).toBe(expected);
  });

  it("of an output without a word there is none", () => {
    expect(anyCause("\n \n")).toBeUndefined();
  });
});

describe("Go tests are named as the built-in ones are", () => {
  const names = (patterns: readonly string[], all: readonly string[]) => selectTests(patterns, goTests(all)).tests.map(({ name }) => name);
  const older = ["TestElection2A", "TestAgree2B", "TestBackup2B", "TestOther"];
  const newer = ["TestElection3A", "TestBackup3B"];
  const both = ["TestRaft2A", "TestKv3A"];

  it.each([
    [["2B"], older, ["TestAgree2B", "TestBackup2B"]],
    [["3B"], older, ["TestAgree2B", "TestBackup2B"]],
    [["2b"], newer, ["TestBackup3B"]],
    [["TestBackup2B"], newer, ["TestBackup3B"]],
    [["TestBackup3B"], older, ["TestBackup2B"]],
    [["3A"], both, ["TestKv3A"]],
    [["2A"], both, ["TestRaft2A"]],
    [["Test*2B", "TestOther"], older, ["TestAgree2B", "TestBackup2B", "TestOther"]],
    [[], older, older],
  ])("%j of %j", (patterns, all, expected) => {
    expect(names(patterns, all)).toEqual(expected);
  });

  it("and an unknown one is an error", () => {
    expect(() => names(["TestBakup2B"], older)).toThrow("no test is named or matched by 'TestBakup2B'; nearest: TestBackup2B");
  });
});

describe("a run's log", () => {
  const newLog = (limit: number) => new RunLog(join(mkdtempSync(join(tmpdir(), "raft-stress-log-")), "output"), limit);

  it("holds what was appended by others, and our notes on lines of their own", () => {
    const log = newLog(10_000);
    appendFileSync(log.path, "no end of line");
    log.note("hello");
    appendFileSync(log.path, "more\n");
    log.note("again");
    expect(log.whole()).toBe("no end of line\nraft-stress: hello\nmore\nraft-stress: again\n");
    expect(log.tail(6)).toBe("again\n");
  });

  it("is kept below its limit: beginning and end stay, the cut tells how much is missing", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 9000 }), { maxLength: 12 }), (sizes) => {
        const log = newLog(4096);
        let all = "";
        for (const [index, size] of sizes.entries()) {
          const text = `${String(index).padStart(4, "0")}${"x".repeat(size)}`;
          all += text;
          appendFileSync(log.path, text);
          log.keepBelowLimit();
        }
        const kept = readFileSync(log.path, "utf8");
        expect(statSync(log.path).size).toBeLessThanOrEqual(4096);
        const [head, tail] = kept.split(/\nraft-stress: \d+ bytes are left out here \(--log-limit\)\n/);
        if (tail === undefined) expect(kept).toBe(all);
        else {
          const cut = Number(/raft-stress: (\d+) bytes/.exec(kept)?.[1]);
          expect(all.startsWith(head!)).toBe(true);
          expect(all.endsWith(tail)).toBe(true);
          expect(head!.length + cut + tail.length).toBe(all.length);
        }
        log.close();
      }),
    );
  });
});

describe("slow runs", () => {
  it("are named when they have taken that long, and again each time that long has passed", () => {
    const told = new Map<string, number>();
    const job = { test: "TestX", iteration: 3, seed: "0f" };
    const at = (runMs: number) => {
      const lines: string[] = [];
      tellSlow([{ job, runMs, where: "pid 7" }], 1000, told, (line) => lines.push(line));
      return lines;
    };
    expect(at(999)).toEqual([]);
    expect(at(1100)).toEqual(["still running after 1.1 s: TestX, iteration 3, seed 0f, pid 7"]);
    expect(at(1900)).toEqual([]);
    expect(at(3100)).toHaveLength(1);
    tellSlow([], 1000, told, () => {});
    expect(told.size).toBe(0);
  });

  it("that are many are counted", () => {
    const lines: string[] = [];
    const runs = Array.from({ length: 8 }, (_, iteration) => ({ job: { test: "T", iteration, seed: "1" }, runMs: 2000 + iteration }));
    tellSlow(runs, 1000, new Map(), (line) => lines.push(line));
    expect(lines).toHaveLength(6);
    expect(lines[0]).toContain("iteration 7,");
    expect(lines[5]).toBe("still running: 3 more runs, for at least 1s");
  });
});

describe("the machine's load", () => {
  it("is smoothed over a second", () => {
    let load = 0;
    const watch = new LoadWatch(() => load, 0);
    load = 10;
    expect(watch.now(100)).toBeCloseTo(10 * (1 - Math.exp(-0.1)));
    expect(watch.now(10_000)).toBeCloseTo(10, 2);
  });
});
