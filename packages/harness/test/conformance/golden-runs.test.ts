import { expect, it } from "vitest";
import { makeRaft } from "../../../raft/src/index.ts";
import { run } from "../support/runs.ts";

/**
 * Five runs, pinned to the last event: the hash covers every event, packet, save, delivery and answer. They must be the same on every machine, every
 * Node version and in every order. A change of the built-in Raft, of the simulation's randomness, of the network's rules or of a test's script changes them,
 * and with them every recorded seed: if that is what you meant to do, renew them with
 *
 *     npx vitest run packages/harness/test/conformance/golden-runs.test.ts -u
 *
 * and say so in the change log.
 */
const pinned: [test: string, seed: number][] = [
  ["TestInitialElection2A", 1],
  ["TestBackup2B", 2],
  ["TestFigure8Unreliable2C", 3],
  ["TestReliableChurn2C", 4],
  ["TestSnapshotInstallUnCrash2D", 5],
];

it("are the runs that they were", async () => {
  const lines: string[] = [];
  for (const [test, seed] of pinned) {
    const { traceHash, events, rpcs, bytes, commands } = await run(test, makeRaft, { seed });
    lines.push(`${test} seed ${seed}: ${traceHash}, ${events} events, ${rpcs} RPCs, ${bytes} bytes, ${commands} commands`);
  }
  expect(lines).toMatchInlineSnapshot(`
    [
      "TestInitialElection2A seed 1: 5da9ade6d8075f12, 175 events, 56 RPCs, 11630 bytes, 0 commands",
      "TestBackup2B seed 2: 537d39b069ae64be, 3608 events, 1179 RPCs, 211060 bytes, 103 commands",
      "TestFigure8Unreliable2C seed 3: 8e129318a2dc9735, 15371 events, 3659 RPCs, 565215 bytes, 562 commands",
      "TestReliableChurn2C seed 4: 33c59a4ae744ba54, 21027 events, 2014 RPCs, 526744 bytes, 1263 commands",
      "TestSnapshotInstallUnCrash2D seed 5: 5fdf25722c2116e0, 4320 events, 861 RPCs, 265264 bytes, 329 commands",
    ]
  `);
});
