import { closeSync, openSync, readFileSync, writeSync } from "node:fs";

/** The event that had begun last when a process ended. */
export interface LastEvent {
  readonly event: number;
  readonly virtualMs: number;
  /** Whose it was; undefined for the tester. */
  readonly server: number | undefined;
}

const nothing: LastEvent = { event: 0, virtualMs: 0, server: undefined };

const bytes = 24;

/** Writes each event down before it happens, in a file, because shared memory ends with its process. A few microseconds an event. */
export class LastEventWriter {
  readonly #words = new Float64Array(bytes / Float64Array.BYTES_PER_ELEMENT);
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, "w");
  }

  write(event: number, timeUs: number, owner: number): void {
    this.#words[0] = event;
    this.#words[1] = timeUs;
    this.#words[2] = owner;
    writeSync(this.#file, this.#words, 0, bytes, 0);
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** Event 0 when none had begun. */
export function readLastEvent(path: string | undefined): LastEvent {
  if (path === undefined) return nothing;
  let found: Buffer;
  try {
    found = readFileSync(path);
  } catch {
    return nothing;
  }
  if (found.length < bytes) return nothing;
  const words = new Float64Array(new Uint8Array(found).buffer);
  return { event: words[0]!, virtualMs: words[1]! / 1000, server: words[2]! < 0 ? undefined : words[2]! };
}
