import type { CrashPoint } from "../cluster/crash-points.ts";
import type { LabTest } from "../lab/lab-test.ts";
import { mute, partition } from "../net/links.ts";
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

/** How requests of snapshots are called in all Rafts that are known. */
const snapshotMethod = /snapshot/i;

/** A server misses more than a snapshot's worth, with a tail of its own if it led; then it returns while snapshots and entries are late and come twice. */
async function snapshotRaces(scene: Scene): Promise<void> {
  const { dice, lab } = scene;
  const { cluster } = lab;
  const { network } = cluster;
  cluster.snapshotInterval = drawInterval(dice);
  network.setLateness(dice.chance(75) ? drawLateness(dice) : undefined);
  network.reliable = dice.chance(60);
  // Half of the runs are mostly about servers that are not heard: there the leader has to learn soon that it gets no answers.
  const mutes = dice.chance(50);
  network.longDelays = !mutes && dice.chance(50);
  if (dice.chance(70)) scene.rememberRequests(dice.chance(70) ? snapshotMethod : undefined);
  // Whose service is behind takes its snapshots late: then those of others reach into a log that it still has.
  for (const server of lab.everyone()) if (dice.chance(30)) cluster.setApplyTime(server, dice.logUniform(1, 60));
  // In bursts with silence between them, a snapshot is all that a server which was away gets: its log ends where the snapshot does.
  const bursts = dice.chance(50);
  if (!bursts) scene.load(dice.logUniform(15, 80), mostCommands);
  while (scene.goesOn) {
    if (bursts) await burst(scene);
    const leader = await scene.leader();
    const followers = lab.everyone().filter((server) => server !== leader?.server);
    const isMute = dice.chance(mutes ? 85 : 15);
    const victim = isMute ? dice.pick(followers) : await scene.aim();
    await (isMute ? fallMute(scene, victim) : fallBehind(scene, victim, bursts));
    lab.step(`S${victim} catches up`);
    scene.link(undefined);
    for (let echoes = dice.below(4); echoes > 0; echoes--) {
      await scene.pause(dice.logUniform(0.5, 100));
      network.replay(dice.between(1, 3), victim);
    }
    await scene.pause(dice.logUniform(5, 500));
    // It has forgotten what is committed, and hears of it again from old requests first.
    if (dice.chance(30)) {
      await scene.restart(victim, 0);
      network.replay(dice.between(1, 4), victim);
    }
    // What the victim has acknowledged is needed at once.
    if (dice.chance(40)) {
      const present = await scene.leader();
      if (present !== undefined) await scene.restart(present.server, dice.logUniform(1, 1000));
    }
  }
}

/** Nothing that the victim answers arrives: the leader believes it behind, and sends it a snapshot of what it has. */
async function fallMute(scene: Scene, victim: number): Promise<void> {
  const { dice, lab } = scene;
  lab.step(`S${victim} is not heard`);
  scene.link(mute(lab.servers, victim));
  // Its service is behind what it knows to be committed, so that its log still holds what others have compacted.
  lab.cluster.setApplyTime(victim, dice.logUniform(5, 300));
  for (let commands = dice.between(2, 8); commands > 0; commands--) {
    const leader = await scene.leader();
    if (leader !== undefined) await scene.offer(leader.server, dice.between(1, 3));
    await scene.pause(dice.logUniform(5, 80));
  }
  lab.cluster.setApplyTime(victim, dice.logUniform(0.005, 5));
}

/** Cuts the victim off, alone or with company, while the others go on. */
async function fallBehind(scene: Scene, victim: number, bursts: boolean): Promise<void> {
  const { dice, lab } = scene;
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
}

async function burst(scene: Scene): Promise<void> {
  const leader = await scene.awaitLeader(1500);
  if (leader !== undefined) await scene.offer(leader.server, scene.dice.between(1, 8));
}

/** About the save of a snapshot that is installed: the request tells when. Of those that are taken, any save may be one. */
function drawInstallPoint(dice: Dice): CrashPoint {
  return {
    at: "request",
    nth: dice.chance(70) ? 1 : 2,
    moment: dice.pick(["before", "after", "event end"] as const),
    method: "InstallSnapshot",
  };
}

/** Servers crash about the saves of snapshots, taken and installed: log and snapshot on the disk must fit together whatever was saved last. */
async function snapshotCrashes(scene: Scene): Promise<void> {
  const { dice, lab } = scene;
  lab.cluster.snapshotInterval = Math.floor(dice.logUniform(1, 12));
  const bursts = dice.chance(50);
  if (!bursts) scene.load(dice.logUniform(15, 80), mostCommands);
  while (scene.goesOn) {
    if (bursts) await burst(scene);
    await scene.pause(dice.logUniform(20, 300));
    const target = await scene.aim();
    const isBehind = dice.chance(60);
    if (isBehind) await fallBehind(scene, target, bursts);
    lab.step(`S${target} crashes about a save`);
    scene.crashAt(
      target,
      isBehind && dice.chance(70) ? drawInstallPoint(dice) : drawPoint(dice),
      dice.chance(50) ? 0 : dice.logUniform(1, 1000),
    );
    scene.link(undefined);
    await scene.pause(dice.logUniform(50, 600));
    scene.disarm();
    if (dice.chance(15)) {
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
