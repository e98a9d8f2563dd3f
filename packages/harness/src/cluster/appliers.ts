import type { ApplyMessage, Raft } from "@raft-stress/raft/api";
import { TestFailure } from "../failure.ts";
import type { ServiceLogs } from "./service-log.ts";

/** The service above one life of a server: takes what Raft delivers on the apply channel, in order. */
export interface Applier {
  /** `raft`: undefined while the server's MakeRaft has not returned yet. Throws a TestFailure if what is delivered is wrong. */
  take(message: ApplyMessage, raft: Raft | undefined): void;
}

/** When the service takes its snapshots. */
export interface SnapshotPlan {
  /** A snapshot is taken at index n if n + 1 is a multiple of it; Infinity: never. */
  readonly snapshotInterval: number;
}

/** The labs' service takes a snapshot after every index 9, 19, 29, ... */
export const labSnapshots: SnapshotPlan = { snapshotInterval: 10 };

/** The service of parts A to C: it only remembers. Gaps are an error; delivering a command again is none. */
export function plainApplier(server: number, logs: ServiceLogs): Applier {
  return {
    take(message) {
      // The labs' service ignores messages that are no commands.
      if (message.type === "command") applyInOrder(server, logs, message.index, message.command);
    },
  };
}

function applyInOrder(server: number, logs: ServiceLogs, index: number, command: unknown): void {
  if (index < 1) {
    throw new TestFailure(`S${server} applied index ${index}; the first index is 1`, {
      cause: "a server applied an index below 1",
      expected: "index 1 or above",
      seen: `index ${index}`,
      server,
      aspect: "safety",
    });
  }
  if (index > 1 && !logs.has(server, index - 1)) {
    throw new TestFailure(`S${server} applied index ${index} before index ${index - 1}`, {
      cause: "a server applied out of order",
      expected: `index ${index - 1} first`,
      seen: `index ${index}`,
      server,
      aspect: "safety",
    });
  }
  logs.apply(server, index, command);
}

/** Told of each snapshot before Raft gets it. */
export type SnapshotTaken = (index: number, snapshot: Uint8Array) => void;

/** The service of part D: delivery must be gapless, and at every interval of commands it hands Raft a snapshot of all it holds. */
export class SnapshotApplier implements Applier {
  readonly #server: number;
  readonly #logs: ServiceLogs;
  readonly #plan: SnapshotPlan;
  readonly #onSnapshot: SnapshotTaken | undefined;
  #lastApplied = 0;
  /** The commands up to `#written`, as they stand in a snapshot: each snapshot holds those of the one before. */
  #text = nothingWritten;
  #written = 0;

  /** `saved`: the snapshot on disk; the service starts from it, so Raft's first command must be the one after it. `plan`: asked at each command. */
  constructor(server: number, logs: ServiceLogs, saved: Uint8Array, plan: SnapshotPlan = labSnapshots, onSnapshot?: SnapshotTaken) {
    this.#server = server;
    this.#logs = logs;
    this.#plan = plan;
    this.#onSnapshot = onSnapshot;
    if (saved.length > 0) this.#ingest(saved, undefined);
  }

  take(message: ApplyMessage, raft: Raft | undefined): void {
    if (message.type === "snapshot") this.#ingest(message.snapshot, message.index);
    else this.#command(message.index, message.command, raft);
  }

  #command(index: number, command: unknown, raft: Raft | undefined): void {
    if (index !== this.#lastApplied + 1) {
      throw new TestFailure(`S${this.#server} applied index ${index}, expected ${this.#lastApplied + 1}`, {
        cause: "a server applied out of order",
        expected: `index ${this.#lastApplied + 1}`,
        seen: `index ${index}`,
        server: this.#server,
        aspect: "safety",
      });
    }
    applyInOrder(this.#server, this.#logs, index, command);
    this.#lastApplied = index;
    if ((index + 1) % this.#plan.snapshotInterval === 0) this.#takeSnapshot(index, raft);
  }

  #takeSnapshot(index: number, raft: Raft | undefined): void {
    while (this.#written < index) this.#text += `,${textOf(this.#logs.at(this.#server, ++this.#written))}`;
    const snapshot = encodeText(index, this.#text);
    this.#onSnapshot?.(index, snapshot);
    raft?.snapshot(index, snapshot);
  }

  /** Index that the service has reached. */
  get lastApplied(): number {
    return this.#lastApplied;
  }

  /** `deliveredIndex`: the index Raft gave with it; undefined when it came from disk. */
  #ingest(bytes: Uint8Array, deliveredIndex: number | undefined): void {
    const { index, commands } = decodeSnapshot(bytes, this.#server);
    if (deliveredIndex !== undefined && deliveredIndex !== index) {
      throw new TestFailure(`S${this.#server} delivered a snapshot as of index ${deliveredIndex} that holds index ${index}`, {
        cause: "a snapshot was delivered with another index than it holds",
        expected: `index ${index}`,
        seen: `index ${deliveredIndex}`,
        server: this.#server,
        aspect: "safety",
      });
    }
    this.#logs.replace(this.#server, commands);
    this.#lastApplied = index;
    this.#text = nothingWritten;
    this.#written = 0;
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The service's snapshot: the index it reaches, and all commands up to there (slot 0 is empty). */
export function encodeSnapshot(index: number, commands: readonly unknown[]): Uint8Array {
  const [first, ...others] = commands.map(textOf);
  return encodeText(index, [first ?? nothingWritten, ...others].join(","));
}

/** `commands`: as JSON, with slot 0. */
function encodeText(index: number, commands: string): Uint8Array {
  return encoder.encode(`[${index},${commands}]`);
}

/** Slot 0. */
const nothingWritten = "null";

function textOf(command: unknown): string {
  if (Number.isSafeInteger(command)) return String(command);
  return JSON.stringify(command, typeof command === "object" ? writeBytes : undefined) ?? "null";
}

/** JSON has no bytes: they are written as a record of one field of this name. */
const bytesKey = "$bytes";

function writeBytes(_: string, part: unknown): unknown {
  return part instanceof Uint8Array ? { [bytesKey]: [...part] } : part;
}

function readBytes(_: string, part: unknown): unknown {
  const bytes = typeof part === "object" && part !== null ? (part as Record<string, unknown>)[bytesKey] : undefined;
  return Array.isArray(bytes) ? new Uint8Array(bytes as number[]) : part;
}

function decodeSnapshot(bytes: Uint8Array, server: number): { index: number; commands: unknown[] } {
  let parts: unknown;
  try {
    const text = decoder.decode(bytes);
    parts = JSON.parse(text, text.includes(bytesKey) ? readBytes : undefined);
  } catch {
    parts = undefined;
  }
  if (!Array.isArray(parts) || !Number.isSafeInteger(parts[0])) {
    throw new TestFailure(`S${server} delivered a snapshot of ${bytes.length} bytes that can't be read`, {
      cause: "a snapshot can't be read",
      expected: "the bytes that were given to Raft.snapshot()",
      seen: `${bytes.length} other bytes`,
      server,
      aspect: "safety",
    });
  }
  return { index: parts[0] as number, commands: parts.slice(1) };
}
