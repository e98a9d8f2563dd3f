import type { Raft } from "@raft-stress/raft/api";

const methods = ["start", "getState", "snapshot", "kill"] as const;

/** Checks that what a MakeRaft returned is a Raft; throws a TypeError that says what is missing. */
export function checkRaft(raft: unknown): Raft {
  if (raft instanceof Promise)
    throw new TypeError("MakeRaft must return a Raft, got a promise of one: do asynchronous work after returning");
  if (typeof raft !== "object" || raft === null)
    throw new TypeError(`MakeRaft must return a Raft, got ${raft === null ? "null" : typeof raft}`);
  const candidate = raft as Record<string, unknown>;
  for (const name of methods) {
    if (typeof candidate[name] !== "function")
      throw new TypeError(`MakeRaft must return a Raft with a method ${name}(), got ${typeof candidate[name]}`);
  }
  const { handlers } = candidate;
  if (typeof handlers !== "object" || handlers === null)
    throw new TypeError("MakeRaft must return a Raft with `handlers`, RPC handlers by method name");
  return raft as Raft;
}
