import {
  type AmbientObjects,
  forbiddenGlobals,
  forbiddenStorage,
  SimulatedBuiltins,
  simulatedNavigator,
  simulatedWebCrypto,
} from "./builtins.ts";
import { simulatedConsole } from "./console.ts";
import { forbiddenDuringRuns, forbiddenForOthersThanNode, forbiddenFunction } from "./forbidden.ts";
import { Language } from "./language.ts";
import { Lasting } from "./lasting.ts";
import { fixedLocale, type Replacement } from "./locale.ts";
import { withinModules } from "./patched-modules.ts";
import { simulatedProcess } from "./process.ts";
import { random, rewindIdle } from "./randomness.ts";
import { queueMicrotask } from "./ticks.ts";
import { simulatedDate, simulatedPerformance, simulatedTemporal, virtualDateMs, virtualNowMs } from "./time.ts";
import { clearImmediate, clearInterval, clearTimeout, setImmediate, setInterval, setTimeout } from "./timers.ts";
import { signalAfter } from "./timers-promises.ts";
import { SimulatedFinalizationRegistry, SimulatedWeakRef } from "./weak-references.ts";
import { setLanguage } from "./world.ts";

export interface Ambient {
  /** `require` for Node's built-in modules, as servers see them. */
  readonly requireBuiltin: (name: string) => unknown;
  /** Evaluates a module; see `Language.evaluate`. */
  evaluate<T>(module: () => T): T;
  /** Puts everything back as it was. */
  uninstall(): void;
}

/**
 * Gives this thread's ambient sources of time, randomness and the outside world to the simulation: from here on globals such as `setTimeout`, `Date` and `Math.random`
 * belong to whichever server's code is running, and what cannot be made to repeat fails the run that calls it. Between runs timers never fire. Our own
 * code takes what it needs of the real ones from Node's modules, which are left alone.
 *
 * The time zone is the process's (`TZ`), which a thread cannot change for itself: whoever starts the thread sets it.
 */
export function installAmbient(): Ambient {
  const lasting = new Lasting();
  const builtins = new SimulatedBuiltins(
    () => objects,
    (name, module, isStandIn) => language.learn(name, module, isStandIn),
  );
  const requireBuiltin = (name: string): unknown => builtins.require(name);
  const objects: AmbientObjects = {
    process: simulatedProcess(requireBuiltin),
    console: simulatedConsole(console),
    performance: simulatedPerformance(performance),
    crypto: simulatedWebCrypto(globalThis.crypto),
  };
  const replacements = [
    ...globals(objects),
    ...withinGlobals(),
    ...withinModules(),
    ...fixedLocale(virtualDateMs),
    ...lasting.replacements(),
  ];
  const former = [...replacements.map(replace), ...neededByAll.map(lock)];
  const language = new Language(lasting);
  setLanguage(language);
  return {
    requireBuiltin,
    evaluate(module) {
      rewindIdle();
      return language.evaluate(module);
    },
    uninstall() {
      setLanguage(undefined);
      for (const putBack of former.reverse()) putBack();
    },
  };
}

function globals(objects: AmbientObjects): Replacement[] {
  const timers = { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate, queueMicrotask };
  const weak = { WeakRef: SimulatedWeakRef, FinalizationRegistry: SimulatedFinalizationRegistry };
  const SimulatedDate = simulatedDate(Date);
  const ofSomeVersions: (readonly [name: string, value: unknown])[] = [
    ...forbiddenGlobals,
    ["localStorage", forbiddenStorage("localStorage")],
    ["sessionStorage", forbiddenStorage("sessionStorage")],
  ];
  const navigator: unknown = Reflect.get(globalThis, "navigator");
  if (navigator !== undefined) ofSomeVersions.push(["navigator", simulatedNavigator(navigator as object)]);
  const present = ofSomeVersions.filter(([name]) => name in globalThis);
  const named = [...Object.entries({ ...timers, ...objects, ...weak, Date: SimulatedDate }), ...present];
  return [...named.map(([name, value]): Replacement => [globalThis, name, value]), [Date.prototype, "constructor", SimulatedDate]];
}

/** Members of globals that stay. */
function withinGlobals(): Replacement[] {
  const replacements: Replacement[] = [
    [Math, "random", random],
    [AbortSignal, "timeout", signalAfter],
    [Event.prototype, "timeStamp", virtualNowMs],
    // The thread's pool waits for its next task in one of these.
    [Atomics, "wait", forbiddenDuringRuns("Atomics.wait", Atomics.wait as (...args: unknown[]) => unknown)],
    [Atomics, "waitAsync", forbiddenDuringRuns("Atomics.waitAsync", Reflect.get(Atomics, "waitAsync") as () => unknown)],
    [URL, "createObjectURL", forbiddenFunction("URL.createObjectURL")],
    // The pool that small buffers share would show its leftovers, and where in it they lie.
    [Buffer, "allocUnsafe", (size: number) => Buffer.alloc(size)],
    [Buffer, "allocUnsafeSlow", (size: number) => Buffer.alloc(size)],
    [Buffer, "poolSize", 0],
  ];
  for (const name of ["arrayBuffer", "bytes", "stream", "text"]) {
    if (name in Blob.prototype) replacements.push([Blob.prototype, name, forbiddenFunction(`Blob.${name}`)]);
  }
  const webAssembly = Reflect.get(globalThis, "WebAssembly") as object;
  for (const name of ["compile", "compileStreaming", "instantiate", "instantiateStreaming", "Module"]) {
    const real: unknown = Reflect.get(webAssembly, name);
    // Node's own fetch compiles its parser when a class of its family, such as Headers, is first asked for.
    if (typeof real === "function")
      replacements.push([webAssembly, name, forbiddenForOthersThanNode(`WebAssembly.${name}`, real as () => unknown)]);
  }
  const temporal: unknown = Reflect.get(globalThis, "Temporal");
  if (temporal !== undefined) replacements.push(...simulatedTemporal(temporal as Parameters<typeof simulatedTemporal>[0]));
  return replacements;
}

/** Globals without which the harness itself would not come as far as to tell that they were replaced. */
const neededByAll = [
  "Array", "ArrayBuffer", "BigInt", "DataView", "Error", "Float64Array", "Int32Array", "JSON", "Map", "Math", "Number", "Object", "Promise", "RangeError",
  "Reflect", "Set", "String", "Symbol", "TypeError", "Uint8Array", "WeakMap",
]; // biome-ignore format: a list

/** Makes an assignment to a global an error, there and then. */
function lock(name: string): () => void {
  const former = Object.getOwnPropertyDescriptor(globalThis, name)!;
  Object.defineProperty(globalThis, name, { ...former, writable: false });
  return () => void Object.defineProperty(globalThis, name, former);
}

/** Replaces a property, as a getter where it was one; returns what undoes it. */
function replace([owner, name, value]: Replacement): () => void {
  const former = Object.getOwnPropertyDescriptor(owner, name);
  const shape = { configurable: true, enumerable: former?.enumerable ?? false };
  const isGetter = former?.get !== undefined && owner !== globalThis;
  Object.defineProperty(owner, name, isGetter ? { ...shape, get: value as () => unknown } : { ...shape, value, writable: true });
  return () => {
    if (former === undefined) Reflect.deleteProperty(owner, name);
    else Object.defineProperty(owner, name, former);
  };
}
