/**
 * What can end a run before its test has passed. Each carries the cause (one sentence without the numbers that vary, by which runs are
 * grouped) beside the message with all values.
 */

export interface Details {
  readonly cause: string;
  readonly expected?: string;
  readonly seen?: string;
  readonly server?: number;
}

/** An assertion of a test does not hold: the implementation is wrong, or too slow. */
export class TestFailure extends Error {
  override readonly name = "TestFailure";
  readonly details: Details;

  constructor(message: string, details: Partial<Details> = {}) {
    super(message);
    this.details = { cause: message, ...details };
  }
}

/** The run cannot end by itself: a limit was reached, or nothing is left to happen. */
export class StuckError extends Error {
  override readonly name = "StuckError";
  readonly details: Details;

  constructor(message: string, details: Partial<Details> = {}) {
    super(message);
    this.details = { cause: message, ...details };
  }
}

/** The implementation under test threw, or broke the contract in a way that is no question of Raft. */
export class ImplementationError extends Error {
  override readonly name = "ImplementationError";
  readonly details: Details;

  /** What was thrown as an ImplementationError; a failure of the test or a fault of the harness that passed through user code stays what it is. */
  static of(server: number, doing: string, thrown: unknown): Error {
    if (isRunError(thrown) || thrown instanceof HarnessFault) return thrown;
    return new ImplementationError(server, doing, thrown);
  }

  /** `doing`: what the server was asked to do, e.g. `the handler of AppendEntries`. */
  constructor(server: number | undefined, doing: string, thrown: unknown) {
    const what = describeThrown(thrown);
    super(`${server === undefined ? "a server" : `S${server}`} threw in ${doing}: ${what}`, { cause: thrown });
    // Numbers vary from run to run where the fault is the same.
    this.details = { cause: `threw in ${doing}: ${what}`.replaceAll(/\d+(\.\d+)?/g, "#"), ...(server === undefined ? {} : { server }) };
    if (thrown instanceof Error && thrown.stack !== undefined) this.stack = thrown.stack;
  }
}

/** A fault of the harness itself; never an outcome of a run. */
export class HarnessFault extends Error {
  override readonly name = "HarnessFault";
}

/** The errors that end a run with an outcome. */
export type RunError = TestFailure | StuckError | ImplementationError;

export function isRunError(thrown: unknown): thrown is RunError {
  return thrown instanceof TestFailure || thrown instanceof StuckError || thrown instanceof ImplementationError;
}

function describeThrown(thrown: unknown): string {
  if (thrown instanceof Error) return `${thrown.name}: ${thrown.message}`;
  if (typeof thrown === "string") return thrown;
  return `a value that is no Error (${typeof thrown})`;
}
