import { progressCells, progressLength } from "@raft-stress/harness/progress";

/** After the cells that a run writes: the id of the thread. Known to the worker as the last cell. */
const threadCell = progressLength;

/** Shared memory for one batch. */
function newCells(): Int32Array {
  return new Int32Array(new SharedArrayBuffer((progressLength + 1) * Int32Array.BYTES_PER_ELEMENT));
}

/** Called by a thread when it takes a batch: the cells for its runs. */
export function takeCells(cells: Int32Array, threadId: number): Int32Array {
  Atomics.store(cells, threadCell, threadId);
  return cells.subarray(0, progressLength);
}

/** What is known from outside of the run that a batch is making: the thread may spin and cannot be asked. */
export class RunWatch {
  readonly cells: Int32Array = newCells();
  /** Real milliseconds that the present pass of the present run has been seen to take: repeating a failure has the whole limit again. */
  runMs = 0;
  /** Real milliseconds since the present run was last seen to begin an event. */
  inEventMs = 0;
  #seenJob = 0;
  #seenEvent = 0;
  #seenPass = 0;

  /** Tells that real time has passed. */
  advance(passedMs: number): void {
    const job = this.position;
    const { event } = this;
    const pass = Atomics.load(this.cells, progressCells.pass);
    this.runMs = job === this.#seenJob && pass === this.#seenPass ? this.runMs + passedMs : 0;
    this.inEventMs = job === this.#seenJob && event === this.#seenEvent ? this.inEventMs + passedMs : 0;
    this.#seenJob = job;
    this.#seenEvent = event;
    this.#seenPass = pass;
  }

  /** Position of the present run in its batch; -1 when none is under way. */
  get position(): number {
    return Atomics.load(this.cells, progressCells.job) - 1;
  }

  /** Number of the event that began last. */
  get event(): number {
    return this.cells[progressCells.event]!;
  }

  get virtualMs(): number {
    return this.cells[progressCells.virtualMs]!;
  }

  /** Whether it is known that code of this run was running, and not that of another run of its thread. */
  get hasTurn(): boolean {
    return Atomics.load(this.cells, progressCells.turn) === 1;
  }

  /** Id of the thread; 0 before the batch has reached one. */
  get thread(): number {
    return Atomics.load(this.cells, threadCell);
  }
}
