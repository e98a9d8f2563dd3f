import { assert, InvariantError } from "./assert.ts";
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

/** Room behind the entries at boot. */
const SPARE_ROOM = 256;

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

  /** Of none; or of those in `stored` from `start` on, of which each ends where `ends` says. */
  constructor(stored?: { readonly bytes: Uint8Array; readonly start: number; readonly ends: readonly number[] }) {
    const { bytes, start, ends } = stored ?? noEntries;
    this.writer = new ByteWriter(HEADER_ROOM + bytes.length - start + SPARE_ROOM);
    this.writer.length = HEADER_ROOM;
    this.ends = [];
    if (ends.length === 0) return;
    this.writer.copy(bytes.subarray(start));
    for (const end of ends) this.ends.push(end + HEADER_ROOM - start);
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

const noEntries = { bytes: new Uint8Array(0), start: 0, ends: [] };

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
  return restore(bytes).state;
}

/** The same, with the entries as they stand encoded. */
export function restore(bytes: Uint8Array): { readonly state: PersistentState; readonly encoded: EncodedEntries } {
  if (bytes.length === 0) return { state: firstState, encoded: new EncodedEntries() };
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
  const start = reader.offset;
  const ends: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const term = reader.varint("an entry's term");
    entries.push({ term, command: readValue(reader) });
    ends.push(reader.offset);
  }
  if (reader.remaining > 0) throw reader.damage(`${reader.remaining} bytes after the last of ${count} entries`);
  const state = { currentTerm, votedFor: vote === 0 ? undefined : vote - 1, snapshotIndex, snapshotTerm, entries };
  checkTerms(state);
  return { state, encoded: new EncodedEntries({ bytes, start, ends }) };
}

const firstState: PersistentState = { currentTerm: 0, votedFor: undefined, snapshotIndex: 0, snapshotTerm: 0, entries: [] };

function checkTerms(state: PersistentState): void {
  const { currentTerm, snapshotIndex, snapshotTerm, entries } = state;
  assert(
    (snapshotIndex === 0) === (snapshotTerm === 0),
    () => `stored snapshot point: index ${snapshotIndex} with term ${snapshotTerm}, expected both 0 or neither`,
  );
  let term = snapshotTerm;
  let index = snapshotIndex;
  for (const entry of entries) {
    index += 1;
    if (!(entry.term >= 1 && entry.term >= term)) {
      throw new InvariantError(`stored entry ${index} has term ${entry.term} after an entry of term ${term}`);
    }
    term = entry.term;
  }
  assert(term <= currentTerm, () => `the stored log ends in term ${term}, past currentTerm ${currentTerm}`);
}
