import type { RunWatch } from "./run-watch.ts";

/** Rolling 64-bit hash (two 32-bit lanes) over everything that happens in a run. Two runs with one hash were the same run. */
export class TraceHash {
  private a = 0x9e3779b9 | 0;
  private b = 0x7f4a7c15 | 0;

  mix(word: number): void {
    let a = Math.imul(this.a ^ word, 0x85ebca6b);
    a ^= a >>> 15;
    this.a = (a + this.b) | 0;
    let b = Math.imul(this.b + word, 0xc2b2ae35);
    b ^= b >>> 13;
    this.b = b ^ Math.imul(a, 0x27d4eb2f);
  }

  /** What every event adds: the three words, as `mix` would add them. Written out, for nothing else is called as often. */
  mixEvent(kindAndOwner: number, timeUs: number, digest: number): void {
    let a = Math.imul(this.a ^ kindAndOwner, 0x85ebca6b);
    a ^= a >>> 15;
    let b = Math.imul(this.b + kindAndOwner, 0xc2b2ae35);
    b ^= b >>> 13;
    const b1 = b ^ Math.imul(a, 0x27d4eb2f);
    a = Math.imul(((a + this.b) | 0) ^ timeUs, 0x85ebca6b);
    a ^= a >>> 15;
    b = Math.imul(b1 + timeUs, 0xc2b2ae35);
    b ^= b >>> 13;
    const b2 = b ^ Math.imul(a, 0x27d4eb2f);
    a = Math.imul(((a + b1) | 0) ^ digest, 0x85ebca6b);
    a ^= a >>> 15;
    b = Math.imul(b2 + digest, 0xc2b2ae35);
    b ^= b >>> 13;
    this.a = (a + b2) | 0;
    this.b = b ^ Math.imul(a, 0x27d4eb2f);
  }

  /** 16 hexadecimal digits. */
  toString(): string {
    return hex(this.a) + hex(this.b);
  }
}

/** The same hash, whose words a watch is told. */
export class WatchedHash extends TraceHash {
  readonly #watch: RunWatch;

  constructor(watch: RunWatch) {
    super();
    this.#watch = watch;
  }

  override mix(word: number): void {
    this.#watch.hashed(word);
    super.mix(word);
  }

  override mixEvent(kindAndOwner: number, timeUs: number, digest: number): void {
    this.mix(kindAndOwner);
    this.mix(timeUs);
    this.mix(digest);
  }
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, "0");
}
