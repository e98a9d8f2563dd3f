import type { MakeRaft, Raft, RaftEnv, RaftView } from "@raft-stress/raft/api";
import type { DiskContents } from "../check/write-ahead.ts";
import { Host } from "../sim/host.ts";
import { randomKeys, type Simulation } from "../sim/simulation.ts";
import type { MemoryPersister } from "./persister.ts";

export interface DiskToRead {
  readonly simulation: Simulation;
  readonly makeRaft: MakeRaft;
  readonly server: number;
  /** Number of servers. */
  readonly size: number;
  /** A copy of what is on the disk. */
  readonly saved: MemoryPersister;
}

/**
 * What a restart would find: only the implementation itself can read what it saved, so a server is booted on a copy of its disk, asked, and forgotten. Nothing that it does reaches the
 * run. Undefined when it does not boot or can't be asked: its real restart will tell.
 */
export function readDisk(disk: DiskToRead, drain: () => void): DiskContents | undefined {
  const { simulation, makeRaft, server } = disk;
  const life = { server, alive: true };
  const host = simulation.hosts[server];
  const running = simulation.currentServer;
  simulation.currentServer = server;
  simulation.hosts[server] = new Host(life, () => simulation.stream(randomKeys.aside, server, 1));
  simulation.aside = true;
  let raft: Raft | undefined;
  try {
    raft = makeRaft(mutedEnv(disk));
    const contents = contentsOf(raft);
    raft.kill();
    life.alive = false;
    drain();
    return contents;
  } catch {
    return undefined;
  } finally {
    life.alive = false;
    simulation.aside = false;
    simulation.hosts[server] = host;
    simulation.currentServer = running;
  }
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

/** A world in which nothing happens: nobody answers, no time passes, nothing is saved. */
function mutedEnv({ simulation, server, size, saved }: DiskToRead): RaftEnv {
  const random = simulation.stream(randomKeys.aside, server, 0);
  const never = new Promise<never>(() => {});
  const peer = { call: () => never, request() {} };
  return {
    me: server,
    peers: Array.from({ length: size }, () => peer),
    persister: {
      save() {},
      readState: () => saved.readState(),
      readSnapshot: () => saved.readSnapshot(),
      stateSize: () => saved.stateSize(),
      snapshotSize: () => saved.snapshotSize(),
    },
    clock: { now: () => simulation.nowMs, setTimeout: () => ({}), clearTimeout() {}, sleep: () => never },
    random: { next: () => random.next(), int: (lo, hi) => random.int(lo, hi) },
    apply: () => never,
    log() {},
  };
}
