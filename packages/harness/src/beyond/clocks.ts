import type { LabTest } from "../lab/lab-test.ts";
import { beyondTest } from "./beyond-test.ts";
import type { Dice } from "./dice.ts";
import type { Scene } from "./scene.ts";

/** Servers that are slow, fast or asleep: nothing that is safe may depend on time. */

/** Mostly within what crystals and loaded machines do; now and then far beyond. */
export function drawRate(dice: Dice): number {
  return dice.chance(15) ? dice.pick([0.3, 3]) : dice.between(800, 1250) / 1000;
}

async function clockRates(scene: Scene): Promise<void> {
  const { dice, lab } = scene;
  scene.load(dice.logUniform(10, 150));
  while (scene.goesOn) {
    lab.step("clocks change their rates");
    for (const server of lab.everyone()) if (dice.chance(50)) lab.cluster.setClockRate(server, drawRate(dice));
    await scene.pause(dice.logUniform(200, 3000));
    const target = await scene.aim();
    if (dice.chance(40)) await scene.restart(target, dice.logUniform(1, 1500));
    else if (dice.chance(50)) await scene.freeze(target, dice.logUniform(10, 1500));
  }
}

/** The leader sleeps until it has been replaced, and wakes as one, with all its timers due and all answers there; or its followers do. */
async function pausedServers(scene: Scene): Promise<void> {
  const { dice, lab } = scene;
  lab.cluster.network.longReordering = dice.chance(30);
  scene.load(dice.logUniform(8, 100));
  await scene.awaitLeader(3000);
  while (scene.goesOn) {
    const count = dice.pick([1, 1, 2, lab.servers - 1]);
    const first = await scene.aim();
    const rest = dice.shuffled(lab.everyone().filter((server) => server !== first));
    lab.step(`${count} servers are paused, S${first} among them`);
    for (const server of [first, ...rest.slice(0, count - 1)]) {
      const delayMs = dice.logUniform(20, 3000);
      scene.beside(`S${server} is paused`, () => scene.freeze(server, delayMs));
    }
    if (dice.chance(50)) await scene.offer(first, dice.between(1, 3));
    await scene.pause(dice.logUniform(50, 2500));
    if (dice.chance(25)) await scene.restart(await scene.aim(), 0);
  }
}

/** Services fall behind what is committed, by seconds; restarts and snapshots find them in the middle of it. */
async function slowServices(scene: Scene): Promise<void> {
  const { dice, lab } = scene;
  const { cluster } = lab;
  cluster.snapshotInterval = dice.chance(30) ? Number.POSITIVE_INFINITY : Math.floor(dice.logUniform(1, 30));
  scene.load(dice.logUniform(10, 60), 250);
  while (scene.goesOn) {
    lab.step("services are slow");
    for (const server of lab.everyone()) cluster.setApplyTime(server, dice.chance(60) ? dice.logUniform(0.005, 200) : 0.005);
    await scene.pause(dice.logUniform(100, 2000));
    const target = await scene.aim();
    if (dice.chance(60)) await scene.restart(target, dice.logUniform(1, 1500));
    else {
      lab.disconnect(target);
      await scene.pause(dice.logUniform(100, 1500));
      lab.connect(target);
    }
  }
}

export const clockTests: readonly LabTest[] = [
  beyondTest({
    name: "ClockRates",
    title: "clocks that are fast or slow",
    servers: [3, 4, 5],
    span: { leastMs: 8000, mostMs: 16_000 },
    reaches: ["skewedClocks", "leaderChanges", "pausedServers"],
    faults: clockRates,
  }),
  beyondTest({
    name: "PausedServers",
    title: "servers that sleep and wake with everything due",
    servers: [3, 4, 5],
    span: { leastMs: 8000, mostMs: 16_000 },
    reaches: ["pausedServers", "leaderChanges", "staleRequests", "staleReplies", "tailsOverwritten"],
    faults: pausedServers,
  }),
  beyondTest({
    name: "SlowServices",
    title: "services that apply slowly",
    servers: [3, 5],
    snapshots: true,
    span: { leastMs: 8000, mostMs: 14_000 },
    reaches: ["slowApplies", "snapshotsInstalled", "restarts"],
    faults: slowServices,
  }),
];
