import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { firstPlace, registerSourceMap, shownPath, withScriptPositions, withSourcePositions } from "../src/source-positions.ts";

const here = (name: string) => join(process.cwd(), name);
// Line 1 is line 12 of the first source, line 3 column 5 is line 1 column 3 of the second.
const map = { version: 3, sources: [here("src/my raft.ts"), "/elsewhere/dep.ts"], names: [], mappings: "AAWA;;ICXE" };
registerSourceMap("raft-stress:/a.ts", JSON.stringify(map));
registerSourceMap("raft-stress:/broken.ts", "no JSON at all");
registerSourceMap("raft-stress:/named.ts", JSON.stringify(map), { _Vote: "Vote", sleep2: "sleep" });

describe("the first place of a stack", () => {
  it.each([
    ["raft.ts:5:11 (Store.load)", "Error: no\n    at Store.load (raft.ts:5:11)\n    at raft.ts:9:1"],
    ["raft.ts:9:1", "Error: no\n    at raft.ts:9:1"],
    ["/elsewhere/a b.ts:9:1 (async run)", "Error: at node:x\n    at Array.map (<anonymous>)\n    at async run (/elsewhere/a b.ts:9:1)"],
    ["raft.ts:9:1", "Error\n    at Object.now (node:internal/x:1:2)\n    at async raft.ts:9:1"],
    [undefined, "Error: at raft.ts:1:1\n    at node:internal/x:1:2"],
    [undefined, ""],
  ])("is %s", (place, stack) => {
    expect(firstPlace(stack)).toBe(place);
  });
});

describe("places in a script made in memory", () => {
  it("are shown as those of its sources, wherever they are in a text", () => {
    expect(withScriptPositions("x (raft-stress:/a.ts:1:1), raft-stress:/a.ts:3:5 | at raft-stress:/a.ts:1:1")).toBe(
      "x (src/my raft.ts:12:1), /elsewhere/dep.ts:1:3 | at src/my raft.ts:12:1",
    );
  });

  it("are those of functions and classes with their own names", () => {
    const frames = ["async sleep2", "new _Vote", "_Vote.sleep2 [as wait]", "_Vote2.sleep", "Function.toString"];
    const shown = ["async sleep", "new Vote", "Vote.sleep [as wait]", "_Vote2.sleep", "Function.toString"];
    const stack = (names: readonly string[], place: string) => names.map((name) => `    at ${name} (${place}:1:1)`).join("\n");
    const more = "sleep2 (_Vote) at sleep2";
    expect(withScriptPositions(`${more}\n${stack(frames, "raft-stress:/named.ts")}\n${more}`)).toBe(
      `${more}\n${stack(shown, "src/my raft.ts").replaceAll(":1:1", ":12:1")}\n${more}`,
    );
    expect(withScriptPositions(stack(frames, "raft-stress:/a.ts"))).toBe(stack(frames, "src/my raft.ts").replaceAll(":1:1", ":12:1"));
  });

  it("stay as they are without a line, and beyond what the map knows", () => {
    for (const text of ["raft-stress:/a.ts", "raft-stress:/a.ts:", "raft-stress:/a.ts:x:1", "raft-stress:/a.ts:1", "raft-stress:/b.ts:1:1"])
      expect(withScriptPositions(text)).toBe(text);
  });

  it("leave every other text alone, and a map that is not needed unread", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!text.includes("raft-stress:/"));
        expect(withScriptPositions(text)).toBe(text);
      }),
    );
  });

  it("make a stack that has no frames of ours or of Node's", () => {
    const stack = [
      "Error: at node:internal/x",
      "    at fail (raft-stress:/a.ts:1:1)",
      "    at new Raft (raft-stress:/a.ts:3:5)",
      "    at Array.map (<anonymous>)",
      "    at async raft-stress:/a.ts:1:1",
      "    at EventEmitter.emit (node:events:519:28)",
      "    at makeRaft (file:///x/packages/cli/dist/implementation/load.js:1:1)",
      "    at file:///x/a.js:1:1",
      "    at /x/a.js:1:1",
      "    at Object.run (/x/a b/c.js:1:1)",
      "    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)",
    ];
    expect(withSourcePositions(stack.join("\n")).split("\n")).toEqual([
      "Error: at node:internal/x",
      "    at fail (src/my raft.ts:12:1)",
      "    at new Raft (/elsewhere/dep.ts:1:3)",
      "    at Array.map (<anonymous>)",
      "    at async src/my raft.ts:12:1",
      "    at EventEmitter.emit (node:events:519:28)",
    ]);
  });
});

describe("a path", () => {
  it("is relative below the current directory, and whole elsewhere", () => {
    expect(shownPath(here("a/b.ts"))).toBe("a/b.ts");
    expect(shownPath(here("..a/b.ts"))).toBe("..a/b.ts");
    expect(shownPath("/elsewhere/b.ts")).toBe("/elsewhere/b.ts");
    expect(shownPath(join(process.cwd(), "..", "b.ts"))).toBe(join(process.cwd(), "..", "b.ts"));
  });
});
