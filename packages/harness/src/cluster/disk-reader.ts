import type { MakeRaft, Raft, RaftView } from "@raft-stress/raft/api";
import type { DiskContents } from "../check/write-ahead.ts";
import type { ClientEnd, Network } from "../net/network.ts";
import { Host } from "../sim/host.ts";
import { randomKeys } from "../sim/random-keys.ts";
import type { Simulation } from "../sim/simulation.ts";
import { environmentOf } from "./environment.ts";
import { Life } from "./life.ts";
import type { MemoryPersister } from "./persister.ts";

export interface DiskToRead {
  readonly simulation: Simulation;
  readonly makeRaft: MakeRaft;
  readonly network: Network;
  readonly server: number;
  readonly ends: readonly ClientEnd[];
  /** A copy of what is on the disk. */
  readonly saved: MemoryPersister;
}

/**
 * What a restart would find: only the implementation itself can read what it saved, so a server is booted on a copy of its disk, asked, and forgotten. Nothing that it does reaches the
 * run. Undefined when it does not boot or can't be asked: its real restart will tell.
 */
export function readDisk(disk: DiskToRead, drain: () => void): DiskContents | undefined {
  const { simulation, makeRaft, network, server, ends, saved } = disk;
  // Nothing that the dead do reaches anybody.
  const life = new Life(server);
  life.alive = false;
  const host = simulation.hosts[server];
  const running = simulation.currentServer;
  simulation.currentServer = server;
  simulation.hosts[server] = new Host(life, () => simulation.stream(randomKeys.aside, server, 1));
  simulation.aside = true;
  let raft: Raft | undefined;
  try {
    const random = simulation.stream(randomKeys.aside, server, 0);
    raft = makeRaft(environmentOf(life, { simulation, network, ends, random, saved, apply: nobodyTakes }));
    const contents = contentsOf(raft);
    raft.kill();
    drain();
    return contents;
  } catch {
    return undefined;
  } finally {
    simulation.aside = false;
    simulation.hosts[server] = host;
    simulation.currentServer = running;
  }
}

/** A promise of its own for each: one that all wait for would keep all that ever did. */
function nobodyTakes(): Promise<void> {
  return new Promise(() => {});
}

function contentsOf(raft: Raft): DiskContents {
  if (typeof raft.inspect !== "function") {
    const { term } = raft.getState();
    return { currentTerm: term, votedFor: undefined, whole: false, baseIndex: 0, lastIndex: 0, termAt: () => 0 };
  }
  const view: RaftView = raft.inspect();
  const terms: number[] = [];
  // Copied: a view may be alive.
  const baseIndex = view.firstIndex - 1;
  const { currentTerm, votedFor, lastIndex } = view;
  for (let index = baseIndex; index <= lastIndex; index++) terms.push(view.termAt(index));
  const nobody = typeof votedFor !== "number" || votedFor < 0;
  return {
    currentTerm,
    votedFor: nobody ? undefined : votedFor,
    whole: true,
    baseIndex,
    lastIndex,
    termAt: (index) => terms[index - baseIndex]!,
  };
}
