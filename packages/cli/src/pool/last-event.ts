import { closeSync, openSync, readFileSync, writeSync } from "node:fs";

/** The event that had begun last when a process ended. */
export interface LastEvent {
  readonly event: number;
  readonly virtualMs: number;
}

const bytes = 16;

/** Writes each event down before it happens, in a file, because shared memory ends with its process. A few microseconds an event. */
export class LastEventWriter {
  readonly #words = new Float64Array(bytes / Float64Array.BYTES_PER_ELEMENT);
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, "w");
  }

  write(event: number, timeUs: number): void {
    this.#words[0] = event;
    this.#words[1] = timeUs;
    writeSync(this.#file, this.#words, 0, bytes, 0);
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** Event 0 when none had begun. */
export function readLastEvent(path: string): LastEvent {
  let found: Buffer;
  try {
    found = readFileSync(path);
  } catch {
    return { event: 0, virtualMs: 0 };
  }
  if (found.length < bytes) return { event: 0, virtualMs: 0 };
  const words = new Float64Array(new Uint8Array(found).buffer);
  return { event: words[0]!, virtualMs: words[1]! / 1000 };
}
