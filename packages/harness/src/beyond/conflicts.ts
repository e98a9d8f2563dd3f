import type { LabTest } from "../lab/lab-test.ts";
import { oneWayCut, partition } from "../net/links.ts";
import { beyondTest } from "./beyond-test.ts";
import { names } from "./liveness.ts";
import type { LeaderSeen, Scene } from "./scene.ts";

/** Logs that disagree in single entries, built on purpose: the shapes of Figures 7 and 8 of the extended Raft paper. */

/**
 * Each round another majority is together, elects a leader, and that leader takes at most one command, which reaches only some of them before the
 * round is over. A leader without a command of its own goes on with the entries of older terms: counting their copies is not enough to commit them (§5.4.2).
 */
async function conflicts(scene: Scene): Promise<void> {
  const { dice, lab } = scene;
  lab.cluster.network.cutsInFlight = dice.chance(50);
  // Answers of a former leadership, of entries that may be gone since.
  const lateReplies = dice.chance(50) ? dice.between(300, 800) : 0;
  lab.cluster.network.setLateness({ duplicates: 0, strays: 0, lateReplies, leastMs: 200, mostMs: 5000 });
  const majority = Math.floor(lab.servers / 2) + 1;
  let former: LeaderSeen | undefined;
  while (scene.goesOn) {
    // Mostly without the one that led last: it comes back when another one has led.
    const candidates = lab.everyone().filter((server) => server !== former?.server || dice.chance(20));
    const together = dice.shuffled(candidates).slice(0, majority);
    lab.step(`only ${names(together)} are together`);
    const group = partition(lab.servers, together);
    scene.link(group);
    const stays = former !== undefined && together.includes(former.server);
    const leader = await scene.awaitLeader(2500, together, stays ? 0 : former?.term);
    if (leader === undefined) continue;
    former = leader;
    // Whom the leader's requests reach from now on: mostly not everyone.
    const followers = dice.shuffled(together.filter((server) => server !== leader.server));
    const reached = dice.below(followers.length + 1);
    if (reached < followers.length) scene.link(group.and(oneWayCut(lab.servers, [leader.server], followers.slice(reached))));
    if (dice.chance(50)) await scene.offer(leader.server, dice.chance(70) ? 1 : 3);
    if (dice.chance(20)) await scene.restart(leader.server, 0);
    await scene.pause(dice.logUniform(0.2, 250));
  }
}

/**
 * A leader is replaced, loses entries that a follower had acknowledged to it, and leads again, while those acknowledgements are still under way: they speak of a
 * log that is gone.
 */
async function returningLeader(scene: Scene): Promise<void> {
  const { dice, lab } = scene;
  const { cluster } = lab;
  const { network } = cluster;
  while (scene.goesOn) {
    const [first, witness, ...others] = dice.shuffled(lab.everyone()) as [number, number, ...number[]];
    network.setLateness(undefined);
    scene.link(undefined);
    if ((await electOne(scene, first, lab.everyone())) === undefined) continue;

    lab.step(`only S${witness} gets what S${first} appends, and its answers take seconds`);
    network.setLateness({ duplicates: 0, strays: 0, lateReplies: 1000, leastMs: 500, mostMs: 5000 });
    scene.link(partition(lab.servers, [first, witness], others));
    await scene.offer(first, dice.between(2, 6));
    await scene.pause(dice.logUniform(10, 200));
    network.setLateness(undefined);

    lab.step(`${names(others)} agree on something else`);
    const other = await electOne(scene, dice.pick(others), others);
    if (other === undefined) continue;
    await scene.offer(other.server, 1);
    await scene.pause(dice.logUniform(5, 150));

    lab.step(`S${first} follows, then leads again`);
    scene.link(partition(lab.servers, [first, ...others]));
    await scene.pause(dice.logUniform(150, 400));
    const together = [first, ...others.filter((server) => server !== other.server)];
    scene.link(partition(lab.servers, together));
    if ((await electOne(scene, first, together)) === undefined) continue;
    // One command after the other, each of which reaches only one follower at first.
    const reached = dice.pick(together.slice(1));
    for (let round = dice.between(2, 12); round > 0 && scene.goesOn; round--) {
      scene.link(partition(lab.servers, dice.chance(60) ? [first, reached] : together));
      await scene.offer(first, dice.between(0, 1));
      await scene.pause(dice.logUniform(20, 300));
    }
  }
}

/** Has one of some servers elected that can be: its clock runs fast until it leads. */
async function electOne(scene: Scene, server: number, among: readonly number[]): Promise<LeaderSeen | undefined> {
  const { cluster } = scene.lab;
  cluster.setClockRate(server, 3);
  let leader: LeaderSeen | undefined;
  for (let tries = 4; tries > 0 && scene.goesOn && leader?.server !== server; tries--) {
    if (leader !== undefined) await scene.restart(leader.server, 0);
    leader = await scene.awaitLeader(1500, among, leader?.term);
  }
  cluster.setClockRate(server, 1);
  return leader?.server === server ? leader : undefined;
}

export const conflictTests: readonly LabTest[] = [
  beyondTest({
    name: "SingleConflicts",
    title: "logs that disagree in single entries",
    servers: [3, 5],
    span: { leastMs: 10_000, mostMs: 20_000 },
    reaches: ["leaderChanges", "tailsOverwritten", "replicatedTailsOverwritten", "votesDeniedByLog", "commitsOfOlderTerms"],
    faults: conflicts,
  }),
  beyondTest({
    name: "ReturningLeaders",
    title: "a leader leads again while its followers' old answers are under way",
    servers: 5,
    span: { leastMs: 10_000, mostMs: 18_000 },
    reaches: ["leaderChanges", "tailsOverwritten", "staleReplies", "skewedClocks", "replicatedTailsOverwritten"],
    faults: returningLeader,
  }),
];
