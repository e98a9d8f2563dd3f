import { showCommand } from "../cluster/service-log.ts";
import { electionTimeoutMs, expect, type Lab } from "./lab.ts";
import type { LabTest } from "./lab-test.ts";

/** Part B: commands are agreed on, whoever is cut off, and at the cost of few RPCs. */

async function basicAgree(lab: Lab): Promise<void> {
  lab.begin();
  for (let index = 1; index <= 3; index++) {
    lab.step(`agree on command ${index * 100}`);
    lab.checkNothingCommitted(index, "before it was proposed");
    expectIndex(await lab.one(index * 100, lab.servers, { retry: false }), index);
  }
  lab.end();
}

function expectIndex(got: number, expected: number): void {
  expect(got === expected, () => ({
    cause: "a command got another index than expected",
    expected: `index ${expected}`,
    seen: `index ${got}`,
  }));
}

async function rpcBytes(lab: Lab): Promise<void> {
  lab.begin();
  await lab.one(99, lab.servers, { retry: false });
  const bytesBefore = lab.cluster.network.totalBytes;

  lab.step("ten commands of 5000 characters: each must travel to each server about once");
  const commandBytes = 5000;
  const commands = 10;
  for (let index = 2; index < commands + 2; index++) {
    expectIndex(await lab.one(lab.randomText(commandBytes), lab.servers, { retry: false }), index);
  }
  const bytes = lab.cluster.network.totalBytes - bytesBefore;
  // Room for one copy more than needed, and 50,000 bytes for everything else.
  const most = lab.servers * commands * commandBytes + 50_000;
  expect(bytes <= most, () => ({ cause: "too many RPC bytes", expected: `at most ${most} bytes`, seen: `${bytes}`, aspect: "economy" }));
  lab.end();
}

async function followerFailure(lab: Lab): Promise<void> {
  lab.begin();
  await lab.one(101, lab.servers, { retry: false });

  lab.step("one follower is cut off: the leader and the other follower agree");
  const first = await lab.checkOneLeader();
  lab.disconnect(first + 1);
  await lab.one(102, lab.servers - 1, { retry: false });
  await lab.sleep(electionTimeoutMs);
  await lab.one(103, lab.servers - 1, { retry: false });

  lab.step("the other follower is cut off too: nothing can be committed");
  const second = await lab.checkOneLeader();
  lab.disconnect(second + 1, second + 2);
  const { index, isLeader } = await lab.propose(second, 104);
  expect(isLeader, () => ({ cause: "the leader rejected start()", expected: `S${second} accepts a command`, seen: "isLeader false" }));
  expectIndex(index, 4);
  await lab.sleep(2 * electionTimeoutMs);
  lab.checkNothingCommitted(4, "without a majority");
  lab.end();
}

async function leaderFailure(lab: Lab): Promise<void> {
  lab.begin();
  await lab.one(101, lab.servers, { retry: false });

  lab.step("the first leader is cut off: the others elect one and agree");
  const first = await lab.checkOneLeader();
  lab.disconnect(first);
  await lab.one(102, lab.servers - 1, { retry: false });
  await lab.sleep(electionTimeoutMs);
  await lab.one(103, lab.servers - 1, { retry: false });

  lab.step("the new leader is cut off too: nothing can be committed");
  const second = await lab.checkOneLeader();
  lab.disconnect(second);
  for (const server of lab.everyone()) await lab.propose(server, 104);
  await lab.sleep(2 * electionTimeoutMs);
  lab.checkNothingCommitted(4, "without a majority");
  lab.end();
}

async function failAgree(lab: Lab): Promise<void> {
  lab.begin();
  await lab.one(101, lab.servers, { retry: false });

  lab.step("a follower is cut off: the two others agree");
  const leader = await lab.checkOneLeader();
  lab.disconnect(leader + 1);
  await lab.one(102, lab.servers - 1, { retry: false });
  await lab.one(103, lab.servers - 1, { retry: false });
  await lab.sleep(electionTimeoutMs);
  await lab.one(104, lab.servers - 1, { retry: false });
  await lab.one(105, lab.servers - 1, { retry: false });

  lab.step("the follower returns: all three agree on what it missed and on more");
  lab.connect(leader + 1);
  await lab.one(106, lab.servers, { retry: true });
  await lab.sleep(electionTimeoutMs);
  await lab.one(107, lab.servers, { retry: true });
  lab.end();
}

