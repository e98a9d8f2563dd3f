import { Buffer } from "node:buffer";
import type { Persister } from "@raft-stress/raft/api";
import type { Checks } from "../check/checks.ts";
import { mix32 } from "../sim/random.ts";
import type { Simulation } from "../sim/simulation.ts";

const nothing = new Uint8Array(0);

/** At most this many bytes from each end of what is saved go into the trace hash: hashing a long log at every save would cost more than the run. */
const hashedBytes = 32;

/** Is told of each save; a crash within `before` keeps it from taking effect. */
export interface SaveWatch {
  before(server: number, what: "save"): void;
  after(server: number, what: "save"): void;
}

/**
 * Stable storage of one life of a server. A crash leaves exactly what was saved before it: the next life gets a copy, and this one is detached, so that
 * whatever a dead server still saves goes nowhere.
 */
export class MemoryPersister implements Persister {
  private readonly simulation: Simulation;
  private readonly server: number;
  private readonly checks: Checks | undefined;
  /** Grows as needed and is written in place, once it is this persister's own. */
  private state: Uint8Array = nothing;
  private stateBytes = 0;
  /** Whether no former life reads in `state`. A look at the disk may: it is over before anything is saved again. */
  private ownsState = false;
  private snapshot: Uint8Array = nothing;
  private attached = true;
  /** For runs in which servers crash at their saves. */
  watch: SaveWatch | undefined = undefined;

  constructor(simulation: Simulation, server: number, checks?: Checks) {
    this.simulation = simulation;
    this.server = server;
    this.checks = checks;
  }

  /** For the server's next life; this one's saves are void from now on. */
  succeed(): MemoryPersister {
    this.attached = false;
    const next = new MemoryPersister(this.simulation, this.server, this.checks);
    this.copyTo(next);
    next.watch = this.watch;
    return next;
  }

  /** What a life that began now would find; what it saves goes nowhere. */
  copy(): MemoryPersister {
    const copy = new MemoryPersister(this.simulation, this.server);
    this.copyTo(copy);
    copy.attached = false;
    return copy;
  }

  save(state: Uint8Array | readonly Uint8Array[], snapshot: Uint8Array): void {
    if (!(isState(state) && snapshot instanceof Uint8Array)) {
      throw new TypeError("persister.save(state, snapshot) needs a Uint8Array, or a list of them, and a Uint8Array");
    }
    if (!this.attached) return;
    this.watch?.before(this.server, "save");
    if (!this.attached) return;
    if (state instanceof Uint8Array) this.writeState(state);
    else this.writeChunks(state);
    const isNew = !sameBytes(this.snapshot, snapshot);
    if (isNew) this.snapshot = snapshot.slice();
    this.checks?.saved(this.server, isNew ? this.snapshot : undefined);
    this.record();
    this.watch?.after(this.server, "save");
  }

  readState(): Uint8Array {
    const copy = new Uint8Array(this.stateBytes);
    copy.set(this.state.subarray(0, this.stateBytes));
    return copy;
  }

  readSnapshot(): Uint8Array {
    return this.snapshot.length === 0 ? nothing : this.snapshot.slice();
  }

  stateSize(): number {
    return this.stateBytes;
  }

  snapshotSize(): number {
    return this.snapshot.length;
  }

  private copyTo(other: MemoryPersister): void {
    other.state = this.state;
    other.stateBytes = this.stateBytes;
    other.snapshot = this.snapshot;
  }

  private writeState(state: Uint8Array): void {
    this.reserve(state.length);
    this.state.set(state);
    this.stateBytes = state.length;
  }

  private writeChunks(chunks: readonly Uint8Array[]): void {
    let size = 0;
    for (const chunk of chunks) size += chunk.length;
    this.reserve(size);
    let at = 0;
    for (const chunk of chunks) {
      this.state.set(chunk, at);
      at += chunk.length;
    }
    this.stateBytes = size;
  }

  private reserve(size: number): void {
    // Small buffers come from Node's pool: an allocation of their own would cost more than all saves into them.
    if (this.ownsState && size <= this.state.length) return;
    this.state = Buffer.allocUnsafe(Math.max(256, 2 * size));
    this.ownsState = true;
  }

  private record(): void {
    const { hash, trace } = this.simulation;
    hash.mix(mix32(this.stateBytes, this.snapshot.length));
    hash.mix(this.digestOfEnds());
    this.simulation.watch?.hashed(this.digestOfAll());
    if (trace.traceOn)
      trace.line("PERS", this.server, `saved state of ${this.stateBytes} bytes, snapshot of ${this.snapshot.length} bytes`);
  }

  /** Of all bytes, for a run that is compared with another one: it may take its time. */
  private digestOfAll(): number {
    return digestOf(this.snapshot, this.snapshot.length, digestOf(this.state, this.stateBytes, this.stateBytes));
  }

  private digestOfEnds(): number {
    const state = this.state;
    const size = this.stateBytes;
    let digest = size;
    const headEnd = Math.min(size, hashedBytes);
    for (let i = 0; i < headEnd; i++) digest = Math.imul(digest ^ state[i]!, 0x01000193);
    for (let i = Math.max(headEnd, size - hashedBytes); i < size; i++) digest = Math.imul(digest ^ state[i]!, 0x01000193);
    return digest;
  }
}

function digestOf(bytes: Uint8Array, size: number, start: number): number {
  let digest = start;
  for (let i = 0; i < size; i++) digest = Math.imul(digest ^ bytes[i]!, 0x01000193);
  return digest;
}

function isState(state: unknown): boolean {
  return state instanceof Uint8Array || (Array.isArray(state) && state.every((chunk) => chunk instanceof Uint8Array));
}

/** Saves mostly repeat the snapshot they have: comparing is cheaper than another copy. */
function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && (a.length === 0 || Buffer.compare(a, b) === 0);
}
