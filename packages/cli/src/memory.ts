/** What all runs under way may take together, beyond what the process had before them, in bytes. */
const sharedBytes = 640 * 2 ** 20;
/** What each thread may take beside that: its young generation, mostly. */
const bytesPerThread = 256 * 2 ** 20;

/** The memory of a thread that has ended is mostly back within a tenth of this. */
const graceMs = 1000;

/**
 * Watches the memory of the whole process, buffers outside of the heaps included. V8's own limit for a thread does not know of those, and ends the process
 * when it is reached within one allocation.
 */
export class MemoryWatch {
  readonly #limitBytes: number;
  #baseBytes: number;
  #graceEndsMs: number | undefined;

  constructor(threads: number) {
    this.#limitBytes = sharedBytes + threads * bytesPerThread;
    this.#baseBytes = process.memoryUsage.rss();
  }

  /** Whether the runs under way take too much. */
  get exceeded(): boolean {
    const rssBytes = process.memoryUsage.rss();
    const over = rssBytes - this.#baseBytes > this.#limitBytes;
    if (this.#graceEndsMs === undefined) return over;
    const late = performance.now() >= this.#graceEndsMs;
    if (over && !late) return false;
    // What ended threads never give back belongs to nobody.
    if (over) this.#baseBytes = rssBytes - this.#limitBytes / 2;
    this.#graceEndsMs = undefined;
    return false;
  }

  /** Threads have been ended for what they took: they are given some time to give it back. */
  settle(): void {
    this.#graceEndsMs = performance.now() + graceMs;
  }
}
