import type { TraceLevel } from "../result.ts";

/** Lines kept of one run. Beyond it the oldest are dropped and the log says so: a run that loops must not fill the memory. */
const maxLines = 400_000;

/**
 * The text of a run: one line an event, `time topic Sx message` (time in ms with leading zeros), as dslogs reads it; lines of the test itself have the
 * topic TEST and no server. Because runs repeat exactly, text is recorded only when a run's log is wanted: the failed run again, not every run.
 */
export class Trace {
  /** The lab's own lines. */
  readonly labLines: string[] = [];
  readonly #level: TraceLevel;
  readonly #nowMs: () => number;
  #lines: string[] = [];
  #dropped = 0;

  constructor(level: TraceLevel, nowMs: () => number) {
    this.#level = level;
    this.#nowMs = nowMs;
  }

  /** Whether `debug` lines are kept; ask before building one. */
  get debugOn(): boolean {
    return this.#level !== "none";
  }

  /** Whether `trace` lines are kept; ask before building one. */
  get traceOn(): boolean {
    return this.#level === "trace";
  }

  /** A line about one server. */
  line(topic: string, server: number, message: string): void {
    if (this.debugOn) this.#push(`${this.#stamp()} ${topic} S${server} ${message}`);
  }

  /** A line about the test. */
  test(message: string): void {
    if (this.debugOn) this.#push(`${this.#stamp()} TEST ${message}`);
  }

  /** The trace as text, each line ended. */
  text(): string {
    const cut =
      this.#dropped > 0 ? `(the first ${this.#dropped} lines of the trace were dropped: the log keeps the last ${maxLines})\n` : "";
    return this.#lines.length === 0 ? cut : `${cut}${this.#lines.join("\n")}\n`;
  }

  #stamp(): string {
    return Math.floor(this.#nowMs()).toString().padStart(6, "0");
  }

  #push(line: string): void {
    this.#lines.push(line.includes("\n") ? line.replaceAll(/\r?\n/g, " | ") : line);
    if (this.#lines.length < 2 * maxLines) return;
    this.#dropped += this.#lines.length - maxLines;
    this.#lines = this.#lines.slice(-maxLines);
  }
}
