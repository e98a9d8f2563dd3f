import type { LabTest } from "../lab/lab-test.ts";
import { beyondTest } from "./beyond-test.ts";
import type { Scene } from "./scene.ts";

/** Elections under fire: what a server promised with its term and its vote must survive its crash. */

async function electionsUnderFire(scene: Scene): Promise<void> {
  const { dice, lab } = scene;
  const { network } = lab.cluster;
  let term = 0;
  while (scene.goesOn) {
    // Requests that are held for some ms let candidates of one term overlap.
    network.reliable = dice.chance(30);
    network.longReordering = dice.chance(30);
    const leader = await scene.awaitLeader(1500, lab.everyone(), term);
    if (leader !== undefined) {
      term = leader.term;
      if (dice.chance(50)) await scene.offer(leader.server);
      await scene.pause(dice.logUniform(1, 150));
      lab.step(`S${leader.server} is gone: an election in which everyone restarts`);
      scene.beside(`S${leader.server} is away`, () => scene.restart(leader.server, dice.logUniform(200, 2000)));
    }
    // Voters restart all along, so that they are asked again when they might have forgotten whom they voted for.
    const untilMs = lab.simulation.nowMs + 1200;
    while (scene.goesOn && lab.simulation.nowMs < untilMs) {
      await scene.pause(dice.logUniform(2, 60));
      await scene.restart(await scene.aim(), 0);
    }
  }
}

export const electionTests: readonly LabTest[] = [
  beyondTest({
    name: "ElectionsUnderFire",
    title: "servers restart in the middle of elections",
    servers: [3, 4, 5],
    span: { leastMs: 10_000, mostMs: 20_000 },
    reaches: ["leaderChanges", "splitVotes", "restarts", "votesDeniedByVote", "staleReplies"],
    faults: electionsUnderFire,
  }),
];
