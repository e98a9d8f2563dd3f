import { Console } from "node:console";
import { Writable } from "node:stream";
import { forbiddenFunction, membersOf } from "./forbidden.ts";
import { virtualNowMs } from "./time.ts";
import { currentHost, currentWorld, perHost, refuse } from "./world.ts";

/** Characters that one life of a server may write. More fills memory and disk, and nobody reads it. */
const maxCharacters = 10_000_000;

const output = perHost(() => ({ characters: 0 }));

/** The limit counts whether or not a trace is recorded: recording changes nothing. */
function count(characters: number, caller: (...args: never[]) => unknown): void {
  const written = output();
  written.characters += characters;
  if (written.characters < maxCharacters || currentHost()?.life.alive !== true) return;
  written.characters = 0;
  refuse(`wrote ${maxCharacters / 1e6} MB to the console`, "a run's trace is for reading", caller);
}

/** What is written goes into the run's trace, as lines of the server that wrote it. */
function write(topic: string, text: string): void {
  const host = currentHost();
  if (host === undefined || !host.life.alive || currentWorld()?.aside) return;
  currentWorld()?.trace.line(topic, host.life.server, text.replace(/\n$/, ""));
}

/** What a server finds as `process.stdout` or `process.stderr`: a stream that is no terminal. */
export function traceStream(topic: string, fd: number): Writable {
  const stream = new Writable({
    decodeStrings: false,
    write(chunk: string | Uint8Array, _encoding, done) {
      const text = typeof chunk === "string" ? chunk : Buffer.from(chunk).toString();
      count(text.length, stream.write);
      write(topic, text);
      done();
    },
  });
  return Object.assign(stream, { fd, isTTY: false, columns: 80, rows: 24, getColorDepth: () => 1, hasColors: () => false });
}

/** As much of a stream as a console asks of it. */
function sink(topic: string): NodeJS.WritableStream {
  const stream = { write: (text: string) => write(topic, text), on() {}, once() {}, removeListener() {}, listenerCount: () => 0 };
  return stream as unknown as NodeJS.WritableStream;
}

/** Methods that only write: while no trace is recorded there is nothing to format but what may run code. */
const writers: ReadonlySet<string> = new Set(["log", "info", "debug", "warn", "error", "trace", "dir", "dirxml", "table", "assert"]);

type Method = (...args: unknown[]) => unknown;
type Methods = Record<string, Method | undefined>;

/** What one server writes with: groups, counters and stopwatches are its own. */
function consoleOfServer(): Methods {
  const make = (topic: string) => new Console({ stdout: sink("INFO"), stderr: sink(topic), colorMode: false });
  const own = make("ERRO");
  const starts = new Map<string, number>();
  const elapsed = (label: string): string => `${label}: ${(virtualNowMs() - (starts.get(label) ?? virtualNowMs())).toFixed(3)}ms`;
  const simulated = Object.assign(own, {
    time: (label = "default") => void (starts.has(label) || starts.set(label, virtualNowMs())),
    timeLog: (label = "default", ...data: unknown[]) => own.log(elapsed(label), ...data),
    timeEnd(label = "default") {
      own.log(elapsed(label));
      starts.delete(label);
    },
  });
  const group = own.group.bind(own);
  const groupEnd = own.groupEnd.bind(own);
  const warnings = make("WARN");
  Object.assign(own, {
    warn: warnings.warn,
    group(...labels: unknown[]) {
      group(...labels);
      warnings.group();
    },
    groupEnd() {
      groupEnd();
      warnings.groupEnd();
    },
  });
  return Object.assign(simulated, { groupCollapsed: simulated.group }) as unknown as Methods;
}

/** A console that writes into the run's trace: warnings as WARN, errors as ERRO, all else as INFO. */
export function simulatedConsole(real: object): object {
  const ofServer = perHost(consoleOfServer);
  const simulated: Methods = {};
  for (const [name, { value }] of membersOf(real)) {
    if (typeof value !== "function" || name.startsWith("_")) continue;
    if (writers.has(name)) simulated[name] = writer(name, ofServer);
    else simulated[name] = (...args) => ofServer()[name]?.(...args);
  }
  // These speak to a debugger that looks at the thread.
  for (const name of ["profile", "profileEnd", "timeStamp", "context"]) simulated[name] = () => undefined;
  simulated.createTask = () => ({ run: (task: () => unknown) => task() });
  return { ...simulated, Console: forbiddenFunction("console.Console") };
}

function writer(name: string, ofServer: () => Methods): Method {
  return function write(...args) {
    // An estimate that costs little: formatting tells the truth.
    let characters = 1;
    let mayRunCode = false;
    for (const arg of args) {
      characters += typeof arg === "string" ? arg.length : 16;
      if (typeof arg === "object" || typeof arg === "function") mayRunCode = true;
    }
    count(characters, write);
    // An object may say itself how it is shown, and that must happen in a run without a trace too, or it would be another one.
    if (mayRunCode || currentWorld()?.trace.debugOn) ofServer()[name]!(...args);
  };
}
