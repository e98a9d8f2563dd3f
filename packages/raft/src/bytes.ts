/** Stored bytes that are not what this Raft writes: cut short, changed, or of another program. The message says what is wrong and where. */
export class DamagedStateError extends Error {
  override readonly name = "DamagedStateError";
}

/** Buffers of at most this many bytes are cut from a larger one: servers boot often, and memory of its own for each costs more than what is written to it. */
const maxPooledBytes = 4096;
let pool = new Uint8Array(16 * maxPooledBytes);
let pooled = 0;

/** What is in it is anything. */
function allocate(size: number): Uint8Array {
  if (size > maxPooledBytes) return new Uint8Array(size);
  if (pooled + size > pool.length) {
    pool = new Uint8Array(pool.length);
    pooled = 0;
  }
  const bytes = pool.subarray(pooled, pooled + size);
  pooled += size;
  return bytes;
}

/** A byte buffer that grows at its end. Writers call `reserve` first and then write without further checks. */
export class ByteWriter {
  bytes: Uint8Array;
  length: number;

  constructor(capacity: number) {
    this.bytes = allocate(capacity);
    this.length = 0;
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const grown = allocate(Math.max(needed, 2 * this.bytes.length));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  /** LEB128, of a whole number in [0, 2^53). */
  varint(value: number): void {
    this.reserve(MAX_VARINT_BYTES);
    this.length = writeVarint(this.bytes, this.length, value);
  }

  float64(value: number): void {
    this.reserve(8);
    new DataView(this.bytes.buffer, this.bytes.byteOffset).setFloat64(this.length, value, true);
    this.length += 8;
  }

  copy(source: Uint8Array): void {
    this.reserve(source.length);
    this.bytes.set(source, this.length);
    this.length += source.length;
  }
}

/** 2^53 - 1 in groups of seven bits. */
export const MAX_VARINT_BYTES = 8;

/** Writes at `offset` and returns the offset after it. */
export function writeVarint(bytes: Uint8Array, offset: number, value: number): number {
  let rest = value;
  let at = offset;
  // Shifts work on 32 bits only: what is larger is divided.
  while (rest > 0x7fffffff) {
    bytes[at++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  while (rest >= 0x80) {
    bytes[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}

export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size += 1;
  return size;
}

/** Reads what a ByteWriter wrote. Every read is checked and throws DamagedStateError. */
export class ByteReader {
  readonly bytes: Uint8Array;
  offset: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.offset = 0;
  }

  get remaining(): number {
    return this.bytes.length - this.offset;
  }

  byte(what: string): number {
    const value = this.bytes[this.offset];
    if (value === undefined) throw this.damage(`ends inside ${what}`);
    this.offset += 1;
    return value;
  }

  varint(what: string): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < MAX_VARINT_BYTES; count += 1) {
      const byte = this.byte(what);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) break;
        return value;
      }
      scale *= 128;
    }
    throw this.damage(`${what} is larger than 2^53 - 1`);
  }

  float64(what: string): number {
    if (this.remaining < 8) throw this.damage(`ends inside ${what}`);
    const value = new DataView(this.bytes.buffer, this.bytes.byteOffset + this.offset).getFloat64(0, true);
    this.offset += 8;
    return value;
  }

  copy(count: number, what: string): Uint8Array {
    if (this.remaining < count) throw this.damage(`ends inside ${what}: ${count} bytes expected, ${this.remaining} left`);
    const value = this.bytes.slice(this.offset, this.offset + count);
    this.offset += count;
    return value;
  }

  damage(what: string): DamagedStateError {
    return new DamagedStateError(`stored Raft state is damaged at byte ${this.offset} of ${this.bytes.length}: ${what}`);
  }
}
