import { CommanderError } from "commander";
import { describe, expect, it } from "vitest";
import { exitCodes, UserError } from "../src/exit-codes.ts";
import { explain } from "../src/explain.ts";
import { openJson } from "../src/json-target.ts";

describe("what ended the command", () => {
  it("is a sentence, when the user can put it right", () => {
    expect(explain(new UserError("no such test", exitCodes.noTest))).toEqual({ text: "raft-stress: no such test", exitCode: 4 });
    expect(explain(new CommanderError(1, "x", "error: unknown option '--iterr'\n(Did you mean --iter?)"))).toEqual({
      text: "raft-stress: unknown option '--iterr' (Did you mean --iter?); raft-stress --help lists the options",
      exitCode: 2,
    });
    expect(explain(new CommanderError(0, "commander.help", "(outputHelp)"))).toEqual({ text: "", exitCode: 0 });
  });

  it("is a stack, when it is our fault", () => {
    const { text, exitCode } = explain(new TypeError("x is not a function"));
    expect(exitCode).toBe(70);
    expect(text).toMatch(/^TypeError: x is not a function\n +at .*explain\.test\.ts/);
    expect(text).toMatch(/\nraft-stress: this is a fault of raft-stress, .* report it with the lines above$/);
    expect(explain("a string that was thrown").text).toMatch(/^a string that was thrown\n/);
  });
});

describe("JSON lines on a full disk", () => {
  it.skipIf(process.platform !== "linux")("are given up with one warning", () => {
    const warnings: string[] = [];
    const nothing = () => {};
    const output = {
      print: nothing,
      printJson: nothing,
      tell: (text: string) => void warnings.push(text),
      colour: { print: false, tell: false },
    };
    const target = openJson("/dev/full", output);
    target.write("{}");
    target.write("{}");
    target.close();
    expect(warnings).toEqual([expect.stringMatching(/'\/dev\/full' cannot be written any more: ENOSPC.*; the runs go on without it$/)]);
  });
});
