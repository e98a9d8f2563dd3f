import type { LabTest } from "../lab/lab-test.ts";
import { beyondTest } from "./beyond-test.ts";
import { drawRate } from "./clocks.ts";
import { drawPoint } from "./crashes.ts";
import type { Dice } from "./dice.ts";
import { drawLateness, keepReplaying } from "./messages.ts";
import { flap, oneWayShapes, partialShapes, type Shape, wholeShapes } from "./partitions.ts";
import type { Scene } from "./scene.ts";

/**
 * A random mixture of faults: each kind is on or off for a whole run, each with probability 1/2, so that many runs have nothing but two or three kinds, whose effects
 * a mixture of all would hide.
 */

/** A fault that begins, lasts and ends. */
type BigFault = (scene: Scene, dice: Dice) => Promise<void>;

/** From a round trip to twenty election timeouts. */
function lastingMs(dice: Dice): number {
  return dice.logUniform(1, 8000);
}

function partitioned(shapes: readonly Shape[]): BigFault {
  return async (scene, dice) => {
    const links = dice.pick(shapes)(scene.lab.everyone(), await scene.aim(dice), dice);
    if (dice.chance(20)) return flap(scene, links, dice);
    scene.link(links);
    await scene.pause(lastingMs(dice));
    scene.link(undefined);
  };
}

const bigFaults: readonly BigFault[] = [
  partitioned(wholeShapes),
  partitioned(partialShapes),
  partitioned(oneWayShapes),
  async (scene, dice) => scene.restart(await scene.aim(dice), lastingMs(dice)),
  async (scene, dice) => scene.restart(await scene.aim(dice), 0),
  async (scene, dice) => scene.freeze(await scene.aim(dice), lastingMs(dice)),
  async (scene, dice) => {
    scene.crashAt(await scene.aim(dice), drawPoint(dice), dice.chance(50) ? 0 : lastingMs(dice));
  },
  async (scene, dice) => {
    const server = await scene.aim(dice);
    scene.lab.disconnect(server);
    await scene.pause(lastingMs(dice));
    scene.lab.connect(server);
  },
  async (scene, dice) => {
    await Promise.all(scene.lab.everyone().map((server) => scene.restart(server, dice.logUniform(1, 500))));
  },
];

/** What goes on all the time, each of it in half of the runs. */
function drawClimate(scene: Scene): string[] {
  const { dice, lab } = scene;
  const { cluster } = lab;
  const { network } = cluster;
  network.cutsInFlight = dice.chance(50);
  cluster.snapshotInterval = dice.chance(50) ? Number.POSITIVE_INFINITY : Math.floor(dice.logUniform(1, 50));
  const onEveryone = (act: (server: number) => void) => () => {
    for (const server of lab.everyone()) act(server);
  };
  const kinds: [name: string, begin: () => void][] = [
    ["loss", () => (network.reliable = false)],
    ["long delays", () => (network.longDelays = true)],
    ["reordering", () => (network.longReordering = true)],
    ["lateness", () => network.setLateness(drawLateness(dice))],
    ["old requests", () => keepReplaying(scene)],
    ["clock rates", onEveryone((server) => cluster.setClockRate(server, drawRate(dice)))],
    ["slow services", onEveryone((server) => cluster.setApplyTime(server, dice.logUniform(0.005, 60)))],
  ];
  const on = kinds.filter(() => dice.chance(50));
  for (const [, begin] of on) begin();
  return on.map(([name]) => name);
}

async function randomWeather(scene: Scene): Promise<void> {
  const { dice, lab } = scene;
  const climate = drawClimate(scene);
  const kinds = bigFaults.filter(() => dice.chance(50));
  const budget = kinds.length === 0 ? 0 : dice.below(7);
  lab.step(`random weather: ${climate.join(", ") || "calm"}; ${budget} big faults of ${kinds.length} kinds`);
  if (dice.chance(90)) scene.load(dice.logUniform(5, 500), 200);
  for (let i = 0; i < budget; i++) {
    const atMs = dice.below(Math.floor(scene.endMs - lab.simulation.nowMs));
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
    span: { leastMs: 8000, mostMs: 20_000 },
    reaches: [
      "leaderChanges",
      "commitsUnderFaults",
      "tailsOverwritten",
      "restarts",
      "snapshotsInstalled",
      "staleRequests",
      "pausedServers",
    ],
    faults: randomWeather,
  }),
];
