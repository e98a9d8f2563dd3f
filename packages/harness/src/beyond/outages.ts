import type { LabTest } from "../lab/lab-test.ts";
import { beyondTest } from "./beyond-test.ts";
import type { Scene } from "./scene.ts";

/** Servers that are away for very long. */

/** One server is away while the others agree on very many commands and go through many terms; then it is needed at once. */
async function longOutage(scene: Scene): Promise<void> {
  const { dice, lab } = scene;
  const first = await scene.awaitLeader(3000);
  const away = first !== undefined && dice.chance(50) ? first.server : dice.pick(lab.everyone());
  const crashed = dice.chance(50);
  lab.step(`S${away} ${crashed ? "crashes" : "is cut off"} for very long`);
  if (crashed) await scene.crash(away);
  else lab.disconnect(away);
  // Cut off while it led, it goes on taking commands, of which none may ever be applied.
  if (!crashed) await scene.offer(away, Math.floor(dice.logUniform(1, 200)));
  const rest = lab.everyone().filter((server) => server !== away);
  const entries = dice.logUniform(100, 1500);
  const terms = dice.between(1, 8);
  let term = first?.term ?? 0;
  for (let i = 0; i < terms && scene.goesOn; i++) {
    const leader = await scene.awaitLeader(3000, rest, term);
    if (leader === undefined) break;
    term = leader.term;
    await scene.offer(leader.server, Math.ceil(entries / terms));
    await scene.pause(dice.logUniform(20, 300));
    // Its successor is of another term. With three servers nobody else can spare it.
    if (i < terms - 1) await scene.restart(leader.server, dice.logUniform(1, 1500));
  }
  lab.step(`S${away} is back, and another one leaves`);
  await scene.boot(away);
  lab.connect(away);
  if (dice.chance(50)) return;
  const other = dice.pick(rest);
  lab.disconnect(other);
  await scene.pause(dice.logUniform(200, 3000));
  lab.connect(other);
}

export const outageTests: readonly LabTest[] = [
  beyondTest({
    name: "LongOutages",
    title: "a server is away for very many entries and terms",
    servers: [3, 5],
    span: { leastMs: 15_000, mostMs: 30_000 },
    reaches: ["leaderChanges", "restarts", "commitsUnderFaults"],
    faults: longOutage,
  }),
];
