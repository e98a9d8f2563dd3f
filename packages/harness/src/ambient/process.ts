import { EventEmitter } from "node:events";
import process from "node:process";
import { traceStream } from "./console.ts";
import { forbiddenFunction, forbiddenNamespace, frozenCopy, membersOf } from "./forbidden.ts";
import { nextTick } from "./ticks.ts";
import { simulatedHrtime, virtualNowMs } from "./time.ts";
import { currentHost, perHost, refuse } from "./world.ts";

/** What tells of this Node, the same in every run. All other data is of the real process, and undefined here. */
const harmlessData: ReadonlySet<string> = new Set(["version", "versions", "arch", "platform", "release", "features", "execPath", "config"]);

/** Functions of `process` that tell the same in every run. All others act on the real process, or tell what differs from run to run. */
const harmless: ReadonlySet<string> = new Set([
  "cwd", "getuid", "geteuid", "getgid", "getegid", "getgroups", "assert", "hasUncaughtExceptionCaptureCallback",
]); // biome-ignore format: a list

/** What a server finds as `process`: a process of its own, whose streams are the trace and whose end is a failure. Nothing of the real one is within its reach. */
export function simulatedProcess(requireBuiltin: (name: string) => unknown): object {
  const simulated = Object.create(processPrototype()) as object;
  const members: Record<string, unknown> = {};
  for (const [name, { value }] of membersOf(process)) members[name] = standIn(name, value);
  Object.assign(members, deafEmitter(simulated), {
    hrtime: simulatedHrtime,
    uptime: () => virtualNowMs() / 1000,
    stdin: undefined,
    exitCode: undefined,
    exit: function exit(code?: unknown) {
      return refuse(`called process.exit(${code === undefined ? "" : String(code)})`, "a server of a Raft runs until it is killed", exit);
    },
    emitWarning: (warning: unknown) => traceWarning(warning),
    getBuiltinModule: (name: string) => builtinOrUndefined(requireBuiltin, name),
    nextTick,
    ref() {},
    unref() {},
    setSourceMapsEnabled() {},
    // Those of the command: they differ between a run and its replay.
    argv: Object.freeze([process.execPath]),
    execArgv: Object.freeze([]),
    argv0: "node",
    title: "node",
    report: forbiddenNamespace("process.report", process.report ?? {}),
    finalization: { register() {}, registerBeforeExit() {}, unregister() {} },
  });
  for (const [name, value] of Object.entries(members)) {
    Object.defineProperty(simulated, name, { value, writable: true, configurable: true, enumerable: true });
  }
  const ownToEachServer = {
    env: perHost(() => environment({ ...process.env })),
    allowedNodeEnvironmentFlags: perHost(() => new Set(process.allowedNodeEnvironmentFlags)),
    stdout: perHost(() => traceStream("INFO", 1)),
    stderr: perHost(() => traceStream("ERRO", 2)),
    pid: () => 1000 + (currentHost()?.life.server ?? 0),
    ppid: () => 1,
  };
  for (const [name, get] of Object.entries(ownToEachServer))
    Object.defineProperty(simulated, name, { get, configurable: true, enumerable: true });
  return Object.defineProperty(simulated, Symbol.toStringTag, { value: "process", configurable: true });
}

/** As Node's, between the process and all that emits events. */
function processPrototype(): object {
  const value = Object.freeze(Object.defineProperty(() => {}, "name", { value: "process" }));
  return Object.freeze(Object.create(EventEmitter.prototype, { constructor: { value } }) as object);
}

function standIn(name: string, real: unknown): unknown {
  if (typeof real === "function") return harmless.has(name) ? real : forbiddenWithMembers(`process.${name}`, real);
  return harmlessData.has(name) ? frozenCopy(real) : undefined;
}

/** Environment variables are strings, whatever they are set to. */
function environment(variables: Record<string, unknown>): object {
  return new Proxy(variables, {
    set(_, name, value) {
      // As Node does, this throws for symbols.
      variables[`${name as string}`] = `${value as string}`;
      return true;
    },
  });
}

/** Some functions have others for members: process.memoryUsage.rss. */
function forbiddenWithMembers(name: string, real: object): object {
  const others = Object.keys(real).filter((member) => typeof Reflect.get(real, member) === "function");
  return Object.assign(
    forbiddenFunction(name),
    Object.fromEntries(others.map((member) => [member, forbiddenFunction(`${name}.${member}`)])),
  );
}

/** Nothing is ever told to listeners: what the real ones hear of is the thread's business. */
function deafEmitter(self: object): Record<string, unknown> {
  const answers: Readonly<Record<string, () => unknown>> = {
    listeners: () => [],
    rawListeners: () => [],
    eventNames: () => [],
    listenerCount: () => 0,
    getMaxListeners: () => EventEmitter.defaultMaxListeners,
    emit: () => false,
  };
  const methods = Object.getOwnPropertyNames(EventEmitter.prototype).filter(
    (name) => name !== "constructor" && typeof Reflect.get(EventEmitter.prototype, name) === "function",
  );
  return Object.fromEntries(methods.map((name) => [name, answers[name] ?? (() => self)]));
}

/** `process.getBuiltinModule` answers undefined where `require` throws. */
function builtinOrUndefined(requireBuiltin: (name: string) => unknown, name: string): unknown {
  return process.getBuiltinModule(name) === undefined ? undefined : requireBuiltin(name);
}

const warnings = perHost(() => traceStream("WARN", 2));

function traceWarning(warning: unknown): void {
  warnings().write(warning instanceof Error ? `${warning.name}: ${warning.message}` : String(warning));
}
