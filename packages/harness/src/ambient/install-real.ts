import process from "node:process";
import nodeTimers from "node:timers";
import nodeTimersPromises from "node:timers/promises";
import { promisify } from "node:util";
import { doWithoutScopes, needScopes } from "../sim/real-scope.ts";
import { catchStraysForGood } from "../sim/strays.ts";
import { builtinModule } from "./builtin-module.ts";
import { outsideGlobals, reachesOutside } from "./builtins.ts";
import { simulatedConsole } from "./console.ts";
import { withMembers } from "./forbidden.ts";
import * as ofServer from "./timers.ts";
import { signalAfter, timersPromises } from "./timers-promises.ts";
import { currentHost, refuse } from "./world.ts";

/**
 * What a thread needs for code under test on the real clock: time, randomness and the outside world are Node's own. The console belongs to the trace of
 * whichever run's code is running, timers are events of whichever server set them, which run in real time, die with it and share the wake-ups of the
 * thread; what old runs leave behind is caught between runs too. For the life of the thread. Returns `require` for Node's modules.
 */
export function installForRealClock(): (name: string) => unknown {
  catchStraysForGood();
  const ofRuns = simulatedConsole(console);
  const timers = timersOfServers();
  for (const [name, value] of Object.entries({ console: ofRuns, ...timers })) define(globalThis, name, { value, writable: true });
  const realSignalAfter = AbortSignal.timeout.bind(AbortSignal);
  define(AbortSignal, "timeout", { value: byCaller(signalAfter, realSignalAfter), writable: true });
  keepAlive();
  doWithoutScopes();
  watchForTheOutside();
  const promises = timersPromisesOfServers();
  return (name) => {
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

/** What would end the thread, or the whole command, ends the run of the server that calls it. */
function keepAlive(): void {
  for (const name of ["exit", "reallyExit", "abort", "kill"]) {
    const real = Reflect.get(process, name) as Anything;
    const refused = (...args: never[]) =>
      refuse(`called process.${name}(${args.map(String).join(", ")})`, "a server of a Raft runs until it is killed", standIn);
    const standIn = byCaller(refused, real.bind(process));
    define(process, name, { value: standIn, writable: true });
  }
}

/** The first use of anything by which code can be called back from outside of the thread makes it known. */
function watchForTheOutside(): void {
  for (const name of [...outsideGlobals, "Blob", "FinalizationRegistry", "WebAssembly"])
    if (name in globalThis) watchForUse(globalThis, name);
  watchForUse(Object.getPrototypeOf(crypto) as object, "subtle");
  if ("waitAsync" in Atomics) watchForUse(Atomics, "waitAsync");
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
  Object.defineProperty(owner, name, { ...descriptor, enumerable, configurable: true });
}
