/** What the command's exit status says. The number of failures is never part of it. */
export const exitCodes = {
  /** Every run passed. */
  passed: 0,
  /** At least one run failed. */
  failed: 1,
  /** Wrong usage: nothing was run. */
  usage: 2,
  /** The implementation could not be loaded: nothing was run. */
  notLoaded: 3,
  /** No test matched: nothing was run. */
  noTest: 4,
  /** Every run passed, but the evidence asked for was not reached. */
  noEvidence: 5,
  /** A fault of raft-stress itself. */
  fault: 70,
  hangup: 129,
  interrupted: 130,
  /** Whoever read stdout went away, as for a program that dies of SIGPIPE. */
  brokenPipe: 141,
  terminated: 143,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Something the user can put right: printed as one sentence, without a stack. */
export class UserError extends Error {
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode = exitCodes.usage) {
    super(message);
    this.exitCode = exitCode;
  }
}
