/** A broken invariant: a bug in this Raft, or stored state that no Raft can have written. The message carries all values. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** `message` is called only if the condition does not hold. Hot paths test and `throw new InvariantError(...)` themselves. */
export function assert(condition: boolean, message: () => string): asserts condition {
  if (!condition) throw new InvariantError(message());
}
