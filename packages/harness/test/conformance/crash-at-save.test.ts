import type { MakeRaft } from "@raft-stress/raft/api";
import { expect, it } from "vitest";
import { makeRaft } from "../../../raft/src/index.ts";
import { Checks } from "../../src/check/checks.ts";
import { Cluster } from "../../src/cluster/cluster.ts";
import { TestFailure } from "../../src/failure.ts";
import { onLab } from "../support/lab-world.ts";
import { newSimulation, runScript } from "../support/world.ts";

/** The built-in Raft, but that what it saves is on disk only a moment after it has sent and answered. */
const savingLate: MakeRaft = (env) => {
  const save = (state: Uint8Array | readonly Uint8Array[], snapshot: Uint8Array) => {
    const copy = state instanceof Uint8Array ? state.slice() : state.map((chunk) => chunk.slice());
    env.clock.setTimeout(() => env.persister.save(copy, snapshot), 0);
  };
  return makeRaft({ ...env, persister: { ...env.persister, save } });
};

/** One of two followers is cut off, the other crashes just before it saves what a command brought. Then those two are all that is left. */
async function crashBeforeSave(raft: MakeRaft): Promise<void> {
  await onLab(raft, async (lab) => {
    const { cluster } = lab;
    const leader = await lab.checkOneLeader();
    await lab.one("first", 3, { retry: true });
    const [crashing, away] = [(leader + 1) % 3, (leader + 2) % 3] as const;
    lab.disconnect(away);
    await lab.sleep(20);
    const { crashed } = cluster.armCrash(crashing, { at: "save", nth: 1, moment: "before" });
    await lab.propose(leader, "second");
    await crashed;
    await lab.sleep(20);
    await lab.crash(leader);
    await lab.startAndConnect(crashing);
    lab.connect(away);
    await lab.one("third", 2, { retry: true });
  });
}

it("a crash before a save is survived by a Raft that saves before it answers", () => crashBeforeSave(makeRaft));

it("a crash before a save shows that a Raft answers before it has saved", async () => {
  await expect(crashBeforeSave(savingLate)).rejects.toThrow(TestFailure);
  await expect(crashBeforeSave(savingLate)).rejects.toThrow(/commit index 2: S\d applied "third", S\d had applied "second"/);
});

it("a command that its leader saved as it crashed in start() is committed by its next life, and was proposed", async () => {
  const simulation = newSimulation();
  const checks = new Checks(simulation, { servers: 1, snapshots: false, thorough: true, diskAt: [] });
  const cluster = new Cluster(simulation, makeRaft, { servers: 1, snapshots: false, checks });
  await runScript(simulation, async () => {
    const boot = async () => {
      await cluster.start(0);
      cluster.connect(0);
      await simulation.sleep(1000);
    };
    await boot();
    cluster.armCrash(0, { at: "save", nth: 1, moment: "after" });
    expect((await cluster.startCommand(0, "first")).isLeader).toBe(false);
    await boot();
    expect(await cluster.startCommand(0, "second")).toMatchObject({ index: 2, isLeader: true });
    await simulation.sleep(10);
    expect([1, 2].map((index) => cluster.logs.committed(index).command)).toEqual(["first", "second"]);
  });
});
