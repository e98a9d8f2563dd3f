import { stripVTControlCharacters } from "node:util";

/** What a failed run's output says of why: by `cause`, runs that failed alike are counted together. */
export interface Cause {
  /** Without what varies from run to run, with the place in the code. */
  readonly cause: string;
  /** As it was printed. */
  readonly reason: string;
}

const longestReason = 500;

/** A message without what differs from run to run: addresses, ids, times, numbers, paths of temporary files. */
export function normalised(message: string): string {
  return stripVTControlCharacters(message)
    .replace(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, "#")
    .replace(/\b0x[0-9a-f]+\b/gi, "#")
    .replace(/\/(?:tmp|var\/folders)\/[^\s:'"]+/g, "/tmp/#")
    .replace(/(?<![A-Za-z_])\b\d+(?:\.\d+)?(?:ns|µs|ms|s|m|h)?\b/g, "#")
    .replace(/\b[0-9a-f]{12,}\b/gi, "#")
    .replace(/\d+/g, (digits, at: number, whole: string) => (isName(whole, at) ? digits : "#"))
    .replace(/\s+/g, " ")
    .trim();
}

/** Digits at the end of a word are part of a name: `TestBackup2B`, `S2`, `http2`. */
function isName(text: string, at: number): boolean {
  return at > 0 && /[A-Za-z_]/.test(text[at - 1]!);
}

function cause(message: string, frame: string | undefined): Cause {
  const text = message.trim();
  const reason = text.length > longestReason ? `${text.slice(0, longestReason)}... (${text.length} characters)` : text;
  const at = frame === undefined ? "" : ` in ${frame}`;
  return { cause: `${normalised(reason)}${at}`, reason: `${reason}${at}` };
}

/** `panic: MESSAGE` or `fatal error: MESSAGE` of a Go program, with the first function of the program's own. */
export function goPanic(output: string): Cause | undefined {
  const found = /^(panic: |fatal error: )(.*)$/m.exec(output);
  if (!found) return undefined;
  const message = found[2]!.replace(/ \[recovered(?:, repanicked)?\]$/, "");
  return cause(`${found[1]}${message}`, topGoFrame(output.slice(found.index)));
}

/** The first of the two accesses that Go's race detector reports, and the other one, in the order of the alphabet: either may come first. */
export function goRace(output: string): Cause | undefined {
  const at = output.indexOf("WARNING: DATA RACE");
  if (at === -1) return undefined;
  const report = output.slice(at, output.indexOf("==================", at) + 1 || undefined);
  const accesses = report.split(/\n\n/).slice(0, 2).map(topGoFrame);
  const frames = [...new Set(accesses.filter((frame) => frame !== undefined))].toSorted();
  return cause("data race", frames.length === 0 ? undefined : frames.join(" and "));
}

/** Where the test's own goroutine was when all stacks were printed. */
export function goHang(output: string, test: string): string | undefined {
  const blocks = output.split(/\n\n/);
  const own = blocks.find((block) => /^goroutine \d+/m.test(block) && block.includes(`.${test}(`));
  return own === undefined ? undefined : topGoFrame(own);
}

/** Functions that are between a fault and the program's own code. */
const goPlumbing = /^(?:runtime|testing|internal|sync|reflect|time|os|syscall)[./]|^panic\(|^created by /;

/** `kv.(*Server).apply (server.go:120)`, from lines `FUNCTION(ARGUMENTS)` with `FILE:LINE` below each. */
function topGoFrame(text: string): string | undefined {
  for (const [, call, file, line] of text.matchAll(/^ *(\S.*)\((?:[^()\n]*|\.\.\.)\)\n\s+(\S+\.go):(\d+)/gm)) {
    if (goPlumbing.test(call!) || /\/src\/(?:runtime|testing|sync|internal)\//.test(file!)) continue;
    return `${shortName(call!)} (${file!.split("/").at(-1)}:${line})`;
  }
  return undefined;
}

/** `example.org/lab/raft.(*Raft).tick` -> `raft.(*Raft).tick`. */
function shortName(call: string): string {
  return call.split("/").at(-1)!;
}

/** What a failed Go test has logged last: that is the message of `t.Fatal`. */
export function goTestFailure(output: string): Cause | undefined {
  const at = output.search(/^\s*--- FAIL: /m);
  if (at === -1) return undefined;
  const lines = [...output.slice(at).matchAll(/^\s+([^\s:]+\.go:\d+): (.*(?:\n {8,}\S.*)*)/gm)];
  const last = lines.at(-1);
  if (!last) return cause(lastWords(output) ?? "the test failed and did not say why", undefined);
  const { reason } = cause(last[2]!.replace(/\s*\n\s*/g, " "), undefined);
  return { cause: `${last[1]}: ${normalised(reason)}`, reason: `${last[1]}: ${reason}` };
}

/** Messages and places of the languages whose tests people run most; the first that is found counts. */
const readers: readonly ((output: string) => Cause | undefined)[] = [
  goRace,
  goPanic,
  rustPanic,
  pythonTraceback,
  goTestFailure,
  stackWithAt,
];

/** What any failed command says of why. Undefined: it says nothing. */
export function anyCause(output: string): Cause | undefined {
  for (const read of readers) {
    const found = read(output);
    if (found) return found;
  }
  const words = lastWords(output);
  return words === undefined ? undefined : cause(words, undefined);
}

/** `thread 'main' panicked at src/main.rs:4:5:` and the message below. */
function rustPanic(output: string): Cause | undefined {
  const found = /^thread '.*' (?:\(\d+\) )?panicked at ([^\n]+?):(\d+):\d+:\n(.*)$/m.exec(output);
  return found ? cause(`panic: ${found[3]}`, `${found[1]}:${found[2]}`) : undefined;
}

/** The last `File "x.py", line 3, in f`, and the exception below it. */
function pythonTraceback(output: string): Cause | undefined {
  const at = output.lastIndexOf("Traceback (most recent call last):");
  if (at === -1) return undefined;
  const trace = output.slice(at);
  const frame = [...trace.matchAll(/^ {2}File "(.+)", line (\d+), in (.+)$/gm)].at(-1);
  const message = /^(?=\S)(?!Traceback)[\w.]+(?::.*)?$/m.exec(trace)?.[0];
  if (message === undefined) return undefined;
  return cause(message, frame && `${frame[3]} (${frame[1]!.split("/").at(-1)}:${frame[2]})`);
}

/** `Error: message` with lines `    at f (file:1:2)` below, of JavaScript and of the Java machine. */
function stackWithAt(output: string): Cause | undefined {
  const found = /^(?!\s)(.*\S)\n(?:\s*\n)?\s+at (.+)$/m.exec(output);
  if (!found) return undefined;
  const frame = found[2]!.replace(/\(?(?:file:\/\/)?(?:[^\s()]*\/)?([^/\s()]+?:\d+)(?::\d+)?\)?$/, "($1)").trim();
  return cause(found[1]!, frame);
}

const blames = /\b(?:error|failed|failure|fatal|panic|assert\w*|exception|expected|abort\w*)\b/i;
/** Says that something failed, and not what. */
const empty = /^(?:FAIL|exit status \d+|make: .*|\d+ passed, \d+ failed)$/;

/** The last line that sounds like a complaint, else the last line. */
function lastWords(output: string): string | undefined {
  const lines = output
    .slice(-64 * 1024)
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !empty.test(line));
  const last = lines.findLast((line) => blames.test(line)) ?? lines.at(-1);
  return last?.replace(/^\d{4}[/-]\d{2}[/-]\d{2}[ T]\d{2}:\d{2}:\d{2}(?:[.,]\d+)?Z? /, "");
}
