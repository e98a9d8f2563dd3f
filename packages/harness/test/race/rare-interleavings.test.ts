import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { builtIn, type Fault, importRaft, jobOf, writeRaft } from "../../../../mutants/index.mjs";
import * as harness from "../../src/index.ts";
import type { RunSettings } from "../../src/result.ts";

/** One-line faults of the built-in Raft that do harm only when messages come in an order that a quiet network hardly ever has. */
const faults: readonly (Fault & { readonly name: string; readonly tests: readonly string[] })[] = [
  {
    // A request that is overtaken by a later one takes back what the later one has stored.
    name: "truncates after every request",
    file: "follower.js",
    find: "if (i >= entries.length)",
    replace:
      "log.truncateFrom(Math.min(log.lastIndex, Math.max(log.snapshotIndex, prevLogIndex + entries.length)) + 1);\n    if (i >= entries.length)",
    tests: ["TestPersist22C", "TestRPCBytes2B"],
  },
  {
    // The same for the commit index.
    name: "takes commitIndex back",
    file: "follower.js",
    find: "if (commitIndex > state.commitIndex)\n        state.commitTo(commitIndex);",
    replace: "state.commitIndex = commitIndex;\n    if (commitIndex > state.lastApplied)\n        state.commitTo(commitIndex);",
    tests: ["TestRPCBytes2B", "TestRejoin2B"],
  },
  {
    // Takes a candidate that asks again while the first answer is on its way.
    name: "counts a vote twice",
    file: "election.js",
    find: 'state.role !== "candidate" || peer.voteAnswered',
    replace: 'state.role !== "candidate"',
    tests: ["TestPersist22C"],
  },
];

const runs = 50;
const directory = mkdtempSync(join(tmpdir(), "raft-interleavings-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const plain: RunSettings = { clock: "virtual", traceLevel: "none", archive: false, checkDeterminism: false };

describe("an adversarial order", () => {
  it.each(faults)("finds a Raft that $name in more runs of $tests than the ordinary one", async ({ name, tests, ...fault }) => {
    const makeRaft = await importRaft(writeRaft(builtIn, join(directory, name.replaceAll(" ", "-")), fault));
    const failed = async (settings: RunSettings) => {
      let count = 0;
      for (const test of tests) {
        for (let number = 1; number <= runs; number++) {
          const { outcome } = await harness.runIteration(jobOf(harness, test, number), makeRaft, settings);
          if (outcome !== "pass") count++;
        }
      }
      return count;
    };
    const ordinary = await failed(plain);
    const adversarial = await failed({ ...plain, checks: "race" });
    expect(adversarial).toBeGreaterThan(Math.max(2, 2 * ordinary));
  });
});
