import { electionTimeoutMs, expect, type Lab } from "./lab.ts";
import type { LabTest } from "./lab-test.ts";

/** Part A: leaders are elected, and elected again. */

async function initialElection(lab: Lab): Promise<void> {
  lab.begin();
  lab.step("wait for the first leader");
  await lab.checkOneLeader();

  // Let followers that missed the election learn of it, then see whether all agree on the term.
  await lab.sleep(50);
  const term = await lab.checkTerms();
  expect(term >= 1, () => ({ cause: "the first term is too low", expected: "a term of at least 1", seen: `${term}` }));

  lab.step("leader and term stay while the network is quiet");
  await lab.sleep(2 * electionTimeoutMs);
  const laterTerm = await lab.checkTerms();
  if (laterTerm !== term) {
    lab.simulation.trace.labLines.push(`warning: the term changed from ${term} to ${laterTerm} although there were no failures`);
  }
  await lab.checkOneLeader();
  lab.end();
}

async function reElection(lab: Lab): Promise<void> {
  lab.begin();
  const first = await lab.checkOneLeader();

  lab.step("the leader is cut off: the others elect a new one");
  lab.disconnect(first);
  await lab.checkOneLeader();

  lab.step("the old leader returns: that must not disturb the new one");
  lab.connect(first);
  const second = await lab.checkOneLeader();

  lab.step("no majority: nobody may become leader");
  lab.disconnect(second, second + 1);
  await lab.sleep(2 * electionTimeoutMs);
  await lab.checkNoLeader();

  lab.step("a majority again: it elects a leader");
  lab.connect(second + 1);
  await lab.checkOneLeader();

  lab.step("the last server returns: there must still be a leader");
  lab.connect(second);
  await lab.checkOneLeader();
  lab.end();
}

async function manyElections(lab: Lab): Promise<void> {
  lab.begin();
  await lab.checkOneLeader();
  for (let round = 1; round < 10; round++) {
    lab.step(`round ${round}: three draws of servers are cut off, the rest has a leader or elects one`);
    const victims = [lab.below(lab.servers), lab.below(lab.servers), lab.below(lab.servers)];
    lab.disconnect(...victims);
    await lab.checkOneLeader();
    lab.connect(...victims);
  }
  lab.step("all are connected: one leader");
  await lab.checkOneLeader();
  lab.end();
}

export const electionTests: readonly LabTest[] = [
  electionTest("InitialElection", 3, "initial election", initialElection),
  electionTest("ReElection", 3, "election after network failure", reElection),
  electionTest("ManyElections", 7, "multiple elections", manyElections),
];

function electionTest(name: string, servers: number, title: string, run: LabTest["run"]): LabTest {
  return { name: `Test${name}2A`, alias: `Test${name}3A`, part: "2A", title, servers, reliable: true, snapshots: false, run };
}
