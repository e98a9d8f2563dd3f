import { copiedBytes, copiedDigest, copyOverWire } from "../../src/net/wire.ts";

/** A copy over the wire with what was measured on the way. */
export function copied(value: unknown): { copy: unknown; bytes: number; digest: number } {
  const copy = copyOverWire(value);
  return { copy, bytes: copiedBytes, digest: copiedDigest };
}
