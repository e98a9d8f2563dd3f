import { EventEmitter } from "node:events";
import process from "node:process";
import { traceStream } from "./console.ts";
import { forbiddenFunction } from "./forbidden.ts";
import { simulatedHrtime, virtualNowMs } from "./time.ts";
import { currentHost, refuse } from "./world.ts";

/** Functions of `process` that act on the real process, or tell of it what differs from machine to machine and from run to run. */
const forbidden = [
  "abort", "binding", "chdir", "cpuUsage", "dlopen", "disconnect", "initgroups", "kill", "loadEnvFile", "memoryUsage", "reallyExit", "resourceUsage",
  "send", "setegid", "seteuid", "setgid", "setgroups", "setuid", "umask", "_debugProcess", "_kill", "_linkedBinding", "availableMemory",
  "constrainedMemory", "getActiveResourcesInfo", "threadCpuUsage", "execve",
]; // biome-ignore format: a list

/** What a server finds as `process`: a process of its own, whose streams are the trace and whose end is a failure. */
export function simulatedProcess(requireBuiltin: (name: string) => unknown): object {
  const simulated = Object.create(process);
  const members: Record<string, unknown> = {
    hrtime: simulatedHrtime,
    uptime: () => virtualNowMs() / 1000,
    stdout: traceStream("INFO"),
    stderr: traceStream("ERRO"),
    stdin: undefined,
    exitCode: undefined,
    exit: (code?: unknown) =>
      refuse(`called process.exit(${code === undefined ? "" : String(code)})`, "a server of a Raft runs until it is killed"),
    emitWarning: (warning: unknown) => traceWarning(warning),
    getBuiltinModule: requireBuiltin,
    nextTick: process.nextTick.bind(process),
  };
  for (const name of forbidden) {
    if (typeof Reflect.get(process, name) === "function") members[name] = forbiddenFunction(`process.${name}`);
  }
  // Nothing is ever told to listeners: what the real ones hear of is the thread's business.
  const inert: Record<string, unknown> = {
    listeners: [],
    rawListeners: [],
    eventNames: [],
    listenerCount: 0,
    getMaxListeners: 0,
    emit: false,
  };
  for (const name of Object.getOwnPropertyNames(EventEmitter.prototype)) {
    if (name === "constructor" || typeof Reflect.get(EventEmitter.prototype, name) !== "function") continue;
    members[name] = () => inert[name] ?? simulated;
  }
  for (const [name, value] of Object.entries(members)) {
    Object.defineProperty(simulated, name, { value, writable: true, configurable: true, enumerable: true });
  }
  // Each server is a process of its own.
  Object.defineProperty(simulated, "pid", { get: () => 1000 + (currentHost()?.life.server ?? 0) });
  Object.defineProperty(simulated, "ppid", { value: 1 });
  return simulated;
}

function traceWarning(warning: unknown): void {
  const stream = traceStream("WARN") as { write(text: string): void };
  stream.write(warning instanceof Error ? `${warning.name}: ${warning.message}` : String(warning));
}
