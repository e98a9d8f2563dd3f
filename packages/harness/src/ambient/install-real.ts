import process from "node:process";
import nodeTimers from "node:timers";
import nodeTimersPromises from "node:timers/promises";
import { promisify } from "node:util";
import { doWithoutScopes, needScopes } from "../sim/real-scope.ts";
import { catchStraysForGood } from "../sim/strays.ts";
import { builtinModule } from "./builtin-module.ts";
import { outsideGlobals, reachesOutside } from "./builtins.ts";
import { simulatedConsole, traceStream } from "./console.ts";
import { withMembers } from "./forbidden.ts";
import type { Ambient } from "./install.ts";
import { endThread, SharedLanguage } from "./shared-language.ts";
import * as ofServer from "./timers.ts";
import { signalAfter, timersPromises } from "./timers-promises.ts";
import { currentHost, perHost, refuse } from "./world.ts";

/**
 * What a thread needs for code under test on the real clock: time, randomness and the outside world are Node's own. The console belongs to the trace of
 * whichever run's code is running, timers are events of whichever server set them, which run in real time, die with it and share the wake-ups of the
 * thread; what old runs leave behind is caught between runs too, and what is done to the language. For the life of the thread.
 */
export function installForRealClock(): Pick<Ambient, "requireBuiltin" | "evaluate"> {
  catchStraysForGood();
  const language = new SharedLanguage();
  const ofRuns = simulatedConsole(console);
  const timers = timersOfServers();
  for (const [name, value] of Object.entries({ console: ofRuns, ...timers })) define(globalThis, name, { value, writable: true });
  const realSignalAfter = AbortSignal.timeout.bind(AbortSignal);
  define(AbortSignal, "timeout", { value: byCaller(signalAfter, realSignalAfter), writable: true });
  for (const [owner, name, value] of language.replacements()) define(owner, name, { value, writable: true });
  keepAlive();
  printIntoTraces();
  doWithoutScopes();
  watchForTheOutside();
  language.watch(endThread);
  const promises = timersPromisesOfServers();
  const requireBuiltin = (name: string): unknown => {
    switch (name.replace(/^node:/, "")) {
      case "console":
        return ofRuns;
      case "timers":
        return withMembers({ ...nodeTimers }, { ...timers, promises });
      case "timers/promises":
        return promises;
      case "async_hooks":
        ofServer.keepAsyncContext();
        return builtinModule(name);
      default:
        if (reachesOutside(name.replace(/^node:/, ""))) needScopes();
        return builtinModule(name);
    }
  };
  return { requireBuiltin, evaluate: (module) => language.evaluate(module) };
}

type Anything = (...args: never[]) => unknown;

/** Code of a server gets its own timers; all else, such as what a server has left to Node's input and output when nobody asks whose it is, Node's. */
function byCaller<F extends Anything>(servers: F, nodes: Anything): F {
  return ((...args: never[]) => (currentHost() === undefined ? nodes : servers)(...args)) as F;
}

function timersOfServers(): object {
  const { setTimeout, setInterval, setImmediate } = ofServer;
  // A number is a timer's among those of its server only.
  const either = (servers: (timer?: unknown) => void, nodes: (timer: never) => void) => (timer?: unknown) => {
    servers(timer);
    if (typeof timer === "object" || currentHost() === undefined) nodes(timer as never);
  };
  const promises = timersPromisesOfServers();
  return {
    setTimeout: Object.assign(byCaller(setTimeout, nodeTimers.setTimeout), { [promisify.custom]: promises.setTimeout }),
    setInterval: byCaller(setInterval, nodeTimers.setInterval),
    setImmediate: Object.assign(byCaller(setImmediate, nodeTimers.setImmediate), { [promisify.custom]: promises.setImmediate }),
    clearTimeout: either(ofServer.clearTimeout, nodeTimers.clearTimeout),
    clearInterval: either(ofServer.clearInterval, nodeTimers.clearInterval),
    clearImmediate: either(ofServer.clearImmediate, nodeTimers.clearImmediate),
  };
}

function timersPromisesOfServers(): typeof timersPromises {
  const { scheduler } = nodeTimersPromises;
  return {
    setTimeout: byCaller(timersPromises.setTimeout, nodeTimersPromises.setTimeout),
    setImmediate: byCaller(timersPromises.setImmediate, nodeTimersPromises.setImmediate),
    setInterval: byCaller(timersPromises.setInterval, nodeTimersPromises.setInterval),
    scheduler: {
      wait: byCaller(timersPromises.scheduler.wait, scheduler.wait.bind(scheduler)),
      yield: byCaller(timersPromises.scheduler.yield, scheduler.yield.bind(scheduler)),
    },
  };
}

/** What would end the thread, or the whole command, fails the run of the server that calls it; so does what reaches into all that the thread has open. */
function keepAlive(): void {
  const runsOn = "a server of a Raft runs until it is killed";
  const shares = "the thread belongs to other runs, too";
  const calls = { exit: runsOn, reallyExit: runsOn, abort: runsOn, kill: runsOn, _getActiveHandles: shares, _getActiveRequests: shares };
  for (const [name, why] of Object.entries(calls)) {
    const real = Reflect.get(process, name) as Anything;
    const refused = (...args: never[]) => refuse(`called process.${name}(${args.map(String).join(", ")})`, why, standIn);
    const standIn = byCaller(refused, real.bind(process));
    define(process, name, { value: standIn, writable: true });
  }
}

/** What servers write to the standard streams goes where the console's lines go. */
function printIntoTraces(): void {
  for (const [name, topic, fd] of [
    ["stdout", "INFO", 1],
    ["stderr", "ERRO", 2],
  ] as const) {
    const real = process[name];
    const ofRun = perHost(() => traceStream(topic, fd));
    define(process, name, { get: () => (currentHost() === undefined ? real : ofRun()) });
  }
}

/** The first use of anything by which code can be called back from outside of the thread makes it known. */
function watchForTheOutside(): void {
  const { WebAssembly } = globalThis as unknown as { WebAssembly: object };
  const owners: [owner: object, names: readonly string[]][] = [
    [globalThis, [...outsideGlobals, "Blob"]],
    [Object.getPrototypeOf(crypto) as object, ["subtle"]],
    [Atomics, ["waitAsync"]],
    [FinalizationRegistry.prototype, ["register"]],
    [WebAssembly, ["compile", "compileStreaming", "instantiate", "instantiateStreaming"]],
  ];
  for (const [owner, names] of owners) for (const name of names) if (Object.hasOwn(owner, name)) watchForUse(owner, name);
}

function watchForUse(owner: object, name: string): void {
  const former = Object.getOwnPropertyDescriptor(owner, name)!;
  define(owner, name, {
    get(this: unknown) {
      needScopes();
      define(owner, name, former);
      return Reflect.get(owner, name, this) as unknown;
    },
    // As an assignment does to what stands there now.
    set: (value: unknown) => define(owner, name, { value, writable: true }),
  });
}

function define(owner: object, name: string, descriptor: PropertyDescriptor): void {
  const { enumerable = false } = Object.getOwnPropertyDescriptor(owner, name) ?? {};
  defineProperty(owner, name, { ...descriptor, enumerable, configurable: true });
}

// Stand-ins take its place.
const { defineProperty } = Reflect;
