/** What all runs under way may take together, beyond what the process had before them, in bytes. */
const sharedBytes = 640 * 2 ** 20;
/** What each thread may take beside that: its young generation, mostly. */
const bytesPerThread = 256 * 2 ** 20;

/**
 * Watches the memory of the whole process, buffers outside of the heaps included. V8's own limit for a thread does not know of those, and ends the process
 * when it is reached within one allocation.
 */
export class MemoryWatch {
  readonly #limitBytes: number;
  readonly #firstBytes: number;
  #baseBytes: number;

  constructor(threads: number) {
    this.#limitBytes = sharedBytes + threads * bytesPerThread;
    this.#firstBytes = process.memoryUsage.rss();
    this.#baseBytes = this.#firstBytes;
  }

  /** Whether the runs under way take too much. */
  get exceeded(): boolean {
    return process.memoryUsage.rss() - this.#baseBytes > this.#limitBytes;
  }

  /** The threads that took too much are gone. What they have not given back belongs to nobody. */
  settle(): void {
    this.#baseBytes = Math.max(this.#firstBytes, process.memoryUsage.rss() - this.#limitBytes / 2);
  }
}
