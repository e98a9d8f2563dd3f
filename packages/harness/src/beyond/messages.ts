import type { LabTest } from "../lab/lab-test.ts";
import type { Lateness } from "../net/old-messages.ts";
import { beyondTest } from "./beyond-test.ts";
import type { Dice } from "./dice.ts";
import type { Scene } from "./scene.ts";

/** Messages that arrive late, twice, or long after the terms they are of. */

/** Which messages are late, and how late: from less than a heartbeat to several elections. */
export function drawLateness(dice: Dice): Lateness {
  const leastMs = dice.logUniform(1, 50);
  const mayBe = (most: number) => (dice.chance(60) ? dice.between(20, most) : 0);
  return {
    duplicates: mayBe(400),
    strays: mayBe(150),
    lateReplies: mayBe(600),
    leastMs,
    mostMs: leastMs * dice.logUniform(5, 100),
  };
}

/** Requests of the whole run so far arrive again and again. */
export function keepReplaying(scene: Scene): void {
  const { lab } = scene;
  const { network } = lab.cluster;
  scene.rememberRequests();
  scene.beside("old requests", async (dice) => {
    while (scene.goesOn) {
      await scene.pause(dice.logUniform(10, 500));
      network.replay(dice.between(1, 4), dice.chance(50) ? dice.pick(lab.everyone()) : undefined);
    }
  });
}

/**
 * Leaders come and go quickly, so that what is late is of another term, and of a log that looked otherwise; commands come in small bursts, so that requests
 * with fewer entries overtake those with more.
 */
async function oldMessages(scene: Scene): Promise<void> {
  const { dice, lab } = scene;
  const { network } = lab.cluster;
  network.longReordering = dice.chance(30);
  network.setLateness(drawLateness(dice));
  if (dice.chance(70)) keepReplaying(scene);
  scene.load(dice.logUniform(4, 60));
  while (scene.goesOn) {
    const leader = await scene.awaitLeader(2000);
    await scene.pause(dice.logUniform(2, 800));
    if (leader === undefined) continue;
    const way = dice.pick(["cut off", "restart", "stays"]);
    lab.step(`S${leader.server} leads term ${leader.term}: ${way}`);
    if (way === "restart") await scene.restart(leader.server, dice.chance(50) ? 0 : dice.logUniform(1, 1000));
    if (way !== "cut off") continue;
    lab.disconnect(leader.server);
    await scene.pause(dice.logUniform(50, 1500));
    lab.connect(leader.server);
  }
}

export const messageTests: readonly LabTest[] = [
  beyondTest({
    name: "OldMessages",
    title: "messages that arrive late, twice, or terms after their time",
    servers: [3, 4, 5],
    span: { leastMs: 6000, mostMs: 12_000 },
    reaches: ["staleRequests", "staleReplies", "oldRequests", "leaderChanges", "tailsOverwritten"],
    faults: oldMessages,
  }),
];
