/** A broken invariant: a bug in this Raft, or stored state that no Raft can have written. The message carries all values. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** For cold paths. Hot paths test and `throw new InvariantError(...)` themselves, so that the text is built only when it is needed. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}
