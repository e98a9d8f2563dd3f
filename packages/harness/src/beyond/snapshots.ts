import type { LabTest } from "../lab/lab-test.ts";
import { partition } from "../net/links.ts";
import { beyondTest } from "./beyond-test.ts";
import { drawPoint } from "./crashes.ts";
import type { Dice } from "./dice.ts";
import { drawLateness } from "./messages.ts";
import type { Scene } from "./scene.ts";

/** Snapshots, which race with everything that can happen to the log they replace. */

/** Commands in a run: each of the service's snapshots holds all of them. */
const mostCommands = 250;

function drawInterval(dice: Dice): number {
  return Math.floor(dice.logUniform(1, 30));
}

/** A server misses more than a snapshot's worth, with a tail of its own if it led; then it returns while snapshots and entries are late and come twice. */
async function snapshotRaces(scene: Scene): Promise<void> {
  const { dice, lab } = scene;
  const { cluster } = lab;
  const { network } = cluster;
  cluster.snapshotInterval = drawInterval(dice);
  if (dice.chance(60)) scene.rememberRequests();
  network.setLateness(dice.chance(75) ? drawLateness(dice) : undefined);
  network.reliable = dice.chance(60);
  // In bursts with silence between them, a snapshot is all that a server which was away gets: its log ends where the snapshot does.
  const bursts = dice.chance(50);
  if (!bursts) scene.load(dice.logUniform(15, 80), mostCommands);
  while (scene.goesOn) {
    if (bursts) await burst(scene);
    const victim = await scene.aim();
    lab.step(`S${victim} falls behind`);
    const rest = lab.everyone().filter((server) => server !== victim);
    const company = lab.servers > 3 && dice.chance(30) ? [dice.pick(rest)] : [];
    scene.link(
      partition(
        lab.servers,
        [victim, ...company],
        rest.filter((server) => !company.includes(server)),
      ),
    );
    await scene.offer(victim, dice.between(0, 4));
    await scene.pause(dice.logUniform(30, 1500));
    if (bursts) await burst(scene);
    if (dice.chance(30)) await scene.restart(victim, 0);
    lab.step(`S${victim} catches up`);
    scene.link(undefined);
    if (dice.chance(40)) network.replay(dice.between(1, 4), victim);
    await scene.pause(dice.logUniform(5, 600));
    if (dice.chance(40)) network.replay(dice.between(1, 4), victim);
    // What the victim has acknowledged is needed at once.
    if (dice.chance(40)) {
      const leader = await scene.leader();
      if (leader !== undefined) await scene.restart(leader.server, dice.logUniform(1, 1000));
    }
  }
}

async function burst(scene: Scene): Promise<void> {
  const leader = await scene.awaitLeader(1500);
  if (leader !== undefined) await scene.offer(leader.server, scene.dice.between(1, 8));
}

/** Servers crash about the saves of snapshots, taken and installed: log and snapshot on the disk must fit together whatever was saved last. */
async function snapshotCrashes(scene: Scene): Promise<void> {
  const { dice, lab } = scene;
  lab.cluster.snapshotInterval = Math.floor(dice.logUniform(1, 12));
  scene.load(dice.logUniform(15, 80), mostCommands);
  while (scene.goesOn) {
    await scene.pause(dice.logUniform(20, 500));
    const target = await scene.aim();
    const downMs = dice.chance(30) ? 0 : dice.logUniform(1, 1000);
    lab.step(`S${target} crashes about a save`);
    scene.crashAt(target, drawPoint(dice), downMs);
    await scene.pause(dice.logUniform(50, 600));
    scene.disarm();
    if (dice.chance(20)) {
      lab.step("all servers restart");
      for (const server of lab.everyone()) await scene.restart(server, 0);
    }
  }
}

export const snapshotTests: readonly LabTest[] = [
  beyondTest({
    name: "SnapshotRaces",
    title: "snapshots race with late messages, log back-up and restarts",
    servers: [3, 4, 5],
    snapshots: true,
    span: { leastMs: 8000, mostMs: 16_000 },
    reaches: ["snapshotsInstalled", "snapshotsInstalledOnLaggards", "oldSnapshotsArrived", "tailsOverwritten", "staleRequests"],
    faults: snapshotRaces,
  }),
  beyondTest({
    name: "SnapshotCrashes",
    title: "servers crash about the saves of snapshots",
    servers: [3, 5],
    snapshots: true,
    span: { leastMs: 8000, mostMs: 16_000 },
    reaches: ["crashesBeforeSave", "crashesAfterSave", "snapshotsInstalled", "restarts"],
    faults: snapshotCrashes,
  }),
];
