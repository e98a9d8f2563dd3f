import type { MakeRaft } from "./api.ts";
import { RaftCore } from "./core.ts";
import { fromCore } from "./driver.ts";
import { completeOptions, type RaftOptions } from "./options.ts";

export type * from "./api.ts";
export { InvariantError } from "./assert.ts";
export { DamagedStateError } from "./bytes.ts";
export { RaftCore } from "./core.ts";
export { fromCore, type MakeCore } from "./driver.ts";
export type * from "./messages.ts";
export { completeOptions, type RaftOptions } from "./options.ts";
export type { CoreConfig, Role } from "./state.ts";

/** The built-in Raft with some options changed. Throws a RangeError for options that make no sense. */
export function makeRaftWith(given: Partial<RaftOptions>): MakeRaft {
  const options = completeOptions(given);
  return fromCore((env) => {
    const { me, peers, random, persister, clock } = env;
    const config = { me, servers: peers.length, options, random, trace: (topic: string, message: string) => env.log(topic, message) };
    return new RaftCore(config, persister.readState(), persister.readSnapshot(), clock.now());
  });
}

const builtInRaft = makeRaftWith({});

/** The built-in Raft. A module whose default export is a MakeRaft can stand in for it. */
export { builtInRaft as makeRaft };

export default builtInRaft;
