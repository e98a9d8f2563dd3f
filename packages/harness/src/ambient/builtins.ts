import nodeCrypto from "node:crypto";
import { createRequire } from "node:module";
import { forbiddenNamespace } from "./forbidden.ts";
import { randomFunctions, unsimulatedCrypto } from "./randomness.ts";
import * as timers from "./timers.ts";
import { timersPromises } from "./timers-promises.ts";

const realRequire = createRequire(import.meta.url);

/** Modules of Node that reach outside of the run. */
const outside = new Set([
  "child_process", "cluster", "dgram", "dns", "dns/promises", "fs", "fs/promises", "http", "http2", "https", "inspector", "inspector/promises", "module",
  "net", "readline", "readline/promises", "repl", "sea", "sqlite", "test", "tls", "trace_events", "v8", "vm", "wasi", "worker_threads",
]); // biome-ignore format: a list

/** What of a module that reaches outside is as good inside. */
const harmless: Readonly<Record<string, (member: string) => boolean>> = {
  os: (member) => ["EOL", "endianness", "devNull", "constants"].includes(member),
  v8: (member) => ["serialize", "deserialize", "Serializer", "Deserializer", "DefaultSerializer", "DefaultDeserializer"].includes(member),
  zlib: (member) => !isThreadPoolFunction(member),
  crypto: (member) => !unsimulatedCrypto.has(member),
  module: (member) => ["builtinModules", "isBuiltin"].includes(member),
  http: (member) => ["METHODS", "STATUS_CODES"].includes(member),
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

  constructor(ambient: () => AmbientObjects) {
    this.#ambient = ambient;
  }

  require(specifier: string): unknown {
    const name = specifier.replace(/^node:/, "");
    if (!this.#modules.has(name)) this.#modules.set(name, this.#make(name, specifier));
    return this.#modules.get(name);
  }

  #make(name: string, specifier: string): unknown {
    switch (name) {
      case "timers":
        return { ...withoutHelpers(timers), promises: timersPromises };
      case "timers/promises":
        return timersPromises;
      case "process":
        return this.#ambient().process;
      case "console":
        return this.#ambient().console;
      case "perf_hooks":
        return { ...forbiddenNamespace("perf_hooks", realRequire("node:perf_hooks") as object), performance: this.#ambient().performance };
      case "crypto":
        return { ...forbiddenNamespace("crypto", nodeCrypto, harmless.crypto), ...randomFunctions, ...this.#webCrypto() };
      default:
        return this.#real(name, specifier);
    }
  }

  #webCrypto(): object {
    const { crypto } = this.#ambient();
    return { webcrypto: crypto, subtle: Reflect.get(crypto, "subtle") };
  }

  #real(name: string, specifier: string): unknown {
    const real: unknown = realRequire(specifier);
    const shown = name.replace("/promises", ".promises");
    if (outside.has(name) || harmless[name] !== undefined) return forbiddenNamespace(shown, real as object, harmless[name]);
    return real;
  }
}

function withoutHelpers({ setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate }: typeof timers): object {
  return { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate };
}

/** The global `crypto`. */
export function simulatedWebCrypto(real: object): object {
  const { getRandomValues, randomUUID } = randomFunctions;
  const subtle = forbiddenNamespace("crypto.subtle", Object.getPrototypeOf(Reflect.get(real, "subtle")) as object);
  return { getRandomValues, randomUUID, subtle };
}

/** Globals that reach outside of the run, or show what differs from run to run on one machine. */
export const forbiddenGlobals = [
  "fetch", "WebSocket", "EventSource", "MessageChannel", "BroadcastChannel", "Worker", "WeakRef", "FinalizationRegistry", "CompressionStream",
  "DecompressionStream",
]; // biome-ignore format: a list
