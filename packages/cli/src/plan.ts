/** Runs of a test that were made before, by another command. */
export interface RunsBefore {
  /** The first iteration that comes after all of them. */
  readonly next: number;
  /** Iterations before that one that were not made. */
  readonly missing: readonly number[];
}

export interface PlanOptions {
  /** Number of tests. */
  readonly tests: number;
  /** Runs of each test in the first round. */
  readonly iterations: number;
  /** All runs of the first test, then of the next; else the tests take turns. */
  readonly sequential: boolean;
  /** Runs of a round = runs of the round before × growth. */
  readonly growth: number;
  /** Per test, the runs that count as handed out already. */
  readonly before?: readonly RunsBefore[];
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
  #throughRound: number;
  /** Per test, the number of its runs that were handed out, over all rounds. */
  #issued: Float64Array;
  /** Per test, its next iteration; iterations that were left out before it go first. */
  #next: Float64Array;
  #missing: readonly number[][];
  #dropped: Uint8Array;
  #cursor = 0;
  #remaining: number;

  constructor(options: PlanOptions) {
    const { tests, iterations, before } = options;
    this.#options = options;
    this.#roundSize = iterations;
    this.#throughRound = iterations;
    this.#next = Float64Array.from({ length: tests }, (_, test) => before?.[test]?.next ?? 0);
    this.#missing = Array.from({ length: tests }, (_, test) => [...(before?.[test]?.missing ?? [])]);
    this.#issued = this.#next.map((next, test) => next - this.#missing[test]!.length);
    this.#dropped = new Uint8Array(tests);
    this.#remaining = this.#countRemaining();
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
    return this.#throughRound;
  }

  /** The next run of this round; undefined when the round is handed out. */
  next(): PlannedRun | undefined {
    const { tests, sequential } = this.#options;
    for (let tried = 0; tried < tests; tried++) {
      const test = this.#cursor;
      const due = this.#left(test) > 0;
      if (!sequential || !due) this.#cursor = (test + 1) % tests;
      if (!due) continue;
      this.#issued[test]! += 1;
      this.#remaining--;
      return { test, iteration: this.#missing[test]!.shift() ?? this.#next[test]!++ };
    }
    return undefined;
  }

  /** Hands out no more runs of a test, in this round and all later ones. */
  drop(test: number): void {
    this.#remaining -= this.#left(test);
    this.#dropped[test] = 1;
  }

  isDropped(test: number): boolean {
    return this.#dropped[test] === 1;
  }

  /** Begins the next, larger round that has runs to hand out; false when no test is left. */
  startRound(): boolean {
    if (!this.#dropped.includes(0)) return false;
    do {
      this.#roundSize = Math.max(1, Math.round(this.#roundSize * this.#options.growth));
      this.#throughRound += this.#roundSize;
      this.#remaining = this.#countRemaining();
    } while (this.#remaining === 0);
    this.#cursor = 0;
    return true;
  }

  /** Runs of a test that this round still has to hand out. */
  #left(test: number): number {
    return this.#dropped[test] === 1 ? 0 : Math.max(0, this.#throughRound - this.#issued[test]!);
  }

  #countRemaining(): number {
    let remaining = 0;
    for (let test = 0; test < this.#options.tests; test++) remaining += this.#left(test);
    return remaining;
  }
}