async function failNoAgree(lab: Lab): Promise<void> {
  lab.begin();
  await lab.one(10, lab.servers, { retry: false });

  lab.step("three of five are cut off: the leader's command can't be committed");
  const first = await lab.checkOneLeader();
  lab.disconnect(first + 1, first + 2, first + 3);
  const stranded = await lab.propose(first, 20);
  expect(stranded.isLeader, () => ({
    cause: "the leader rejected start()",
    expected: `S${first} accepts a command`,
    seen: "isLeader false",
  }));
  expectIndex(stranded.index, 2);
  await lab.sleep(2 * electionTimeoutMs);
  lab.checkNothingCommitted(2, "without a majority");

  lab.step("they return: whoever leads takes the next command at index 2 or 3");
  lab.connect(first + 1, first + 2, first + 3);
  // The three may have elected a leader among themselves that never saw the stranded command.
  const second = await lab.checkOneLeader();
  const next = await lab.propose(second, 30);
  expect(next.isLeader, () => ({ cause: "the leader rejected start()", expected: `S${second} accepts a command`, seen: "isLeader false" }));
  expect(next.index === 2 || next.index === 3, () => ({
    cause: "an unexpected index",
    expected: "index 2 or 3",
    seen: `index ${next.index}`,
  }));
  await lab.one(1000, lab.servers, { retry: true });
  lab.end();
}

/** Times that a test which needs a quiet term is tried; each but the first after a pause for things to settle. */
const tries = 5;
const settleMs = 3000;

async function concurrentStarts(lab: Lab): Promise<void> {
  lab.begin();
  for (let attempt = 0; attempt < tries; attempt++) {
    if (attempt > 0) await lab.sleep(settleMs);
    const committed = await startFiveAtOnce(lab);
    if (committed === undefined) continue;
    for (let i = 0; i < 5; i++) {
      const found = committed.includes(100 + i);
      expect(found, () => ({
        cause: "a command that was accepted is missing",
        expected: `command ${100 + i}`,
        seen: committed.map(showCommand).join(", "),
      }));
    }
    lab.end();
    return;
  }
  expect(false, () => ({ cause: "the term changed too often", expected: "one quiet term in five tries", seen: "none" }));
}

/** The commands found at the indices of five simultaneous start() calls; undefined when the term changed under them. */
async function startFiveAtOnce(lab: Lab): Promise<unknown[] | undefined> {
  const leader = await lab.checkOneLeader();
  const { term, isLeader } = await lab.propose(leader, 1);
  if (!isLeader) return undefined;
  lab.step(`five start() calls at once on S${leader} in term ${term}`);
  const calls = Array.from({ length: 5 }, (_, i) =>
    lab.background(`start(${100 + i})`, async (random) => {
      await lab.sleep(random.int(0, 1000) / 1000);
      const answer = await lab.propose(leader, 100 + i);
      return answer.isLeader && answer.term === term ? answer.index : undefined;
    }),
  );
  const indices = (await lab.join("five start() calls", calls)).filter((index) => index !== undefined);
  for (const server of lab.everyone()) {
    if ((await lab.cluster.getState(server))?.term !== term) return undefined;
  }
  const commands: unknown[] = [];
  for (const index of indices) {
    const found = await lab.wait(index, lab.servers, term);
    if (found === undefined) return undefined;
    const { command } = found;
    expect(typeof command === "number", () => ({
      cause: "a value that nobody proposed",
      expected: `a number at index ${index}`,
      seen: showCommand(command),
      aspect: "safety",
    }));
    commands.push(command);
  }
  return commands;
}

async function rejoin(lab: Lab): Promise<void> {
  lab.begin();
  await lab.one(101, lab.servers, { retry: true });

  lab.step("the leader is cut off and takes commands it can't commit; a new leader agrees on others at the same indices");
  const first = await lab.checkOneLeader();
  lab.disconnect(first);
  for (const command of [102, 103, 104]) await lab.propose(first, command);
  await lab.one(103, 2, { retry: true });

  lab.step("the new leader is cut off, the old one returns");
  const second = await lab.checkOneLeader();
  lab.disconnect(second);
  lab.connect(first);
  await lab.one(104, 2, { retry: true });

  lab.step("all are together again");
  lab.connect(second);
  await lab.one(105, lab.servers, { retry: true });
  lab.end();
}

async function backup(lab: Lab): Promise<void> {
  lab.begin();
  await lab.one(lab.randomCommand(), lab.servers, { retry: true });

  lab.step("a leader with one follower takes 50 commands it can't commit");
  const first = await lab.checkOneLeader();
  lab.disconnect(first + 2, first + 3, first + 4);
  await proposeMany(lab, first, 50);
  await lab.sleep(electionTimeoutMs / 2);

  lab.step("the other three agree on 50 commands");
  lab.disconnect(first, first + 1);
  lab.connect(first + 2, first + 3, first + 4);
  await agreeOnMany(lab, 50);

  lab.step("one of the three is cut off; their leader takes 50 commands it can't commit");
  const second = await lab.checkOneLeader();
  const other = lab.wrap(first + 2) === second ? lab.wrap(second + 1) : lab.wrap(first + 2);
  lab.disconnect(other);
  await proposeMany(lab, second, 50);
  await lab.sleep(electionTimeoutMs / 2);

  lab.step("the first leader, its follower and the one cut off agree on 50 commands: logs must back up quickly");
  lab.disconnect(...lab.everyone());
  lab.connect(first, first + 1, other);
  await agreeOnMany(lab, 50);

  lab.step("all five are together again");
  lab.connect(...lab.everyone());
  await lab.one(lab.randomCommand(), lab.servers, { retry: true });
  lab.end();
}

