import type { ClusterSizes } from "@raft-stress/harness";

/** `5`, `3-7` for sizes without a gap, `4, 6` for others. */
export function showSizes(sizes: ClusterSizes): string {
  if (typeof sizes === "number") return `${sizes}`;
  const first = sizes[0]!;
  const gapless = sizes.length > 2 && sizes.every((size, i) => size === first + i);
  return gapless ? `${first}-${sizes.at(-1)}` : sizes.join(", ");
}
