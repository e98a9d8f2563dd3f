import { electionTimeoutMs, expect, type Lab } from "../lab/lab.ts";
import type { LabTest } from "../lab/lab-test.ts";
import { beyondTest, wholeRun } from "./beyond-test.ts";
import type { Scene } from "./scene.ts";

/** What a cluster sends when nobody lacks anything. */

const commands = 60;
const commandBytes = 2000;

const logBytes = commands * commandBytes;

/**
 * Logs that a step may cost where nobody lacks anything. A heartbeat to each of four peers every 50 ms comes to a quarter of one in two seconds; whoever sends one
 * peer its log again, to all of it.
 */
const logsForNobody = 1;

/**
 * The same where a server returns with an entry that nobody wants. §5.3 lets a leader go back to the first entry of the conflicting term, here of all: that is
 * the log once, for one peer, and once more if it is asked before the answer is there.
 */
const logsForOne = 2.5;

/** How long all of them have what they need, and nobody asks for more. */
const idleMs = 2 * electionTimeoutMs;

/** Everybody has a long log. Nothing happens for a while; then another leader takes over, and the former one returns: each time only what is new may travel. */
async function economy(scene: Scene): Promise<void> {
  const { lab } = scene;
  lab.step(`agree on ${commands} commands of ${commandBytes} characters`);
  for (let command = 0; command < commands; command++) await lab.one(lab.randomText(commandBytes), lab.servers, { retry: true });
  // Acknowledgements may be under way still.
  await lab.sleep(electionTimeoutMs);

  lab.step("nobody lacks anything, and nothing happens");
  await costs(lab, logsForNobody, "while nothing happened", () => lab.sleep(idleMs));

  const former = await lab.checkOneLeader();
  lab.step(`S${former}, the leader, is cut off: its successor's followers have the whole log`);
  await costs(lab, logsForNobody, "for a new leader whose followers had the whole log", async () => {
    lab.disconnect(former);
    await lab.one(scene.command(), lab.servers - 1, { retry: true });
    await lab.sleep(electionTimeoutMs);
  });

  lab.step(`S${former} returns and lacks one entry`);
  await costs(lab, logsForOne, "for a server that lacked one entry", async () => {
    lab.connect(former);
    await lab.one(scene.command(), lab.servers, { retry: true });
    await lab.sleep(electionTimeoutMs);
  });
}

/** Fails the test if `happens` costs more bytes than `logs` logs have. `what`: completes "too many RPC bytes ...". */
async function costs(lab: Lab, logs: number, what: string, happens: () => Promise<unknown>): Promise<void> {
  const { network } = lab.cluster;
  const before = network.totalBytes;
  await happens();
  const bytes = network.totalBytes - before;
  const mostBytes = logs * logBytes;
  const expected = `at most ${mostBytes} bytes, the log's ${logBytes} ${logs === 1 ? "once" : `times ${logs}`}`;
  expect(bytes <= mostBytes, () => ({ cause: `too many RPC bytes ${what}`, expected, seen: `${bytes}`, aspect: "economy" }));
}

export const economyTests: readonly LabTest[] = [
  beyondTest({
    name: "Economy",
    title: "nobody is sent what it has",
    servers: [3, 5],
    span: wholeRun,
    reaches: ["leaderChanges"],
    faults: economy,
  }),
];