async function proposeMany(lab: Lab, server: number, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await lab.propose(server, lab.randomCommand());
}

async function agreeOnMany(lab: Lab, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await lab.one(lab.randomCommand(), 3, { retry: true });
}

async function rpcCount(lab: Lab): Promise<void> {
  lab.begin();
  lab.step("the first election");
  await lab.checkOneLeader();
  const electing = totalDispatched(lab);
  expect(electing >= 1 && electing <= 30, () => ({
    cause: "too many or too few RPCs to elect the first leader",
    expected: "1 to 30",
    seen: `${electing}`,
    aspect: "economy",
  }));

  let counted: number | undefined;
  for (let attempt = 0; attempt < tries && counted === undefined; attempt++) {
    if (attempt > 0) await lab.sleep(settleMs);
    counted = await countAgreements(lab);
  }
  expect(counted !== undefined, () => ({ cause: "the term changed too often", expected: "one quiet term in five tries", seen: "none" }));

  lab.step("a second of idleness");
  await lab.sleep(electionTimeoutMs);
  const idle = totalDispatched(lab) - counted;
  const most = 3 * 20;
  expect(idle <= most, () => ({
    cause: "too many RPCs in a second of idleness",
    expected: `at most ${most}`,
    seen: `${idle}`,
    aspect: "economy",
  }));
  lab.end();
}

/** Agrees on a dozen commands; returns the RPC total after it, or undefined when the term changed meanwhile. */
async function countAgreements(lab: Lab): Promise<number | undefined> {
  const awaited = 10;
  const leader = await lab.checkOneLeader();
  const before = totalDispatched(lab);
  const { index: firstIndex, term, isLeader } = await lab.propose(leader, 1);
  if (!isLeader) return undefined;
  lab.step(`a dozen commands on S${leader} in term ${term}`);
  const commands: number[] = [];
  for (let i = 1; i < awaited + 2; i++) {
    const command = lab.random.int(0, 2 ** 31);
    commands.push(command);
    const answer = await lab.propose(leader, command);
    if (answer.term !== term || !answer.isLeader) return undefined;
    expectIndex(answer.index, firstIndex + i);
  }
  for (let i = 1; i <= awaited; i++) {
    const found = await lab.wait(firstIndex + i, lab.servers, term);
    if (found === undefined) return undefined;
    const expected = commands[i - 1]!;
    expect(found.command === expected, () => ({
      cause: "another command was committed than was proposed",
      expected: `${expected}`,
      seen: showCommand(found.command),
    }));
  }
  const after = totalDispatched(lab);
  for (const server of lab.everyone()) {
    if ((await lab.cluster.getState(server))?.term !== term) return undefined;
  }
  const most = (awaited + 1 + 3) * 3;
  expect(after - before <= most, () => ({
    cause: "too many RPCs for a dozen agreements",
    expected: `at most ${most}`,
    seen: `${after - before}`,
    aspect: "economy",
  }));
  return after;
}

/** Requests that have reached a server, over all servers. */
function totalDispatched(lab: Lab): number {
  return lab.everyone().reduce((sum, server) => sum + lab.cluster.network.dispatched(server), 0);
}

function agreementTest(name: string, servers: number, title: string, run: LabTest["run"]): LabTest {
  return { name: `Test${name}2B`, alias: `Test${name}3B`, part: "2B", title, servers, reliable: true, snapshots: false, run };
}

export const agreementTests: readonly LabTest[] = [
  agreementTest("BasicAgree", 3, "basic agreement", basicAgree),
  agreementTest("RPCBytes", 3, "RPC byte count", rpcBytes),
  agreementTest("FollowerFailure", 3, "test progressive failure of followers", followerFailure),
  agreementTest("LeaderFailure", 3, "test failure of leaders", leaderFailure),
  agreementTest("FailAgree", 3, "agreement after follower reconnects", failAgree),
  agreementTest("FailNoAgree", 5, "no agreement if too many followers disconnect", failNoAgree),
  agreementTest("ConcurrentStarts", 3, "concurrent Start()s", concurrentStarts),
  agreementTest("Rejoin", 3, "rejoin of partitioned leader", rejoin),
  agreementTest("Backup", 5, "leader backs up quickly over incorrect follower logs", backup),
  agreementTest("Count", 3, "RPC counts aren't too high", rpcCount),
];
