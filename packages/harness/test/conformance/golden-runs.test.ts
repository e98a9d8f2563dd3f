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
      "TestBackup2B seed 2: 732321f0c01801c7, 3692 events, 1151 RPCs, 200760 bytes, 102 commands",
      "TestFigure8Unreliable2C seed 3: 56bd8babe49b1fed, 13444 events, 2845 RPCs, 439963 bytes, 468 commands",
      "TestReliableChurn2C seed 4: 9dfc7c6f174f72d0, 8882 events, 1168 RPCs, 270116 bytes, 418 commands",
      "TestSnapshotInstallUnCrash2D seed 5: 4911a3c459633131, 4299 events, 831 RPCs, 260455 bytes, 334 commands",
    ]
  `);
});
