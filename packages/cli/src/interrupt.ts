import { exitCodes } from "./exit-codes.ts";

const signals = { SIGINT: exitCodes.interrupted, SIGTERM: exitCodes.terminated, SIGHUP: exitCodes.hangup } as const;

export interface Interruption {
  /** The exit status that goes with the signal; undefined before one has come. */
  readonly exitCode: number | undefined;
  /** What the first signal does from now on. Until this is called it ends the process: nothing is worth keeping yet. */
  onSignal(stop: () => void): void;
  /** Gives the signals back to Node. */
  ignore(): void;
}

/** Watches for Ctrl-C, SIGTERM and hang-up. The second signal ends the process at once. */
export function watchForInterrupts(): Interruption {
  let exitCode: number | undefined;
  let stop: (() => void) | undefined;
  const handlers = Object.entries(signals).map(([signal, code]) => {
    const handler = () => {
      if (exitCode !== undefined || !stop) process.exit(exitCode ?? code);
      exitCode = code;
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
    ignore() {
      for (const { signal, handler } of handlers) process.off(signal, handler);
    },
  };
}
