import { expect, it } from "vitest";
import { bundle } from "../../testing/raft-thread.mjs";
import { fileOf, identity, jobsOf, runAll } from "../support/rafts.ts";

/**
 * Runs of the lab-style Raft, pinned to the last event: ordinary code with timers, promises, Date and Math.random must give them on every machine and every
 * Node version. When a run of the built-in Raft has changed on purpose (packages/harness/test/conformance/golden-runs.test.ts), these are renewed with
 *
 *     npx vitest run packages/cli/test/conformance/golden-runs.test.ts -u
 */
const pinned: [test: string, seed: number][] = [
  ["TestInitialElection2A", 1],
  ["TestBackup2B", 2],
  ["TestFigure8Unreliable2C", 3],
  ["TestReliableChurn2C", 4],
  ["TestSnapshotInstallUnCrash2D", 5],
];

it("are the runs that they were", async () => {
  const jobs = pinned.flatMap(([test, seed]) => jobsOf(test, [seed]));
  const results = await runAll(await bundle(fileOf("examples/lab-style/raft.ts")), jobs);
  const lines = results
    .map(identity)
    .map(
      ({ test, outcome, traceHash, events, rpcs, bytes, commands }) =>
        `${test}: ${outcome}, ${traceHash}, ${events} events, ${rpcs} RPCs, ${bytes} bytes, ${commands} commands`,
    );
  expect(lines).toMatchInlineSnapshot(`
    [
      "TestInitialElection2A: pass, 3e37de94f63f9415, 200 events, 56 RPCs, 9524 bytes, 0 commands",
      "TestBackup2B: pass, ddf02ba7db6f5ccf, 4584 events, 1744 RPCs, 269470 bytes, 103 commands",
      "TestFigure8Unreliable2C: pass, 4d30e78923ffdf61, 12639 events, 3200 RPCs, 495586 bytes, 321 commands",
      "TestReliableChurn2C: pass, 498c7b0a618ebc32, 11244 events, 1160 RPCs, 260253 bytes, 658 commands",
      "TestSnapshotInstallUnCrash2D: pass, d4334cd2bed980e4, 5363 events, 948 RPCs, 262292 bytes, 353 commands",
    ]
  `);
});
