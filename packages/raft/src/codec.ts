import { assert } from "./assert.ts";
import { ByteReader, ByteWriter, MAX_VARINT_BYTES, varintSize, writeVarint } from "./bytes.ts";
import type { Entry } from "./messages.ts";
import { readValue, writeValue } from "./value.ts";

/**
 * The persistent state of Figure 2 as bytes:
 *
 *     format  currentTerm  votedFor + 1 (0: none)  snapshotIndex  snapshotTerm  entryCount  { term  command } ...
 *
 * all varints but the commands. A save must not cost a pass over a log that hardly changed, so the entries stay encoded beside the log.
 */
const FORMAT = 1;

/** Room in front of the first entry for the longest header: state is then one contiguous piece of the buffer. */
const HEADER_ROOM = 6 * MAX_VARINT_BYTES;

export interface PersistentState {
  readonly currentTerm: number;
  readonly votedFor: number | undefined;
  readonly snapshotIndex: number;
  readonly snapshotTerm: number;
  readonly entries: readonly Entry[];
}

/** The bytes of the log's entries, changed as the log changes: appended at the end, cut at the end, moved down when the front goes. */
export class EncodedEntries {
  private readonly writer: ByteWriter;
  /** Where each entry ends. */
  private ends: number[];

  constructor() {
    this.writer = new ByteWriter(HEADER_ROOM + 256);
    this.writer.length = HEADER_ROOM;
    this.ends = [];
  }

  /** If the command cannot be encoded this throws and nothing has changed. */
  append(entry: Entry): void {
    const writer = this.writer;
    const start = writer.length;
    try {
      writer.varint(entry.term);
      writeValue(writer, entry.command);
    } catch (error) {
      writer.length = start;
      throw error;
    }
    this.ends.push(writer.length);
  }

  /** Keeps the first `count` entries. */
  truncateTo(count: number): void {
    this.writer.length = count === 0 ? HEADER_ROOM : this.ends[count - 1]!;
    this.ends.length = count;
  }

  dropFirst(count: number): void {
    if (count === 0) return;
    const writer = this.writer;
    const from = this.ends[count - 1]!;
    writer.bytes.copyWithin(HEADER_ROOM, from, writer.length);
    writer.length -= from - HEADER_ROOM;
    this.ends = this.ends.slice(count).map((end) => end - (from - HEADER_ROOM));
  }

  /** The whole state as a view that is valid until the next change. */
  withHeader(currentTerm: number, votedFor: number | undefined, snapshotIndex: number, snapshotTerm: number): Uint8Array {
    const vote = votedFor === undefined ? 0 : votedFor + 1;
    const count = this.ends.length;
    const size = 1 + varintSize(currentTerm) + varintSize(vote) + varintSize(snapshotIndex) + varintSize(snapshotTerm) + varintSize(count);
    const { bytes, length } = this.writer;
    const start = HEADER_ROOM - size;
    let at = writeVarint(bytes, start, FORMAT);
    at = writeVarint(bytes, at, currentTerm);
    at = writeVarint(bytes, at, vote);
    at = writeVarint(bytes, at, snapshotIndex);
    at = writeVarint(bytes, at, snapshotTerm);
    writeVarint(bytes, at, count);
    return bytes.subarray(start, length);
  }
}

/** Encodes a state that has no live log beside it. */
export function encodeState(state: PersistentState): Uint8Array {
  const encoded = new EncodedEntries();
  for (const entry of state.entries) encoded.append(entry);
  return encoded.withHeader(state.currentTerm, state.votedFor, state.snapshotIndex, state.snapshotTerm).slice();
}

/**
 * The inverse of encoding. No bytes at all are the state of a first boot. Throws DamagedStateError for bytes that are no encoding, and
 * InvariantError for a state that no server can have been in.
 */
export function decodeState(bytes: Uint8Array): PersistentState {
  if (bytes.length === 0) return { currentTerm: 0, votedFor: undefined, snapshotIndex: 0, snapshotTerm: 0, entries: [] };
  const reader = new ByteReader(bytes);
  const format = reader.varint("the format number");
  if (format !== FORMAT) throw reader.damage(`format ${format}, expected ${FORMAT}`);
  const currentTerm = reader.varint("currentTerm");
  const vote = reader.varint("votedFor");
  const snapshotIndex = reader.varint("snapshotIndex");
  const snapshotTerm = reader.varint("snapshotTerm");
  const count = reader.varint("the number of entries");
  // An entry takes at least two bytes.
  if (2 * count > reader.remaining) throw reader.damage(`${count} entries do not fit in ${reader.remaining} bytes`);
  const entries: Entry[] = [];
  for (let i = 0; i < count; i += 1) {
    const term = reader.varint("an entry's term");
    entries.push({ term, command: readValue(reader) });
  }
  if (reader.remaining > 0) throw reader.damage(`${reader.remaining} bytes after the last of ${count} entries`);
  const state = { currentTerm, votedFor: vote === 0 ? undefined : vote - 1, snapshotIndex, snapshotTerm, entries };
  checkTerms(state);
  return state;
}

function checkTerms(state: PersistentState): void {
  const { currentTerm, snapshotIndex, snapshotTerm, entries } = state;
  assert(
    (snapshotIndex === 0) === (snapshotTerm === 0),
    `stored snapshot point: index ${snapshotIndex} with term ${snapshotTerm}, expected both 0 or neither`,
  );
  let term = snapshotTerm;
  for (const [i, entry] of entries.entries()) {
    const index = snapshotIndex + 1 + i;
    assert(entry.term >= 1 && entry.term >= term, `stored entry ${index} has term ${entry.term} after an entry of term ${term}`);
    term = entry.term;
  }
  assert(term <= currentTerm, `the stored log ends in term ${term}, past currentTerm ${currentTerm}`);
}
