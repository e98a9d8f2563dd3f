import type { LabTest } from "../lab/lab-test.ts";
import { type Links, partition } from "../net/links.ts";
import { beyondTest } from "./beyond-test.ts";
import type { Scene } from "./scene.ts";

/** Clusters of four and six: half of the servers are no majority. */

async function equalHalves(scene: Scene): Promise<void> {
  const { dice, lab } = scene;
  scene.load(dice.logUniform(15, 200));
  await scene.awaitLeader(3000);
  while (scene.goesOn) {
    lab.step("equal halves, neither of which may elect a leader or commit anything");
    const order = dice.shuffled(lab.everyone());
    const half = lab.servers / 2;
    const halves: Links = partition(lab.servers, order.slice(0, half), order.slice(half));
    scene.link(halves);
    scene.reached("equalHalves");
    await scene.pause(dice.logUniform(1000, 4000));
    if (dice.chance(30)) {
      lab.step("one half restarts");
      for (const server of order.slice(half)) await scene.restart(server, 0);
      scene.link(halves);
      await scene.pause(dice.logUniform(500, 2000));
    }
    if (dice.chance(30)) continue;
    lab.step("all links are open");
    scene.link(undefined);
    await scene.pause(dice.logUniform(300, 2000));
  }
}

export const evenClusterTests: readonly LabTest[] = [
  beyondTest({
    name: "EqualHalves",
    title: "clusters that split into equal halves",
    servers: [4, 6],
    span: { leastMs: 10_000, mostMs: 16_000 },
    reaches: ["equalHalves", "leaderChanges", "tailsOverwritten"],
    faults: equalHalves,
  }),
];
