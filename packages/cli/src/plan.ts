export interface PlanOptions {
  /** Number of tests. */
  readonly tests: number;
  /** Runs of each test in the first round. */
  readonly iterations: number;
  /** All runs of the first test, then of the next; else the tests take turns. */
  readonly sequential: boolean;
  /** Runs of a round = runs of the round before × growth. */
  readonly growth: number;
}

export interface PlannedRun {
  /** Position of the test among the chosen ones. */
  readonly test: number;
  /** 0-based number of the run among the runs of its test, over all rounds. */
  readonly iteration: number;
}

/** Which run comes next, one at a time: a plan of a million runs, or of endlessly many, takes no memory. */
export class Plan {
  #options: PlanOptions;
  #roundSize: number;
  /** Runs of a test in the rounds before this one. */
  #before = 0;
  /** Per test, its runs handed out in this round. */
  #issued: Float64Array;
  #dropped: Uint8Array;
  #cursor = 0;
  #remaining: number;

  constructor(options: PlanOptions) {
    this.#options = options;
    this.#roundSize = options.iterations;
    this.#issued = new Float64Array(options.tests);
    this.#dropped = new Uint8Array(options.tests);
    this.#remaining = options.tests * options.iterations;
  }

  /** Runs of this round that are still to be handed out. */
  get remaining(): number {
    return this.#remaining;
  }

  get roundSize(): number {
    return this.#roundSize;
  }

  /** Runs of each test at the end of this round, since the first one. */
  get throughRound(): number {
    return this.#before + this.#roundSize;
  }

  /** The next run of this round; undefined when the round is handed out. */
  next(): PlannedRun | undefined {
    const { tests, sequential } = this.#options;
    for (let tried = 0; tried < tests; tried++) {
      const test = this.#cursor;
      const due = this.#dropped[test] === 0 && this.#issued[test]! < this.#roundSize;
      if (!sequential || !due) this.#cursor = (test + 1) % tests;
      if (!due) continue;
      const iteration = this.#before + this.#issued[test]!;
      this.#issued[test]! += 1;
      this.#remaining--;
      return { test, iteration };
    }
    return undefined;
  }

  /** Hands out no more runs of a test, in this round and all later ones. */
  drop(test: number): void {
    if (this.#dropped[test] === 1) return;
    this.#dropped[test] = 1;
    this.#remaining -= this.#roundSize - this.#issued[test]!;
  }

  isDropped(test: number): boolean {
    return this.#dropped[test] === 1;
  }

  /** Begins the next, larger round; false when no test is left. */
  startRound(): boolean {
    this.#before += this.#roundSize;
    this.#roundSize = Math.max(1, Math.round(this.#roundSize * this.#options.growth));
    this.#issued.fill(0);
    this.#cursor = 0;
    const live = this.#dropped.reduce((count, dropped) => count + (dropped === 0 ? 1 : 0), 0);
    this.#remaining = live * this.#roundSize;
    return live > 0;
  }
}
