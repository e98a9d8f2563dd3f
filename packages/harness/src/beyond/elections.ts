import type { CrashPoint } from "../cluster/crash-points.ts";
import type { LabTest } from "../lab/lab-test.ts";
import { type Links, partition } from "../net/links.ts";
import type { Lateness } from "../net/old-messages.ts";
import { beyondTest } from "./beyond-test.ts";
import type { Dice } from "./dice.ts";
import type { Scene } from "./scene.ts";

/** Elections under fire: what a server promised with its term and its vote must survive its crash, and must not be counted twice. */

interface TwoMajorities {
  readonly links: Links;
  /** Who is in both. */
  readonly shared: readonly number[];
}

/** Two majorities that reach each other through the fewest servers they can share: both elect, at the same time, and only the shared votes keep one from it. */
function twoMajorities(order: readonly number[]): TwoMajorities {
  const size = order.length;
  const shared = 2 - (size % 2);
  const side = (size - shared) / 2;
  const [left, middle, right] = [order.slice(0, side), order.slice(side, side + shared), order.slice(side + shared)];
  return { links: partition(size, [...left, ...middle], [...middle, ...right]), shared: middle };
}

/** Just after its answer to a request has set out; or about its own save, or about an answer to its own request. */
function drawPoint({ dice }: Scene): CrashPoint {
  const nth = dice.chance(60) ? 1 : dice.between(2, 5);
  if (dice.chance(60)) return { at: "request", nth, moment: "event end" };
  return { at: dice.pick(["save", "reply"] as const), nth, moment: dice.pick(["after", "event end"] as const) };
}

/** Answers that come when their candidate asks for the votes of the next term already, or leads; and requests that come when another has asked. */
function electionLateness(dice: Dice): Lateness {
  return {
    duplicates: dice.chance(30) ? 200 : 0,
    strays: dice.chance(40) ? dice.between(50, 250) : 0,
    lateReplies: dice.between(200, 700),
    leastMs: dice.logUniform(20, 250),
    mostMs: dice.logUniform(400, 2500),
  };
}

/** Restarts the leader, so that there is an election. */
async function unseat(scene: Scene): Promise<void> {
  const { dice } = scene;
  const leader = await scene.leader();
  if (leader !== undefined) await scene.restart(leader.server, dice.chance(50) ? 0 : dice.logUniform(10, 800));
}

/** Two majorities elect at the same time, and the voters they share restart all along. */
async function sharedVoters(scene: Scene): Promise<void> {
  const { dice, lab } = scene;
  const { links, shared } = twoMajorities(dice.shuffled(lab.everyone()));
  lab.step("two majorities elect at the same time");
  lab.cluster.network.setLateness(dice.chance(60) ? electionLateness(dice) : undefined);
  scene.link(dice.chance(80) ? links : undefined);
  await unseat(scene);
  const untilMs = lab.simulation.nowMs + dice.logUniform(400, 2500);
  const voters = dice.chance(80) ? shared : lab.everyone();
  const restless = dice.chance(75);
  while (scene.goesOn && lab.simulation.nowMs < untilMs) {
    if (restless) for (const server of voters) scene.crashAt(server, drawPoint(scene), 0);
    await scene.pause(dice.logUniform(10, 300));
  }
  scene.disarm();
}

/** Most answers come after their candidate has gone on to the next term: hardly anyone can be elected, and everyone asks again and again. */
async function lateAnswers(scene: Scene): Promise<void> {
  const { dice, lab } = scene;
  lab.step("answers to candidates come too late");
  lab.cluster.network.setLateness({
    duplicates: 0,
    strays: 0,
    lateReplies: dice.between(700, 950),
    leastMs: dice.between(150, 400),
    mostMs: dice.between(1000, 2500),
  });
  scene.link(undefined);
  await unseat(scene);
  await scene.pause(dice.between(1500, 4000));
}

async function electionsUnderFire(scene: Scene): Promise<void> {
  const { dice, lab } = scene;
  const { network } = lab.cluster;
  network.longDelays = dice.chance(30);
  scene.load(dice.logUniform(15, 120));
  await scene.awaitLeader(2000);
  while (scene.goesOn) {
    await dice.pick([sharedVoters, sharedVoters, lateAnswers])(scene);
    if (dice.chance(60)) continue;
    lab.step("all links are open, answers come in time");
    scene.link(undefined);
    network.setLateness(undefined);
    await scene.pause(dice.logUniform(100, 1000));
  }
}

export const electionTests: readonly LabTest[] = [
  beyondTest({
    name: "ElectionsUnderFire",
    title: "voters restart in the middle of elections",
    servers: [3, 4, 5],
    span: { leastMs: 8000, mostMs: 16_000 },
    reaches: ["leaderChanges", "splitVotes", "restarts", "votesDeniedByVote", "staleReplies", "tailsOverwritten"],
    faults: electionsUnderFire,
  }),
];
