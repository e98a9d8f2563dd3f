import type { CrashMoment, CrashPoint } from "../cluster/crash-points.ts";
import type { LabTest } from "../lab/lab-test.ts";
import { beyondTest } from "./beyond-test.ts";
import type { Dice } from "./dice.ts";
import type { Scene } from "./scene.ts";

/** Crashes at the points where a server's memory, its disk and what others know of it can part. */

const moments: readonly CrashMoment[] = ["before", "after", "event end"];

/** Mostly about a save, since between a save and the message that tells of it is where promises are made; soon, so that many are reached in a run. */
export function drawPoint(dice: Dice): CrashPoint {
  const at = dice.pick(["save", "save", "save", "request", "reply"] as const);
  return { at, nth: dice.chance(50) ? 1 : dice.between(1, 12), moment: dice.pick(moments) };
}

/** One server after another crashes about its saves, now and then two or all of them; what they had promised is put to the test at once. */
async function crashesAtSaves(scene: Scene): Promise<void> {
  const { dice, lab } = scene;
  lab.cluster.network.reliable = dice.chance(60);
  lab.cluster.network.longDelays = dice.chance(30);
  scene.load(dice.logUniform(10, 150));
  await scene.awaitLeader(3000);
  while (scene.goesOn) {
    const count = dice.pick([1, 1, 1, 2, lab.servers]);
    const downMs = dice.chance(50) ? 0 : dice.logUniform(1, 1500);
    lab.step(`${count} servers crash about a save`);
    const targets = count === 1 ? [await scene.aim()] : dice.shuffled(lab.everyone()).slice(0, count);
    for (const server of targets) scene.crashAt(server, drawPoint(dice), downMs);
    await scene.pause(dice.logUniform(20, 800));
    scene.disarm();
    // The leader is lost just after its followers came back: what they acknowledged before the crash must be there.
    if (dice.chance(50)) {
      const leader = await scene.leader();
      if (leader !== undefined) await scene.restart(leader.server, dice.logUniform(200, 1200));
    }
    await scene.pause(dice.logUniform(10, 600));
  }
}

/** All servers are gone at once, again and again, in the middle of work. */
async function clusterCrashes(scene: Scene): Promise<void> {
  const { dice, lab } = scene;
  scene.load(dice.logUniform(10, 150));
  while (scene.goesOn) {
    await scene.awaitLeader(2500);
    await scene.pause(dice.logUniform(1, 600));
    lab.step("all servers crash");
    if (dice.chance(50)) {
      const point: CrashPoint = { at: "save", nth: 1, moment: dice.pick(moments) };
      for (const server of lab.everyone()) scene.crashAt(server, point, dice.logUniform(1, 500));
      await scene.pause(dice.logUniform(100, 1000));
      scene.disarm();
      continue;
    }
    for (const server of lab.everyone()) await scene.crash(server);
    // They come back one by one: a bare majority goes on before the last is there.
    for (const server of dice.shuffled(lab.everyone())) {
      await scene.pause(dice.logUniform(1, 400));
      await scene.boot(server);
    }
  }
}

export const crashTests: readonly LabTest[] = [
  beyondTest({
    name: "CrashesAtSaves",
    title: "servers crash just before and just after they save",
    servers: [3, 4, 5],
    span: { leastMs: 8000, mostMs: 16_000 },
    reaches: ["crashesBeforeSave", "crashesAfterSave", "restarts", "leaderChanges", "commitsUnderFaults"],
    faults: crashesAtSaves,
  }),
  beyondTest({
    name: "ClusterCrashes",
    title: "all servers crash at once",
    servers: [3, 5],
    span: { leastMs: 8000, mostMs: 16_000 },
    reaches: ["restarts", "restartsWithUncommittedTail", "leaderChanges", "commitsOfOlderTerms"],
    faults: clusterCrashes,
  }),
];
