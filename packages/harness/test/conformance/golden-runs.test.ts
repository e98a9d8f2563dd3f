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
      "TestInitialElection2A seed 1: 2b3b714e17f39cb4, 175 events, 56 RPCs, 11630 bytes, 0 commands",
      "TestBackup2B seed 2: 76a208c15640fa45, 3547 events, 1041 RPCs, 187506 bytes, 102 commands",
      "TestFigure8Unreliable2C seed 3: 0f3e0625b77f661a, 11788 events, 2380 RPCs, 366503 bytes, 292 commands",
      "TestReliableChurn2C seed 4: 8c18d59eebc31f44, 8816 events, 1149 RPCs, 275124 bytes, 417 commands",
      "TestSnapshotInstallUnCrash2D seed 5: 5a24b2163fe37afc, 4320 events, 838 RPCs, 257221 bytes, 334 commands",
    ]
  `);
});
