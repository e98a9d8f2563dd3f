import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
import { builtinModule } from "./builtin-module.ts";
import { forbiddenFunction, forbiddenNamespace, frozenCopy, refuseCall, withForbiddenMethods, withMembers } from "./forbidden.ts";
import { membersOfBuffer, membersOfDiagnosticsChannel, membersOfUtil, patchedModule } from "./patched-modules.ts";
import { randomFunctions, repeatableCrypto } from "./randomness.ts";
import { repeatableSerialization } from "./serialization.ts";
import * as timers from "./timers.ts";
import { timersPromises } from "./timers-promises.ts";

/** Modules of Node that only compute. All others are forbidden until they are known. */
const pure: ReadonlySet<string> = new Set([
  "assert", "assert/strict", "buffer", "constants", "diagnostics_channel", "events", "path", "path/posix", "path/win32", "punycode", "querystring", "stream",
  "stream/consumers", "stream/promises", "string_decoder", "sys", "url", "util", "util/types", "_stream_duplex", "_stream_passthrough", "_stream_readable",
  "_stream_transform", "_stream_writable",
]); // biome-ignore format: a list

/** Modules that can call back long after they were called, with what comes from outside of the thread, are all but these. */
const withinThread: ReadonlySet<string> = new Set([
  ...pure, "async_hooks", "console", "module", "os", "perf_hooks", "process", "timers", "timers/promises", "tty", "v8",
]); // biome-ignore format: a list

export function reachesOutside(module: string): boolean {
  return !withinThread.has(module);
}

/** What other modules have that only computes. */
const harmless: Readonly<Record<string, (member: string) => boolean>> = {
  crypto: (member) => repeatableCrypto.has(member),
  http: (member) => ["METHODS", "STATUS_CODES"].includes(member),
  module: (member) => ["builtinModules", "isBuiltin"].includes(member),
  os: (member) => ["EOL", "endianness", "devNull", "constants"].includes(member),
  "stream/web": (member) => !/^(Dec|C)ompressionStream$/.test(member),
  v8: (member) => ["deserialize", "Deserializer", "DefaultDeserializer"].includes(member),
  zlib: (member) => !isThreadPoolFunction(member),
};

/** zlib's asynchronous functions and streams work in other threads: deflate(), createGzip(), new Gzip(). */
function isThreadPoolFunction(member: string): boolean {
  return /^[a-zA-Z]/.test(member) && !/Sync$|^(crc32|codes|constants)$/.test(member);
}

export interface AmbientObjects {
  readonly process: object;
  readonly console: object;
  readonly performance: object;
  readonly crypto: object;
}

/** `require` for the built-in modules of Node, as a server sees them. Throws Node's own error for what is no built-in module. */
export class SimulatedBuiltins {
  readonly #modules = new Map<string, unknown>();
  readonly #ambient: () => AmbientObjects;
  readonly #onFirst: (name: string, module: unknown, isStandIn: boolean) => void;

  /** `onFirst` is told of each module before it is given away. */
  constructor(ambient: () => AmbientObjects, onFirst: (name: string, module: unknown, isStandIn: boolean) => void) {
    this.#ambient = ambient;
    this.#onFirst = onFirst;
  }

  require(specifier: string): unknown {
    const name = specifier.replace(/^node:/, "");
    // The old name, with which Node warns.
    if (name === "sys") return this.require("util");
    if (!this.#modules.has(name)) this.#modules.set(name, this.#first(name, specifier));
    return this.#modules.get(name);
  }

  #first(name: string, specifier: string): unknown {
    const module = this.#make(name, specifier);
    this.#onFirst(name, module, module !== builtinModule(specifier));
    return module;
  }

