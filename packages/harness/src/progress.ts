/**
 * How far a run is, for a watcher in another thread: a few cells of shared memory, written by the run, read by the watcher.
 * A spinning run cannot be asked; its cells still tell which event it began last.
 */
export const progressCells = {
  /** Position in its batch of the job that runs now, plus one; 0 when none runs. */
  job: 0,
  /** Number of the last event that began. */
  event: 1,
  /** Virtual time in milliseconds. */
  virtualMs: 2,
  /** Number of the pass that is under way: a failed run is made again to prove that it repeats. */
  pass: 3,
  /** On the real clock, where runs of a thread take turns: 1 while it is this one's turn. */
  turn: 4,
} as const;

/** Number of 32-bit cells a run needs. */
export const progressLength = 5;
