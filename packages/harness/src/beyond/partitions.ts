import type { LabTest } from "../lab/lab-test.ts";
import { bridge, chain, deaf, type Links, mute, oneWayCut, partition, ring, star } from "../net/links.ts";
import { beyondTest } from "./beyond-test.ts";
import type { Dice } from "./dice.ts";
import type { Scene } from "./scene.ts";

/** Partitions of all shapes: whole, partial, and one way only. */

/** A shape around one server: the one that the fault is aimed at. */
export type Shape = (servers: readonly number[], target: number, dice: Dice) => Links;

function others(servers: readonly number[], target: number, dice: Dice): number[] {
  return dice.shuffled(servers.filter((server) => server !== target));
}

/** The target in a group with `company` others, the rest in another group. */
function split(servers: readonly number[], target: number, dice: Dice, company: number): Links {
  const rest = others(servers, target, dice);
  return partition(servers.length, [target, ...rest.slice(0, company)], rest.slice(company));
}

export const wholeShapes: readonly Shape[] = [
  (servers, target, dice) => split(servers, target, dice, 0),
  (servers, target, dice) => split(servers, target, dice, Math.floor((servers.length - 1) / 2)),
  (servers, target, dice) => split(servers, target, dice, dice.below(servers.length - 1)),
];

/** Not everyone can reach everyone, and yet nobody is alone. */
export const partialShapes: readonly Shape[] = [
  (servers, target, dice) => {
    const rest = others(servers, target, dice);
    const half = rest.length >> 1;
    return bridge(servers.length, rest.slice(0, half), target, rest.slice(half));
  },
  (servers, target, dice) => ring([target, ...others(servers, target, dice)]),
  (servers, target, dice) => ring([target, ...others(servers, target, dice)], Math.ceil(servers.length / 4)),
  (servers, target, dice) => chain([target, ...others(servers, target, dice)]),
  (servers, target) => star(servers.length, target),
];

export const oneWayShapes: readonly Shape[] = [
  (servers, target) => deaf(servers.length, target),
  (servers, target) => mute(servers.length, target),
  (servers, target, dice) =>
    oneWayCut(servers.length, [target], others(servers, target, dice).slice(0, 1 + dice.below(servers.length - 1))),
  (servers, target, dice) =>
    oneWayCut(servers.length, others(servers, target, dice).slice(0, 1 + dice.below(servers.length - 1)), [target]),
];

/** One partition after another, aimed at whoever matters, with calm between some of them; now and then one that flaps. */
function partitions(shapes: readonly Shape[]): (scene: Scene) => Promise<void> {
  return async (scene) => {
    const { dice, lab } = scene;
    lab.cluster.network.cutsInFlight = dice.chance(50);
    lab.cluster.network.longDelays = dice.chance(30);
    scene.load(dice.logUniform(8, 150));
    await scene.awaitLeader(3000);
    while (scene.goesOn) {
      const links = dice.pick(shapes)(lab.everyone(), await scene.aim(), dice);
      if (dice.chance(20)) await flap(scene, links, dice);
      else {
        lab.step("a partition");
        scene.link(links);
        await scene.pause(dice.logUniform(100, 3000));
      }
      if (dice.chance(40)) continue;
      lab.step("all links are open");
      scene.link(undefined);
      await scene.pause(dice.logUniform(50, 2000));
    }
  };
}

/** The partition comes and goes, for times about those of a heartbeat. */
export async function flap(scene: Scene, links: Links, dice: Dice): Promise<void> {
  scene.lab.step("a partition that flaps");
  for (let times = dice.between(3, 12); times > 0 && scene.goesOn; times--) {
    scene.link(links);
    await scene.pause(dice.logUniform(20, 400));
    scene.link(undefined);
    await scene.pause(dice.logUniform(5, 200));
  }
}

export const partitionTests: readonly LabTest[] = [
  beyondTest({
    name: "Partitions",
    title: "partitions, whole and partial",
    servers: [3, 4, 5, 6, 7],
    span: { leastMs: 8000, mostMs: 16_000 },
    reaches: ["leaderChanges", "tailsOverwritten", "commitsUnderFaults", "commitsOfOlderTerms"],
    faults: partitions([...wholeShapes, ...wholeShapes, ...partialShapes]),
  }),
  beyondTest({
    name: "OneWayCuts",
    title: "links that work one way only",
    servers: [3, 5],
    span: { leastMs: 8000, mostMs: 16_000 },
    reaches: ["leaderChanges", "cutLinks", "commitsUnderFaults"],
    faults: partitions(oneWayShapes),
  }),
];