  #make(name: string, specifier: string): unknown {
    switch (name) {
      case "timers":
        return withMembers(this.#forbidden(name, specifier), { ...withoutHelpers(timers), promises: timersPromises });
      case "timers/promises":
        return timersPromises;
      case "process":
        return this.#ambient().process;
      case "console":
        return this.#ambient().console;
      case "perf_hooks":
        return withMembers(this.#forbidden(name, specifier), { performance: this.#ambient().performance });
      case "crypto":
        return withMembers(this.#forbidden(name, specifier), { ...randomFunctions, ...this.#webCrypto() });
      case "async_hooks":
        timers.keepAsyncContext();
        return withMembers(this.#forbidden(name, specifier), asyncContextClasses());
      case "v8":
        return withMembers(this.#forbidden(name, specifier), repeatableSerialization);
      case "tty":
        return withMembers(this.#forbidden(name, specifier), { isatty: () => false });
      case "worker_threads":
        // The thread that a server runs in is not its own, and another one in each run.
        return withMembers(this.#forbidden(name, specifier), { isMainThread: true, threadId: 0, parentPort: null, workerData: null });
      case "constants":
        return frozenCopy(builtinModule(specifier));
      case "buffer":
        return patchedModule(name, membersOfBuffer);
      case "util":
        return patchedModule(
          name,
          membersOfUtil(() => this.#ambient().console),
        );
      case "diagnostics_channel":
        return patchedModule(name, membersOfDiagnosticsChannel);
      default:
        return pure.has(name) ? builtinModule(specifier) : this.#forbidden(name, specifier);
    }
  }

  #webCrypto(): object {
    const { crypto } = this.#ambient();
    return { webcrypto: crypto, subtle: Reflect.get(crypto, "subtle") };
  }

  #forbidden(name: string, specifier: string): object {
    return forbiddenNamespace(name.replace("/promises", ".promises"), builtinModule(specifier) as object, harmless[name]);
  }
}

/** Ids of asynchronous resources count what has happened in the whole thread. */
function asyncContextClasses(): object {
  return { AsyncLocalStorage: EventLocalStorage, AsyncResource: withForbiddenMethods(AsyncResource, "asyncId", "triggerAsyncId") };
}

/** Those in use since the run began. */
const storagesOfRun = new Set<AsyncLocalStorage<unknown>>();

/** To be called when a run is over. Node keeps every storage that was ever in use, and until it is disabled each promise asks them all. */
export function disableStorages(): void {
  for (const storage of storagesOfRun) storage.disable();
  storagesOfRun.clear();
}

/** AsyncLocalStorage without `enterWith`, which would outlast its event: servers and runs share one asynchronous execution. */
class EventLocalStorage<T> extends AsyncLocalStorage<T> {
  static {
    Object.defineProperty(EventLocalStorage, "name", { value: "AsyncLocalStorage" });
  }

  #running = 0;

  override run<R, A extends unknown[]>(store: T, callback: (...args: A) => R, ...args: A): R {
    storagesOfRun.add(this);
    this.#running++;
    try {
      return super.run(store, callback, ...args);
    } finally {
      this.#running--;
    }
  }

  /** Newer versions of Node call it in `run`, which takes it back. */
  override enterWith(store: T): void {
    if (this.#running === 0) refuseCall("AsyncLocalStorage.enterWith", this.enterWith);
    super.enterWith(store);
  }
}

function withoutHelpers({ setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate }: typeof timers): object {
  return { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate };
}

/** The global `crypto`. */
export function simulatedWebCrypto(real: object): object {
  const { getRandomValues, randomUUID } = randomFunctions;
  const subtle = forbiddenNamespace("crypto.subtle", Reflect.get(real, "subtle") as object);
  return withMembers(forbiddenNamespace("crypto", real), { getRandomValues, randomUUID, subtle });
}

/** `navigator`, which Node has from version 21 on, without what tells of the machine. */
export function simulatedNavigator(real: object): object {
  const { platform, userAgent } = real as { platform: string; userAgent: string };
  return {
    hardwareConcurrency: 1,
    language: "en-US",
    languages: Object.freeze(["en-US"]),
    platform,
    userAgent,
    locks: forbiddenNamespace("navigator.locks", lockManager),
  };
}

const lockManager = { request() {}, query() {} };

/** `localStorage` and `sessionStorage`, which Node has from version 22 on. */
export function forbiddenStorage(name: string): object {
  return forbiddenNamespace(name, { getItem() {}, setItem() {}, removeItem() {}, clear() {}, key() {} });
}

/** Globals that reach outside of the thread. */
export const outsideGlobals = [
  "fetch", "WebSocket", "EventSource", "MessageChannel", "BroadcastChannel", "Worker", "CompressionStream", "DecompressionStream", "Request", "Response", "File",
  "PerformanceObserver",
]; // biome-ignore format: a list

/** Globals that reach outside of the run, or show what differs from run to run on one machine. */
export const forbiddenGlobals = [...outsideGlobals, "PerformanceMark", "gc"].map((name) => [name, forbiddenFunction(name)] as const);
