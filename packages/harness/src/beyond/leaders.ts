import type { LabTest } from "../lab/lab-test.ts";
import { partition } from "../net/links.ts";
import { beyondTest } from "./beyond-test.ts";
import type { LeaderSeen, Scene } from "./scene.ts";

/** Leaders that are lost at chosen moments. */

/** What a leader has just done, more or less, when it is lost. Pauses reach from before its first request is out to after its commit is known. */
const moments: readonly ((scene: Scene, leader: LeaderSeen) => Promise<void>)[] = [
  // It has just won.
  async () => {},
  // It has just accepted a command: it is being saved, sent, acknowledged, committed, or its commit is being told.
  async (scene, leader) => {
    await scene.offer(leader.server, scene.dice.between(1, 3));
    await scene.pause(scene.dice.logUniform(0.05, 100));
  },
  // It has just accepted a second command while the first is on its way.
  async (scene, leader) => {
    await scene.offer(leader.server);
    await scene.pause(scene.dice.logUniform(0.05, 50));
    await scene.offer(leader.server);
    await scene.pause(scene.dice.logUniform(0.05, 20));
  },
  // It has just finished a calm stretch of work.
  async (scene, leader) => {
    for (let i = scene.dice.between(2, 12); i > 0; i--) {
      await scene.offer(leader.server);
      await scene.pause(scene.dice.logUniform(0.5, 30));
    }
  },
];

/** The leader is isolated or crashes; while it is away it goes on taking commands. */
async function lose(scene: Scene, { server }: LeaderSeen): Promise<void> {
  const { dice, lab } = scene;
  const way = dice.pick(["alone", "alone", "with one", "crash"]);
  if (way === "crash") {
    lab.step(`S${server} crashes while it leads`);
    await scene.crash(server);
    return;
  }
  lab.step(`S${server} is isolated while it leads`);
  const rest = dice.shuffled(lab.everyone().filter((other) => other !== server));
  // With one follower of three, nothing is lost: then it keeps a majority.
  const company = way === "with one" && lab.servers > 3 ? 1 : 0;
  scene.link(partition(lab.servers, [server, ...rest.slice(0, company)], rest.slice(company)));
  if (dice.chance(60)) await scene.offer(server, dice.between(1, 5));
}

async function losses(scene: Scene): Promise<void> {
  const { dice, lab } = scene;
  lab.cluster.network.cutsInFlight = dice.chance(50);
  let lost: LeaderSeen | undefined;
  while (scene.goesOn) {
    const leader = await scene.awaitLeader(3000, lab.everyone(), lost?.term);
    if (leader !== undefined) await dice.pick(moments)(scene, leader);
    // The one that was lost before returns in the same moment, so that two can talk of what only one knows; or it stays away a while longer.
    if (lost !== undefined && dice.chance(80)) await bringBack(scene, lost.server);
    if (leader !== undefined) await lose(scene, leader);
    lost = leader ?? lost;
    await scene.pause(dice.logUniform(1, 400));
    if (leader === undefined && lost !== undefined) await bringBack(scene, lost.server);
  }
}

async function bringBack(scene: Scene, server: number): Promise<void> {
  scene.link(undefined);
  await scene.boot(server);
  for (const other of scene.lab.everyone()) if (scene.dice.chance(50)) await scene.boot(other);
}

export const leaderTests: readonly LabTest[] = [
  beyondTest({
    name: "LostLeaders",
    title: "leaders are lost at chosen moments",
    servers: [3, 4, 5],
    span: { leastMs: 10_000, mostMs: 20_000 },
    reaches: ["leaderChanges", "tailsOverwritten", "restartsWithUncommittedTail", "commitsOfOlderTerms"],
    faults: losses,
  }),
];
