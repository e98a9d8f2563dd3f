import type { ServerState } from "../cluster/shape.ts";
import { TestFailure } from "../failure.ts";
import { electionTimeoutMs } from "../lab/lab.ts";
import type { LabTest } from "../lab/lab-test.ts";
import { fullMesh } from "../net/links.ts";
import { beyondTest, wholeRun } from "./beyond-test.ts";
import { highestTerm, leaderOf, type Scene } from "./scene.ts";

/** A leader and its successor that can't talk to each other, but to all the others. */

const rounds = 3;
const looks = 3;

/** A leader that can be answered learns of a newer term with its next heartbeat. This is many times as long, and three times what an election may take. */
const patienceMs = 3 * electionTimeoutMs;

/**
 * The link between the leader and another server is cut in both directions: that one gets the votes of those whom both can reach, and they tell the former leader in their answers alone, for
 * followers send no requests. Whom they obey at last is anybody's business; but nobody may go on leading a term that was over for them long ago. (Voters that hear a leader may keep to its
 * term whoever asks for their votes: then it is not over.)
 */
async function sharedFollowers(scene: Scene): Promise<void> {
  const { lab } = scene;
  for (let round = 0; round < rounds; round++) {
    await lab.one(scene.command(), lab.servers, { retry: true });
    const leader = await lab.checkOneLeader();
    const rival = scene.dice.pick(lab.everyone().filter((server) => server !== leader));
    const shared = lab.everyone().filter((server) => server !== leader && server !== rival);
    lab.step(`S${leader} leads, and neither of S${leader} and S${rival} hears the other`);
    scene.link(fullMesh(lab.servers).cut(leader, rival).cut(rival, leader));
    for (let look = 0; look < looks; look++) {
      const known = highestTerm(await scene.states(shared));
      await lab.sleep(patienceMs);
      demandPresentLeaders(await scene.states(), known);
    }
    lab.step(`S${leader} and S${rival} hear each other again`);
    scene.link(undefined);
  }
}

/** Fails the test if somebody leads an older term than `known`, in which a server that all reach was `patienceMs` before. */
function demandPresentLeaders(states: readonly (ServerState | undefined)[], known: number): void {
  states.forEach((state, server) => {
    if (!state?.isLeader || state.term >= known) return;
    const limit = `${patienceMs / 1000} s`;
    const present = leaderOf(states)!;
    const others = present.server === server ? "" : `; S${present.server} leads term ${present.term}`;
    throw new TestFailure(
      `S${server} leads term ${state.term} still, ${limit} after a server that it reaches was in term ${known}${others}`,
      {
        cause: "a leader does not learn that its term is over",
        expected: `no leader of a term before ${known}`,
        seen: `S${server} leads term ${state.term}`,
        server,
      },
    );
  });
}

export const sharedFollowerTests: readonly LabTest[] = [
  beyondTest({
    name: "SharedFollowers",
    title: "a leader and its successor reach the same followers, but not each other",
    servers: [3, 5],
    span: wholeRun,
    reaches: ["leaderChanges", "cutLinks"],
    faults: sharedFollowers,
  }),
];
