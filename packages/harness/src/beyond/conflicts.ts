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

export const conflictTests: readonly LabTest[] = [
  beyondTest({
    name: "SingleConflicts",
    title: "logs that disagree in single entries",
    servers: [3, 5],
    span: { leastMs: 15_000, mostMs: 30_000 },
    reaches: ["leaderChanges", "tailsOverwritten", "replicatedTailsOverwritten", "votesDeniedByLog", "commitsOfOlderTerms"],
    faults: conflicts,
  }),
];
