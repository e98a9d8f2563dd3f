import { showCommand } from "../cluster/service-log.ts";
import type { RandomStream } from "../sim/random.ts";
import { electionTimeoutMs, expect, type Lab } from "./lab.ts";
import type { LabTest } from "./lab-test.ts";

/** Part C: what was promised survives crashes, on networks that lose, delay and reorder. */

async function persist1(lab: Lab): Promise<void> {
  lab.begin();
  await lab.one(11, lab.servers, { retry: true });

  lab.step("all servers crash and restart");
  for (const server of lab.everyone()) await lab.start(server);
  for (const server of lab.everyone()) {
    lab.disconnect(server);
    lab.connect(server);
  }
  await lab.one(12, lab.servers, { retry: true });

  lab.step("the leader restarts");
  const first = await lab.checkOneLeader();
  lab.disconnect(first);
  await lab.startAndConnect(first);
  await lab.one(13, lab.servers, { retry: true });

  lab.step("the leader restarts after the others have agreed without it");
  const second = await lab.checkOneLeader();
  lab.disconnect(second);
  await lab.one(14, lab.servers - 1, { retry: true });
  await lab.startAndConnect(second);
  await lab.wait(4, lab.servers);

  lab.step("a follower restarts after the others have agreed without it");
  const follower = (await lab.checkOneLeader()) + 1;
  lab.disconnect(follower);
  await lab.one(15, lab.servers - 1, { retry: true });
  await lab.startAndConnect(follower);
  await lab.one(16, lab.servers, { retry: true });
  lab.end();
}

async function persist2(lab: Lab): Promise<void> {
  lab.begin();
  let index = 1;
  for (let round = 1; round <= 5; round++) {
    lab.step(`round ${round}: two followers are cut off`);
    await lab.one(10 + index++, lab.servers, { retry: true });
    const leader = await lab.checkOneLeader();
    lab.disconnect(leader + 1, leader + 2);
    await lab.one(10 + index++, lab.servers - 2, { retry: true });

    lab.step(`round ${round}: the other three are cut off, the two restart, then one of the three`);
    lab.disconnect(leader, leader + 3, leader + 4);
    await lab.start(leader + 1);
    await lab.start(leader + 2);
    lab.connect(leader + 1, leader + 2);
    await lab.sleep(electionTimeoutMs);
    await lab.startAndConnect(leader + 3);
    await lab.one(10 + index++, lab.servers - 2, { retry: true });
    lab.connect(leader + 4, leader);
  }
  lab.step("all five are together");
  await lab.one(1000, lab.servers, { retry: true });
  lab.end();
}

async function persist3(lab: Lab): Promise<void> {
  lab.begin();
  await lab.one(101, 3, { retry: true });

  lab.step("one server misses a command; the two that have it crash, one of them comes back");
  const leader = await lab.checkOneLeader();
  lab.disconnect(leader + 2);
  await lab.one(102, 2, { retry: true });
  await lab.crash(leader, leader + 1);
  lab.connect(leader + 2);
  await lab.startAndConnect(leader);
  await lab.one(103, 2, { retry: true });

  lab.step("the last one comes back");
  await lab.startAndConnect(leader + 1);
  await lab.one(104, lab.servers, { retry: true });
  lab.end();
}

/** A pause that mostly is shorter than an agreement takes and sometimes lets several through. */
function figure8PauseMs(lab: Lab): number {
  return lab.chance(100) ? lab.below(electionTimeoutMs / 2) : lab.below(13);
}

async function figure8(lab: Lab): Promise<void> {
  lab.begin();
  await lab.one(lab.randomCommand(), 1, { retry: true });
  lab.step("a thousand rounds: each leader crashes soon after it took a command, so that terms mix in the logs");
  let up = lab.servers;
  for (let round = 0; round < 1000; round++) {
    const leader = (await lab.offerToAll(() => lab.randomCommand())).at(-1)?.server;
    await lab.sleep(figure8PauseMs(lab));
    if (leader !== undefined) {
      await lab.crash(leader);
      up--;
    }
    if (up >= 3) continue;
    const server = lab.below(lab.servers);
    if (lab.cluster.isAlive(server)) continue;
    await lab.startAndConnect(server);
    up++;
  }
  lab.step("all servers are up again and must agree");
  for (const server of lab.everyone()) {
    if (!lab.cluster.isAlive(server)) await lab.startAndConnect(server);
  }
  await lab.one(lab.randomCommand(), lab.servers, { retry: true });
  lab.end();
}

async function unreliableAgree(lab: Lab): Promise<void> {
  lab.begin();
  lab.step("agree on 49 commands one after the other, four more beside each");
  const beside: Promise<number>[] = [];
  for (let round = 1; round < 50; round++) {
    for (let j = 0; j < 4; j++) {
      beside.push(lab.background(`one(${100 * round + j})`, () => lab.one(100 * round + j, 1, { retry: true })));
    }
    await lab.one(round, 1, { retry: true });
  }
  lab.step("the network becomes reliable; all agreements must finish");
  lab.cluster.network.reliable = true;
  await lab.join("196 agreements", beside);
  await lab.one(100, lab.servers, { retry: true });
  lab.end();
}

