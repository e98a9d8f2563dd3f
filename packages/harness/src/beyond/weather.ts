import type { LabTest } from "../lab/lab-test.ts";
import { beyondTest } from "./beyond-test.ts";
import type { Dice } from "./dice.ts";
import { oneWayShapes, partialShapes, wholeShapes } from "./partitions.ts";
import type { Scene } from "./scene.ts";

/** A random mixture of faults: each kind is on or off for a whole run, so that some runs have nothing but two or three kinds, which may hide in a mixture of all. */

/** A fault that begins, lasts and ends. */
type BigFault = (scene: Scene, dice: Dice) => Promise<void>;

function partitioned(shapes: typeof wholeShapes): BigFault {
  return async (scene, dice) => {
    scene.link(dice.pick(shapes)(scene.lab.everyone(), await scene.aim(dice), dice));
    await scene.pause(lastingMs(dice));
    scene.link(undefined);
  };
}

/** From a round trip to twenty election timeouts. */
function lastingMs(dice: Dice): number {
  return dice.logUniform(1, 8000);
}

const bigFaults: readonly BigFault[] = [
  partitioned(wholeShapes),
  partitioned(partialShapes),
  partitioned(oneWayShapes),
  async (scene, dice) => scene.restart(await scene.aim(dice), lastingMs(dice)),
  async (scene, dice) => scene.restart(await scene.aim(dice), 0),
  async (scene, dice) => {
    const server = await scene.aim(dice);
    scene.lab.disconnect(server);
    await scene.pause(lastingMs(dice));
    scene.lab.connect(server);
  },
  async (scene, dice) => {
    await Promise.all(scene.lab.everyone().map((server) => scene.restart(server, dice.logUniform(1, 300))));
  },
];

async function randomWeather(scene: Scene): Promise<void> {
  const { dice, lab } = scene;
  const { network } = lab.cluster;
  network.reliable = dice.chance(50);
  network.longReordering = dice.chance(30);
  network.longDelays = dice.chance(50);
  network.cutsInFlight = dice.chance(50);
  const kinds = bigFaults.filter(() => dice.chance(50));
  const budget = kinds.length === 0 ? 0 : dice.below(7);
  lab.step(`random weather of ${kinds.length} kinds, ${budget} big faults`);
  if (dice.chance(90)) scene.load(dice.logUniform(5, 500));
  for (let i = 0; i < budget; i++) {
    const atMs = dice.below(scene.endMs - lab.simulation.nowMs);
    scene.beside(`big fault ${i}`, async (own) => {
      await scene.pause(atMs);
      if (scene.goesOn) await own.pick(kinds)(scene, own);
    });
  }
}

export const weatherTests: readonly LabTest[] = [
  beyondTest({
    name: "RandomWeather",
    title: "random weather",
    servers: [3, 4, 5, 6, 7],
    snapshots: true,
    span: { leastMs: 8000, mostMs: 25_000 },
    reaches: ["leaderChanges", "commitsUnderFaults", "tailsOverwritten", "restarts", "snapshotsInstalled"],
    faults: randomWeather,
  }),
];
