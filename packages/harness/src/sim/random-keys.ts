/** Keys of the random streams and decisions, so that no two purposes share one. */
export const randomKeys = {
  ties: 1,
  tester: 2,
  server: 3,
  network: 4,
  apply: 5,
  ambient: 6,
  replay: 7,
  aside: 8,
  race: 9,
  clusterSize: 20,
} as const;
