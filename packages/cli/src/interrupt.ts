import { exitCodes } from "./exit-codes.ts";

const signals = { SIGINT: exitCodes.interrupted, SIGTERM: exitCodes.terminated, SIGHUP: exitCodes.hangup } as const;

export interface Interruption {
  /** The exit status that goes with the signal; undefined before one has come. */
  readonly exitCode: number | undefined;
  /** What the first signal does from now on. Until this is called it ends the process: nothing is worth keeping yet. */
  onSignal(stop: () => void): void;
  /**
   * Waits for the end of what is left. After a signal not for long: a thread in the midst of a native call cannot be ended, and Node would wait for it; then the
   * process dies of the signal, which has the same exit status.
   */
  waitFor(end: Promise<unknown>): Promise<void>;
  /** Gives the signals back to Node. */
  ignore(): void;
}

/** Real milliseconds. */
const longestEndMs = 500;

/** Watches for Ctrl-C, SIGTERM and hang-up. The second signal ends the process at once. */
export function watchForInterrupts(): Interruption {
  let exitCode: number | undefined;
  let received: string | undefined;
  let stop: (() => void) | undefined;
  const handlers = Object.entries(signals).map(([signal, code]) => {
    const handler = () => {
      if (exitCode !== undefined || !stop) process.exit(exitCode ?? code);
      exitCode = code;
      received = signal;
      stop();
    };
    process.on(signal, handler);
    return { signal, handler };
  });
  return {
    get exitCode() {
      return exitCode;
    },
    onSignal(given) {
      stop = given;
    },
    async waitFor(end) {
      const die = (): void => {
        ignore();
        process.kill(process.pid, received);
      };
      const deadline = received === undefined ? undefined : setTimeout(die, longestEndMs);
      await end;
      clearTimeout(deadline);
    },
    ignore,
  };

  function ignore(): void {
    for (const { signal, handler } of handlers) process.off(signal, handler);
  }
}
