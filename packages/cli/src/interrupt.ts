import { exitCodes } from "./exit-codes.ts";

const signals = { SIGINT: exitCodes.interrupted, SIGTERM: exitCodes.terminated, SIGHUP: exitCodes.hangup } as const;

export interface Interruption {
  /** The exit status that goes with the signal; undefined before one has come. */
  readonly exitCode: number | undefined;
  /** Gives the signals back to Node. */
  ignore(): void;
}

/** Calls `stop` at the first Ctrl-C, SIGTERM or hang-up. The second one ends the process at once. */
export function watchForInterrupts(stop: () => void): Interruption {
  let exitCode: number | undefined;
  const handlers = Object.entries(signals).map(([signal, code]) => {
    const handler = () => {
      if (exitCode !== undefined) process.exit(exitCode);
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
    ignore() {
      for (const { signal, handler } of handlers) process.off(signal, handler);
    },
  };
}
