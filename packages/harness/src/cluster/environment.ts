import type { ApplyMessage, Persister, RaftEnv } from "@raft-stress/raft/api";
import type { ClientEnd, Network } from "../net/network.ts";
import { serverClock } from "../sim/clock.ts";
import type { RandomStream } from "../sim/random.ts";
import type { Incarnation } from "../sim/sim-event.ts";
import type { Simulation } from "../sim/simulation.ts";
import { endsAsPeers } from "./peers.ts";
import type { MemoryPersister } from "./persister.ts";

/** What one life of a server works with. */
export interface Surroundings {
  readonly simulation: Simulation;
  readonly network: Network;
  readonly ends: readonly ClientEnd[];
  readonly random: RandomStream;
  readonly saved: MemoryPersister;
  readonly apply: (message: ApplyMessage) => Promise<void>;
}

/**
 * The environment of one life of a server. While that life is not alive, nothing that it does there reaches anybody. Made in one place, so that an implementation sees objects of one shape
 * only: V8 runs its code slower from the first other one on.
 */
export function environmentOf(life: Incarnation, surroundings: Surroundings): RaftEnv {
  const { simulation, network, ends, random, saved, apply } = surroundings;
  return {
    me: life.server,
    peers: endsAsPeers(network, life, ends),
    persister: unbound(saved),
    clock: serverClock(simulation, life),
    random: { next: () => random.next(), int: (lo, hi) => random.int(lo, hi) },
    apply,
    log: (topic, message) => {
      // Checked whether or not a trace is recorded: what throws must throw in every pass.
      if (typeof topic !== "string" || typeof message !== "string") {
        throw new TypeError(`log(topic, message) needs two strings, got ${typeof topic} and ${typeof message}`);
      }
      if (life.alive) simulation.trace.line(topic, life.server, message);
    },
  };
}

/** The environment is plain objects all through, so that a wrapper can spread it and take its functions out. */
function unbound(persister: MemoryPersister): Persister {
  return {
    save: (state, snapshot) => persister.save(state, snapshot),
    readState: () => persister.readState(),
    readSnapshot: () => persister.readSnapshot(),
    stateSize: () => persister.stateSize(),
    snapshotSize: () => persister.snapshotSize(),
  };
}
