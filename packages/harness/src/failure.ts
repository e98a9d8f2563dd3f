import { inspect } from "node:util";

/**
 * What can end a run before its test has passed. Each carries the cause (one sentence without the numbers that vary, by which runs are
 * grouped) beside the message with all values.
 */

/**
 * What a failure is a lack of. Safety must hold whatever the network does; progress and economy (few RPCs, few bytes) can be asked for only while messages are
 * not held back for long.
 */
export type Aspect = "safety" | "progress" | "economy";

export interface Details {
  readonly cause: string;
  readonly expected?: string;
  readonly seen?: string;
  readonly server?: number;
  /** Undefined: progress for a TestFailure, safety for all others. */
  readonly aspect?: Aspect;
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

/** One of the events that contradict each other in a violation. */
export interface Evidence {
  /** Number of the event. */
  readonly event: number;
  readonly atMs: number;
  readonly server?: number;
  /** What happened there, e.g. `S1 granted its vote to S2 in term 7`. */
  readonly text: string;
  /** What the server had on disk when the event was over, if that has been looked at. */
  readonly disk?: string;
}

export interface ViolationDetails extends Details {
  readonly property: string;
  /** Section or figure of the extended Raft paper. */
  readonly source: string;
  readonly evidence: readonly Evidence[];
}

/** An invariant of Raft does not hold, seen at the event that broke it. */
export class PropertyViolation extends Error {
  override readonly name = "PropertyViolation";
  readonly details: ViolationDetails;

  /** `sentence`: what happened, with all values. */
  constructor(property: string, source: string, sentence: string, server: number, evidence: readonly Evidence[]) {
    super(`${property}: ${sentence}`);
    this.details = { cause: `${property} is violated`, property, source, evidence, server };
    // Where the check stood in our own code tells the user nothing.
    delete this.stack;
  }
}

/** The implementation under test threw, or broke the contract in a way that is no question of Raft. */
export class ImplementationError extends Error {
  override readonly name = "ImplementationError";
  readonly details: Details;

  /** What was thrown as an ImplementationError; a failure of the test or a fault of the harness that passed through user code stays what it is. */
  static of(server: number, doing: string, thrown: unknown): Error {
    if (isRunError(thrown) || isHarnessFault(thrown)) return thrown;
    return new ImplementationError(server, doing, thrown);
  }

  /** `doing`: what the server was asked to do, e.g. `the handler of AppendEntries`. `told`: what it did instead, when it is not that it threw. */
  constructor(server: number | undefined, doing: string, thrown: unknown, told = `threw in ${doing}: ${describeThrown(thrown)}`) {
    super(`${server === undefined ? "a server" : `S${server}`} ${told}`, { cause: thrown });
    // Numbers vary from run to run where the fault is the same; digits in a name, as in v8, do not.
    this.details = { cause: told.replaceAll(/(?<![\w$])\d+(\.\d+)?/g, "#"), ...(server === undefined ? {} : { server }) };
    const stack = stackOf(thrown);
    // Where it was caught tells nothing of where it was thrown.
    if (stack === undefined) delete this.stack;
    else this.stack = stack;
  }
}

/** A fault of the harness itself; never an outcome of a run. */
export class HarnessFault extends Error {
  override readonly name = "HarnessFault";

  /** Of something that was thrown, with its message and stack. */
  static of(thrown: unknown): HarnessFault {
    const fault = new HarnessFault(thrown instanceof Error ? thrown.message : describeThrown(thrown), { cause: thrown });
    if (thrown instanceof Error && thrown.stack !== undefined) fault.stack = thrown.stack;
    return fault;
  }
}

export function isHarnessFault(thrown: unknown): thrown is HarnessFault {
  return isOfClass(thrown, HarnessFault);
}

/** The errors that end a run with an outcome. */
export type RunError = TestFailure | StuckError | PropertyViolation | ImplementationError;

export function isRunError(thrown: unknown): thrown is RunError {
  return [TestFailure, StuckError, PropertyViolation, ImplementationError].some((type) => isOfClass(thrown, type));
}

/** Longest text of something thrown: an implementation may put its whole log into a message. */
const maxThrownLength = 2000;
const maxStackLines = 50;

/** What user code throws may throw itself when it is looked at: a proxy, a getter. */
function attempt<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch {
    return otherwise;
  }
}

/** Whether something thrown is of a class. Never throws. */
export function isOfClass(thrown: unknown, type: abstract new (...args: never[]) => unknown): boolean {
  return attempt(() => thrown instanceof type, false);
}

/** One text for anything that can be thrown. Never throws. */
function describeThrown(thrown: unknown): string {
  const text = attempt(() => {
    if (thrown instanceof Error) return `${thrown.name}: ${thrown.message}`;
    if (typeof thrown === "string") return thrown;
    return `a value that is no Error (${inspect(thrown, { depth: 1, breakLength: Number.POSITIVE_INFINITY })})`;
  }, "a value that cannot be described: looking at it throws");
  return printable(text.length > maxThrownLength ? `${text.slice(0, maxThrownLength)}... (${text.length} characters)` : text);
}

/** Without what a terminal would obey. */
function printable(text: string): string {
  return text.replaceAll(controlCharacters, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

/** All but tabs and ends of lines. */
const controlCharacters = /[^\P{Cc}\t\n\r]/gu;

/** Causes of causes that are told. */
const maxCauses = 4;

/** The stack of something thrown below its cut message, with those of its causes; undefined when it has none. Never throws. */
function stackOf(thrown: unknown, causes = 0): string | undefined {
  const own = ownStackOf(thrown);
  const cause = attempt(() => (thrown instanceof Error ? thrown.cause : undefined), undefined);
  if (own === undefined || cause === undefined || causes === maxCauses) return own;
  return `${own}\n  caused by: ${stackOf(cause, causes + 1) ?? describeThrown(cause)}`;
}

function ownStackOf(thrown: unknown): string | undefined {
  const stack = attempt(() => (thrown instanceof Error ? thrown.stack : undefined), undefined);
  if (typeof stack !== "string") return undefined;
  const firstFrame = stack.search(/\n {4}at /);
  const frames =
    firstFrame < 0
      ? ""
      : stack
          .slice(firstFrame)
          .split("\n", maxStackLines + 1)
          .join("\n");
  return `${describeThrown(thrown)}${frames}`;
}
