import { Buffer } from "node:buffer";
import type { TraceLevel } from "../result.ts";

/** Lines kept of one run. Beyond it the oldest are dropped and the log says so: a run that loops must not fill the memory. */
const maxLines = 400_000;
/** Characters kept of one run, for implementations that log long lines; and of one line. */
const maxCharacters = 32 * 2 ** 20;
const maxLineLength = 4096;

/**
 * The text of a run: one line an event, `time topic Sx message` (time in ms with leading zeros), as dslogs reads it; lines of the test itself have the
 * topic TEST and no server. Because runs repeat exactly, text is recorded only when a run's log is wanted: the failed run again, not every run.
 */
export class Trace {
  /** The lab's own lines. */
  readonly labLines: string[] = [];
  /** Whether `debug` lines are kept; ask before building one. */
  readonly debugOn: boolean;
  /** Whether `trace` lines are kept; ask before building one. */
  readonly traceOn: boolean;
  readonly #nowMs: () => number;
  #lines: string[] = [];
  #characters = 0;
  #dropped = 0;

  constructor(level: TraceLevel, nowMs: () => number) {
    this.debugOn = level !== "none";
    this.traceOn = level === "trace";
    this.#nowMs = nowMs;
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
    const cut = this.#dropped > 0 ? `(the first ${this.#dropped} lines of the trace were dropped: the log keeps what came last)\n` : "";
    return this.#lines.length === 0 ? cut : `${cut}${this.#lines.join("\n")}\n`;
  }

  #stamp(): string {
    return Math.floor(this.#nowMs()).toString().padStart(6, "0");
  }

  #push(line: string): void {
    const cut = line.length > maxLineLength ? `${copyOfStart(line)}... (${line.length} characters)` : line;
    const flat = cut.includes("\n") ? cut.replaceAll(/\r?\n/g, " | ") : cut;
    this.#lines.push(flat);
    this.#characters += flat.length;
    if (this.#lines.length >= 2 * maxLines || this.#characters >= 2 * maxCharacters) this.#dropOldest();
  }

  /** Twice the limit is let in before half of it goes, so that dropping costs little for each line. */
  #dropOldest(): void {
    let first = this.#lines.length;
    let characters = 0;
    while (first > 0 && this.#lines.length - first < maxLines && characters + this.#lines[first - 1]!.length <= maxCharacters) {
      characters += this.#lines[--first]!.length;
    }
    this.#dropped += first;
    this.#lines = this.#lines.slice(first);
    this.#characters = characters;
  }
}

/** A slice would keep the whole text in memory. */
function copyOfStart(text: string): string {
  return Buffer.from(text.slice(0, maxLineLength), "utf16le").toString("utf16le");
}
