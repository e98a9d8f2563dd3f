import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DeathCry } from "../../src/pool/death-cry.ts";

const outOfMemory = `
<--- Last few GCs --->

[13996:0x7ffad0000f00]      602 ms: Mark-Compact 121.7 (154.3) -> 120.1 (186.3) MB, 75.01 / 0.01 ms allocation failure

<--- JS stacktrace --->

FATAL ERROR: invalid table size Allocation failed - JavaScript heap out of memory
----- Native stack trace -----

 1: 0xb78db3 node::OOMErrorHandler(char const*, v8::OOMDetails const&) [node]
 2: 0xee8300 v8::Utils::ReportOOMFailure(v8::internal::Isolate*, char const*, v8::OOMDetails const&) [node]
11: 0xf55510 v8::internal::Builtin_ArrayPrototypeFill(int, unsigned long*, v8::internal::Isolate*) [node]
`;

const invalidSize = `

#
# Fatal error in , line 0
# Fatal JavaScript invalid size error 134217728 (see crbug.com/1201626)
#
#
#
#FailureMessage Object: 0x7f074d7f7890
----- Native stack trace -----

 4: 0x1546df2 v8::internal::Runtime_StringToArray(int, unsigned long*, v8::internal::Isolate*) [node]
`;

const check = `

#
# Fatal error in , line 0
# Check failed: handle_->IsValid().
#
`;

/** What is printed of these pieces, and what the process died of. */
function heard(...pieces: readonly string[]) {
  let printed = "";
  const cry = new DeathCry((text) => {
    printed += text;
  });
  for (const piece of pieces) cry.hear(piece);
  return { printed: () => printed, cry };
}

describe("what a process prints when V8 ends it", () => {
  it.each([
    [outOfMemory, { ofMemory: true, message: "invalid table size in ArrayPrototypeFill" }],
    [
      outOfMemory.replace("invalid table size Allocation", "Reached heap limit Allocation").replace(/^11.*\n/m, ""),
      { ofMemory: true, message: "Reached heap limit" },
    ],
    [invalidSize, { ofMemory: true, message: "invalid size error in StringToArray" }],
    [check, { ofMemory: false, message: "Check failed: handle_->IsValid()." }],
  ])("is read, and not shown", (cryOfV8, death) => {
    const { printed, cry } = heard("a line of the Raft's\n", cryOfV8);
    expect(printed()).toBe("a line of the Raft's\n");
    expect(cry.death()).toEqual(death);
  });

  it("may come in any pieces once it has begun", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(outOfMemory.length - 30), { maxLength: 8 }), (cuts) => {
        const at = [0, ...cuts.map((cut) => cut + 30).toSorted((a, b) => a - b), outOfMemory.length];
        const { printed, cry } = heard(...at.slice(1).map((end, i) => outOfMemory.slice(at[i], end)));
        expect(printed()).toBe("");
        expect(cry.death()?.message).toBe("invalid table size in ArrayPrototypeFill");
      }),
    );
  });

  it("is shown after all when the process has died of something else", () => {
    const { printed, cry } = heard("FATAL ERROR: the disk of S1 is full, says a Raft\n", "and goes on\n");
    cry.release();
    expect(printed()).toBe("FATAL ERROR: the disk of S1 is full, says a Raft\nand goes on\n");
  });

  it("is nothing when a process prints what it likes", () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (pieces) => {
        const { printed, cry } = heard(...pieces);
        expect(printed()).toBe(pieces.join(""));
        expect(cry.death()).toBe(undefined);
      }),
    );
  });
});
