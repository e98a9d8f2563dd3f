import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";

/**
 * A run's output. The run's processes write to the file themselves, stdout and stderr through one descriptor: the order is theirs, nothing waits
 * for us, and what was written is on disk whatever becomes of this command. The file is kept below a limit by cutting out its middle.
 */
export class RunLog {
  readonly path: string;
  /** For the child, which appends to it. */
  readonly descriptor: number;
  #limit: number;
  #headBytes: number;
  #tailBytes: number;
  /** Bytes left out so far. */
  #cut = 0;
  /** Length of the mark of the present cut. */
  #markBytes = 0;

  constructor(path: string, limitBytes: number) {
    this.path = path;
    this.descriptor = openSync(path, "a+");
    this.#limit = limitBytes;
    this.#headBytes = Math.floor(limitBytes / 2);
    this.#tailBytes = Math.floor(limitBytes / 4);
  }

  /** Adds a line of our own, on a line of its own. */
  note(line: string): void {
    const size = fstatSync(this.descriptor).size;
    const atLineStart = size === 0 || this.#read(size - 1, 1)[0] === 0x0a;
    writeSync(this.descriptor, `${atLineStart ? "" : "\n"}raft-stress: ${line}\n`);
  }

  /**
   * Cuts the middle out when the file is over its limit: the beginning stays, and what was printed last. Everyone who writes appends, so the
   * file can be made shorter under them.
   */
  keepBelowLimit(): void {
    const { size } = fstatSync(this.descriptor);
    if (size <= this.#limit) return;
    const tail = this.#read(size - this.#tailBytes, this.#tailBytes);
    this.#cut += size - this.#headBytes - this.#markBytes - tail.length;
    const mark = Buffer.from(`\nraft-stress: ${this.#cut} bytes are left out here (--log-limit)\n`);
    this.#markBytes = mark.length;
    ftruncateSync(this.descriptor, this.#headBytes);
    writeSync(this.descriptor, Buffer.concat([mark, tail]));
  }

  /** The last bytes, as text. */
  tail(bytes: number): string {
    const { size } = fstatSync(this.descriptor);
    const length = Math.min(size, bytes);
    return this.#read(size - length, length).toString("utf8");
  }

  whole(): string {
    return this.tail(Number.POSITIVE_INFINITY);
  }

  get isEmpty(): boolean {
    return fstatSync(this.descriptor).size === 0;
  }

  close(): void {
    closeSync(this.descriptor);
  }

  #read(start: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    let done = 0;
    while (done < length) {
      const got = readSync(this.descriptor, bytes, done, length - done, start + done);
      if (got === 0) break;
      done += got;
    }
    return bytes.subarray(0, done);
  }
}
