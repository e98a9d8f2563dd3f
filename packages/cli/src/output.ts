import { exitCodes } from "./exit-codes.ts";

/** The one place that writes to the terminal. */
export interface Output {
  /** What the command is asked for: stdout, or stderr when stdout is kept for JSON lines. */
  print(text: string): void;
  /** Progress, warnings and errors: stderr. */
  tell(text: string): void;
  /** stdout itself, for JSON lines. */
  printJson(line: string): void;
  readonly colour: { readonly print: boolean; readonly tell: boolean };
}

export interface OutputOptions {
  readonly color: "auto" | "always" | "never";
  readonly jsonOnStdout: boolean;
}

export function createOutput({ color, jsonOnStdout }: OutputOptions): Output {
  const printStream = jsonOnStdout ? process.stderr : process.stdout;
  return {
    print: (text) => void printStream.write(`${text}\n`),
    tell: (text) => void process.stderr.write(`${text}\n`),
    printJson: (line) => void process.stdout.write(`${line}\n`),
    colour: { print: wantsColour(color, printStream.isTTY), tell: wantsColour(color, process.stderr.isTTY) },
  };
}

/** NO_COLOR wins over FORCE_COLOR, the flag over both. An empty variable counts as absent. */
export function wantsColour(color: OutputOptions["color"], isTerminal: boolean | undefined, environment = process.env): boolean {
  if (color !== "auto") return color === "always";
  if (environment.NO_COLOR) return false;
  const force = environment.FORCE_COLOR;
  if (force) return force !== "0" && force !== "false";
  // Node leaves isTTY undefined where there is no terminal.
  return isTerminal === true && environment.TERM !== "dumb";
}

/**
 * Calls `onClosed` once when whoever reads stdout or stderr has gone away (`| head -1`). Any other failure to write is thrown.
 * Until then, writing is as if it had worked.
 */
export function watchForClosedPipe(onClosed: () => void): void {
  let closed = false;
  const onError = (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE" && error.code !== "ERR_STREAM_DESTROYED") throw error;
    if (!closed) onClosed();
    closed = true;
  };
  process.stdout.on("error", onError);
  process.stderr.on("error", onError);
}

/** Ends the process when all that was written has been taken. */
export function exit(code: number): void {
  process.exitCode = code;
  const streams = [process.stdout, process.stderr].filter((stream) => stream.writableLength > 0 && !stream.destroyed);
  if (streams.length === 0) process.exit(code);
  let waiting = streams.length;
  for (const stream of streams) {
    stream.write("", () => {
      waiting--;
      if (waiting === 0) process.exit(code);
    });
  }
  // A reader that takes nothing must not keep the process.
  setTimeout(() => process.exit(code === 0 ? exitCodes.brokenPipe : code), 10_000).unref();
}
