import { expect, type Lab } from "./lab.ts";
import type { LabTest } from "./lab-test.ts";

/** Part D: snapshots keep logs short, and bring up to date whoever missed what they hold. */

/** Bytes of persisted Raft state that no server may reach while the service takes snapshots. */
const maxStateBytes = 2000;

interface SnapshotFaults {
  readonly disconnect: boolean;
  readonly crash: boolean;
}

function snapshotScenario({ disconnect, crash }: SnapshotFaults): LabTest["run"] {
  return async (lab) => {
    lab.begin();
    await lab.one(lab.randomCommand(), lab.servers, { retry: true });
    let leader = await lab.checkOneLeader();
    for (let round = 0; round < 30; round++) {
      // Every third round it is the leader that misses commands.
      const [victim, sender] = round % 3 === 1 ? [leader, leader + 1] : [leader + 1, leader];
      lab.step(
        `round ${round}: S${lab.wrap(victim)} ${disconnect ? "is cut off" : crash ? "crashes" : "is slow"}, the others pass a snapshot's size`,
      );
      if (disconnect) lab.disconnect(victim);
      if (crash) await lab.crash(victim);
      if (disconnect || crash) await lab.one(lab.randomCommand(), lab.servers - 1, { retry: true });

      const commands = 5 + lab.below(10);
      for (let i = 0; i < commands; i++) await lab.propose(sender, lab.randomCommand());
      await lab.one(lab.randomCommand(), disconnect || crash ? lab.servers - 1 : lab.servers, { retry: true });
      checkStateSize(lab);

      if (!disconnect && !crash) continue;
      lab.step(`round ${round}: S${lab.wrap(victim)} is back and must catch up`);
      if (disconnect) lab.connect(victim);
      else await lab.startAndConnect(victim);
      await lab.one(lab.randomCommand(), lab.servers, { retry: true });
      leader = await lab.checkOneLeader();
    }
    lab.end();
  };
}

function checkStateSize(lab: Lab): void {
  const bytes = lab.cluster.largestState();
  expect(bytes < maxStateBytes, () => ({
    cause: "the persisted state is too large: entries up to the snapshot were not discarded",
    expected: `fewer than ${maxStateBytes} bytes`,
    seen: `${bytes} bytes`,
    aspect: "economy",
  }));
}

async function allCrash(lab: Lab): Promise<void> {
  lab.begin();
  await lab.one(lab.randomCommand(), lab.servers, { retry: true });
  for (let round = 0; round < 5; round++) {
    lab.step(`round ${round}: enough commands for a snapshot`);
    const commands = 5 + lab.below(10);
    for (let i = 0; i < commands; i++) await lab.one(lab.randomCommand(), lab.servers, { retry: true });
    const before = await lab.one(lab.randomCommand(), lab.servers, { retry: true });

    lab.step(`round ${round}: all servers crash and restart`);
    await lab.crashAndRestartAll();
    const after = await lab.one(lab.randomCommand(), lab.servers, { retry: true });
    expect(after >= before + 1, () => ({
      cause: "an index went backwards over a restart",
      expected: `at least ${before + 1}`,
      seen: `${after}`,
    }));
  }
  lab.end();
}

async function snapshotInit(lab: Lab): Promise<void> {
  lab.begin();
  await lab.one(lab.randomCommand(), lab.servers, { retry: true });
  lab.step("enough commands for a snapshot");
  for (let i = 0; i < 11; i++) await lab.one(lab.randomCommand(), lab.servers, { retry: true });

  lab.step("all servers restart, and save their state once more");
  await lab.crashAndRestartAll();
  await lab.one(lab.randomCommand(), lab.servers, { retry: true });

  lab.step("all servers restart again: the snapshot must still be there");
  await lab.crashAndRestartAll();
  await lab.one(lab.randomCommand(), lab.servers, { retry: true });
  lab.end();
}

export const snapshotTests: readonly LabTest[] = [
  snapshotTest("SnapshotBasic", true, "snapshots basic", snapshotScenario({ disconnect: false, crash: false })),
  snapshotTest("SnapshotInstall", true, "install snapshots (disconnect)", snapshotScenario({ disconnect: true, crash: false })),
  snapshotTest(
    "SnapshotInstallUnreliable",
    false,
    "install snapshots (disconnect+unreliable)",
    snapshotScenario({ disconnect: true, crash: false }),
  ),
  snapshotTest("SnapshotInstallCrash", true, "install snapshots (crash)", snapshotScenario({ disconnect: false, crash: true })),
  snapshotTest(
    "SnapshotInstallUnCrash",
    false,
    "install snapshots (unreliable+crash)",
    snapshotScenario({ disconnect: false, crash: true }),
  ),
  snapshotTest("SnapshotAllCrash", true, "crash and restart all servers", allCrash),
  snapshotTest("SnapshotInit", true, "snapshot initialization after crash", snapshotInit),
];

function snapshotTest(name: string, reliable: boolean, title: string, run: LabTest["run"]): LabTest {
  return { name: `Test${name}2D`, alias: `Test${name}3D`, part: "2D", title, servers: 3, reliable, snapshots: true, run };
}