async function figure8Unreliable(lab: Lab): Promise<void> {
  lab.begin();
  await lab.one(lab.below(10_000), 1, { retry: true });
  lab.step("a thousand rounds: every server is offered a command, leaders are cut off soon after they took one");
  let connected = lab.servers;
  for (let round = 0; round < 1000; round++) {
    if (round === 200) {
      lab.step("from here on replies are delayed and reordered too");
      lab.cluster.network.longReordering = true;
    }
    const accepted = await lab.offerToAll(() => lab.below(10_000));
    const leader = accepted.findLast(({ server }) => lab.cluster.isConnected(server))?.server;
    await lab.sleep(figure8PauseMs(lab));
    if (leader !== undefined && lab.chance(500)) {
      lab.disconnect(leader);
      connected--;
    }
    if (connected >= 3) continue;
    const server = lab.below(lab.servers);
    if (lab.cluster.isConnected(server)) continue;
    lab.connect(server);
    connected++;
  }
  lab.step("all are connected, the network still loses and reorders: all five must agree");
  lab.connect(...lab.everyone());
  await lab.one(lab.below(10_000), lab.servers, { retry: true });
  lab.end();
}

async function churn(lab: Lab): Promise<void> {
  lab.begin();
  lab.step("three clients propose while servers are cut off, crash and restart");
  const stop = { asked: false };
  const clients = [0, 1, 2].map((me) => lab.background(`client ${me}`, (random) => churnClient(lab, me, random, stop)));
  for (let round = 0; round < 20; round++) {
    if (lab.chance(200)) lab.disconnect(lab.below(lab.servers));
    if (lab.chance(500)) {
      const server = lab.below(lab.servers);
      if (!lab.cluster.isAlive(server)) await lab.start(server);
      lab.connect(server);
    }
    if (lab.chance(200)) {
      const server = lab.below(lab.servers);
      if (lab.cluster.isAlive(server)) await lab.crash(server);
    }
    // Long enough to elect a leader most times, short enough to catch some elections in their course.
    await lab.sleep((electionTimeoutMs / 10) * 7);
  }

  lab.step("all servers are up and connected, the network is reliable; the clients stop");
  await lab.sleep(electionTimeoutMs);
  lab.cluster.network.reliable = true;
  for (const server of lab.everyone()) {
    if (!lab.cluster.isAlive(server)) await lab.start(server);
    lab.connect(server);
  }
  stop.asked = true;
  const confirmed = (await lab.join("three clients", clients)).flat();
  await lab.sleep(electionTimeoutMs);
  const last = await lab.one(lab.randomCommand(), lab.servers, { retry: true });

  lab.step(`every command that a client saw committed must be among the ${last} committed ones`);
  await checkAllCommitted(lab, last, confirmed);
  lab.end();
}

/** Proposes until told to stop; returns the commands it saw committed. */
async function churnClient(lab: Lab, me: number, random: RandomStream, stop: { readonly asked: boolean }): Promise<number[]> {
  const confirmed: number[] = [];
  while (!stop.asked) {
    const command = lab.randomCommand(random);
    const index = (await lab.offerToAll(() => command)).at(-1)?.index;
    if (index === undefined) await lab.sleep(79 + me * 17);
    else if (await seenCommitted(lab, index, command)) confirmed.push(command);
  }
  return confirmed;
}

/** Looks a few times whether anything is committed at `index`; returns whether it is `command`. */
async function seenCommitted(lab: Lab, index: number, command: number): Promise<boolean> {
  // The leader may be cut off for long: give up soon.
  for (const pauseMs of [10, 20, 50, 100, 200]) {
    const { count, command: found } = lab.committed(index);
    if (count > 0) {
      expectNumber(found, index);
      return found === command;
    }
    await lab.sleep(pauseMs);
  }
  return false;
}

async function checkAllCommitted(lab: Lab, last: number, confirmed: readonly number[]): Promise<void> {
  const committed = new Set<unknown>();
  for (let index = 1; index <= last; index++) {
    const found = await lab.wait(index, lab.servers);
    expectNumber(found?.command, index);
    committed.add(found?.command);
  }
  for (const command of confirmed) {
    expect(committed.has(command), () => ({
      cause: "a command that was committed is lost",
      expected: `${command} among the ${last} committed commands`,
      seen: "it is at no index",
      aspect: "safety",
    }));
  }
}

function expectNumber(command: unknown, index: number): void {
  expect(typeof command === "number", () => ({
    cause: "a value that nobody proposed",
    expected: `a number at index ${index}`,
    seen: showCommand(command),
    aspect: "safety",
  }));
}

export const persistenceTests: readonly LabTest[] = [
  persistenceTest("Persist1", 3, true, "basic persistence", persist1),
  persistenceTest("Persist2", 5, true, "more persistence", persist2),
  persistenceTest("Persist3", 3, true, "partitioned leader and one follower crash, leader restarts", persist3),
  persistenceTest("Figure8", 5, true, "Figure 8", figure8),
  persistenceTest("UnreliableAgree", 5, false, "unreliable agreement", unreliableAgree),
  persistenceTest("Figure8Unreliable", 5, false, "Figure 8 (unreliable)", figure8Unreliable),
  persistenceTest("ReliableChurn", 5, true, "churn", churn),
  persistenceTest("UnreliableChurn", 5, false, "unreliable churn", churn),
];

function persistenceTest(name: string, servers: number, reliable: boolean, title: string, run: LabTest["run"]): LabTest {
  return { name: `Test${name}2C`, alias: `Test${name}3C`, part: "2C", title, servers, reliable, snapshots: false, run };
}
