import type { MakeRaft } from "@raft-stress/raft/api";
import { Cluster } from "../../src/cluster/cluster.ts";
import { clusterSize } from "../../src/lab/cluster-sizes.ts";
import { Lab } from "../../src/lab/lab.ts";
import type { LabTest } from "../../src/lab/lab-test.ts";
import { newSimulation, runScript, type WorldOptions } from "./world.ts";

export interface LabOptions extends WorldOptions {
  readonly test?: Partial<LabTest>;
}

/** Runs `script` as the body of a lab test on a cluster (three servers unless told) that has just been set up. */
export async function onLab<T>(makeRaft: MakeRaft, script: (lab: Lab) => Promise<T>, { test, ...options }: LabOptions = {}): Promise<T> {
  const simulation = newSimulation(options);
  const scenario: LabTest = {
    name: "TestScript2A",
    alias: "TestScript3A",
    part: "2A",
    title: "a script",
    servers: 3,
    reliable: true,
    snapshots: false,
    run: async () => {},
    ...test,
  };
  const cluster = new Cluster(simulation, makeRaft, {
    servers: clusterSize(scenario.servers, simulation.seed),
    snapshots: scenario.snapshots,
  });
  const lab = new Lab(simulation, cluster, scenario);
  return await runScript(simulation, async () => {
    await lab.setUp();
    return await script(lab);
  });
}
