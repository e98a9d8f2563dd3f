import { builtinModules, createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import { runServer, type Server, withAmbient } from "../support/ambient.ts";

const realRequire = createRequire(import.meta.url);

/** Calls `deed` as a server does; returns the failure of its run. */
async function failureOf(deed: (server: Server) => unknown) {
  return (await runServer((server) => new Promise<never>(() => void setTimeout(() => deed(server), 5)))).error;
}

const globalCalls: Record<string, () => unknown> = {
  "fetch()": () => fetch("http://127.0.0.1"),
  "new WebSocket()": () => new WebSocket("ws://127.0.0.1"),
  "new MessageChannel()": () => new MessageChannel(),
  "new BroadcastChannel()": () => new BroadcastChannel("x"),
  "new Response()": () => new Response("x"),
  "new File()": () => new File([], "x"),
  "new PerformanceMark()": () => Reflect.construct(PerformanceMark, ["x"]),
  "Atomics.wait()": () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1),
  "Atomics.waitAsync()": () =>
    (Reflect.get(Atomics, "waitAsync") as (...args: unknown[]) => unknown)(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1),
  "WebAssembly.compile()": () => globalWebAssembly().compile!(new Uint8Array(8)),
  "WebAssembly.instantiate()": () => globalWebAssembly().instantiate!(new Uint8Array(8)),
  "new WebAssembly.Module()": () => Reflect.construct(globalWebAssembly().Module!, [new Uint8Array(8)]),
  "URL.createObjectURL()": () => URL.createObjectURL(new Blob([])),
  "Blob.text()": () => new Blob(["x"]).text(),
  "Blob.arrayBuffer()": () => new Blob(["x"]).arrayBuffer(),
  "process.kill()": () => process.kill(1),
  "process.abort()": () => process.abort(),
  "process.chdir()": () => process.chdir("/"),
  "process.memoryUsage()": () => process.memoryUsage(),
  "process.memoryUsage.rss()": () => process.memoryUsage.rss(),
  "process.cpuUsage()": () => process.cpuUsage(),
  "process.report.writeReport()": () => process.report?.writeReport(),
  "process.exit(3)": () => process.exit(3),
  "process.exit()": () => process.exit(),
  "performance.eventLoopUtilization()": () => performance.eventLoopUtilization(),
};

function globalWebAssembly(): Record<string, (...args: unknown[]) => unknown> {
  return Reflect.get(globalThis, "WebAssembly") as Record<string, (...args: unknown[]) => unknown>;
}

// biome-ignore lint/suspicious/noExplicitAny: a module as code without types sees it
type Loose = any;

const moduleCalls: Record<string, [module: string, call: (it: Loose) => unknown]> = {
  "fs.readFileSync()": ["node:fs", (fs) => fs.readFileSync("/etc/hostname")],
  "fs.promises.readFile()": ["fs", (fs) => fs.promises.readFile("/etc/hostname")],
  "fs.promises.writeFile() of fs/promises": ["fs/promises", (fs) => fs.writeFile("/tmp/x", "")],
  "new fs.ReadStream()": ["fs", (fs) => new fs.ReadStream("/etc/hostname")],
  "new buffer.File()": ["buffer", (buffer) => new buffer.File([], "x")],
  "util.aborted()": ["util", (util) => util.aborted(AbortSignal.timeout(1), {})],
  "diagnostics_channel.subscribe()": ["diagnostics_channel", (dc) => dc.subscribe("x", () => {})],
  "diagnostics_channel.Channel.subscribe()": ["diagnostics_channel", (dc) => dc.channel("x").subscribe(() => {})],
  "diagnostics_channel.TracingChannel.subscribe()": ["diagnostics_channel", (dc) => dc.tracingChannel("x").subscribe({ start() {} })],
  "diagnostics_channel.Channel.bindStore()": ["diagnostics_channel", (dc) => dc.channel("x").bindStore({})],
  "EventEmitterAsyncResource.asyncId()": ["events", (events) => new events.EventEmitterAsyncResource({ name: "x" }).asyncId],
  "EventEmitterAsyncResource.triggerAsyncId()": ["events", (events) => new events.EventEmitterAsyncResource({ name: "x" }).triggerAsyncId],
  "EventEmitterAsyncResource.asyncId() of its resource": [
    "events",
    (events) => new events.EventEmitterAsyncResource({ name: "x" }).asyncResource.asyncId(),
  ],
  "net.connect()": ["net", (net) => net.connect(1)],
  "new net.Socket()": ["net", (net) => new net.Socket()],
  "http.globalAgent.destroy()": ["http", (http) => http.globalAgent.destroy()],
  "dgram.createSocket()": ["dgram", (dgram) => dgram.createSocket("udp4")],
  "dns.lookup()": ["dns", (dns) => dns.lookup("localhost", () => {})],
  "child_process.spawn()": ["child_process", (childProcess) => childProcess.spawn("true")],
  "new worker_threads.Worker()": ["worker_threads", (threads) => new threads.Worker("x")],
  "worker_threads.receiveMessageOnPort()": ["worker_threads", (threads) => threads.receiveMessageOnPort()],
  "cluster.fork()": ["cluster", (cluster) => cluster.fork()],
  "os.cpus()": ["os", (os) => os.cpus()],
  "vm.runInThisContext()": ["vm", (vm) => vm.runInThisContext("1")],
  "v8.getHeapStatistics()": ["v8", (v8) => v8.getHeapStatistics()],
  "zlib.gzip()": ["zlib", (zlib) => zlib.gzip("x", () => {})],
  "zlib.createGzip()": ["zlib", (zlib) => zlib.createGzip()],
  "readline.createInterface()": ["readline", (readline) => readline.createInterface({})],
  "perf_hooks.monitorEventLoopDelay()": ["perf_hooks", (hooks) => hooks.monitorEventLoopDelay()],
  "module.createRequire()": ["module", (module) => module.createRequire("/")],
  "inspector.open()": ["inspector", (inspector) => inspector.open()],
  "domain.create()": ["domain", (domain) => domain.create()],
  "new tty.WriteStream()": ["tty", (tty) => new tty.WriteStream(1)],
  "async_hooks.createHook()": ["async_hooks", (hooks) => hooks.createHook({})],
  "AsyncLocalStorage.enterWith()": ["async_hooks", (hooks) => new hooks.AsyncLocalStorage().enterWith(1)],
  "AsyncResource.asyncId()": ["async_hooks", (hooks) => new hooks.AsyncResource("x").asyncId()],
  "new CompressionStream() of stream/web": ["stream/web", (web) => new web.CompressionStream("gzip")],
};

describe("a call that cannot be made to repeat fails the run with its name, its event and its line", () => {
  for (const [name, call] of Object.entries(globalCalls)) {
    const [global] = name.replace("new ", "").split(/[.(]/);
    if (global! in globalThis) test(name, async () => expectFailure(name, await failureOf(call)));
  }
  for (const [name, [module, call]] of Object.entries(moduleCalls)) {
    test(name, async () => {
      const failure = await failureOf(({ ambient }) => call(ambient.requireBuiltin(module) as Loose));
      expectFailure(name.replace(/ of .*/, "").replace("new Compr", "new stream/web.Compr"), failure);
    });
  }

  function expectFailure(name: string, failure: Awaited<ReturnType<typeof failureOf>>): void {
    expect(failure?.message).toContain(`S0 called ${name}: `);
    // The first line after the message is the caller's.
    expect(failure?.stack?.split("\n").find((line) => line.startsWith("    at "))).toContain("forbidden.test.ts");
  }

  test("digits in the name of a call stay in the cause by which failures are grouped", async () => {
    const failure = await failureOf(({ ambient }) => (ambient.requireBuiltin("v8") as typeof import("node:v8")).getHeapStatistics());
    expect(failure?.details).toMatchObject({ cause: expect.stringMatching(/^called v8\.getHeapStatistics\(\): /) as unknown });
  });

  test("also when the code catches what is thrown", async () => {
    const failure = await failureOf(() => {
      try {
        process.exit(1);
      } catch {
        return "went on";
      }
    });
    expect(failure?.message).toContain("S0 called process.exit(1): ");
    expect(failure?.details).toMatchObject({ server: 0, cause: expect.stringContaining("called process.exit(#)") as unknown });
  });
});

describe("modules", () => {
  const names = builtinModules.filter(
    (name) => !/^(node:)?(wasi|sea|sqlite|test|test\/reporters|trace_events|repl|punycode|ffi|sys|quic|_stream_wrap)$/.test(name),
  );

  test("all can be imported, and have every member that the real one has", async () => {
    await withAmbient(({ requireBuiltin }) => {
      for (const name of names) {
        const simulated = requireBuiltin(name) as object;
        for (const key of Object.keys(realRequire(name) as object)) {
          if (name === "process" && /^_/.test(key)) continue;
          expect(key in simulated, `${name}.${key}`).toBe(true);
        }
        if (name !== "process") expect(requireBuiltin(`node:${name}`)).toBe(simulated);
      }
    });
  });

  /** Members that are the real ones, in modules that are not simulated as a whole. */
  test("of those that reach outside, nothing real is left but data and what only computes", async () => {
    const known: Record<string, string[]> = {
      async_hooks: [],
      module: ["isBuiltin"],
      os: ["EOL", "devNull", "endianness"],
    };
    await withAmbient(({ requireBuiltin }) => {
      const outside = [
        "async_hooks",
        "child_process",
        "cluster",
        "dgram",
        "dns",
        "dns/promises",
        "fs",
        "fs/promises",
        "http",
        "http2",
        "https",
        "inspector",
        "module",
        "net",
        "os",
        "perf_hooks",
        "readline",
        "tls",
        "tty",
        "v8",
        "vm",
        "worker_threads",
        "_http_agent",
        "_tls_wrap",
      ];
      for (const name of outside) {
        const real = realRequire(name) as Record<string, unknown>;
        const simulated = requireBuiltin(name) as Record<string, unknown>;
        const same = Object.keys(real).filter(
          (key) => simulated[key] === real[key] && (typeof real[key] === "function" || known[name]?.includes(key)),
        );
        if (name === "v8") expect(same.every((key) => /erialize/.test(key))).toBe(true);
        else expect(same.toSorted(), name).toEqual(known[name] ?? []);
        // What is an object with methods of its class, such as a port, an agent or a resolver, is none of the real ones.
        for (const key of Object.keys(real)) {
          const value = real[key];
          if (typeof value !== "object" || value === null || Array.isArray(value)) continue;
          if (Object.getPrototypeOf(value) !== Object.prototype && Object.getPrototypeOf(value) !== null)
            expect(simulated[key], `${name}.${key}`).not.toBe(value);
        }
      }
    });
  });

  test("the thread of a server is nobody's business", async () => {
    await withAmbient(({ requireBuiltin }) => {
      expect(requireBuiltin("worker_threads")).toMatchObject({ isMainThread: true, threadId: 0, parentPort: null, workerData: null });
    });
  });

  test("what only computes works", async () => {
    const { value, error } = await runServer(async ({ ambient }) => {
      const get = <T>(name: string): T => ambient.requireBuiltin(name) as T;
      const { EventEmitter, once, on } = get<typeof import("node:events")>("node:events");
      const emitter = new EventEmitter();
      setTimeout(() => emitter.emit("said", 1), 5);
      const first = await once(emitter, "said", { signal: AbortSignal.timeout(50) });
      const aborted = await once(emitter, "never", { signal: AbortSignal.timeout(50) }).catch((error: Error) => [
        error.name,
        (error.cause as Error).name,
      ]);
      setTimeout(() => emitter.emit("said", 2), 5);
      for await (const [said] of on(emitter, "said")) {
        first.push(said);
        break;
      }
      const { Readable, pipeline, PassThrough } = get<typeof import("node:stream")>("stream");
      const chunks: unknown[] = [];
      await new Promise((done) =>
        pipeline(
          Readable.from(["a", "b"]),
          new PassThrough({ objectMode: true }).on("data", (chunk) => chunks.push(chunk)),
          done,
        ),
      );
      const zlib = get<typeof import("node:zlib")>("zlib");
      const text = zlib.gunzipSync(zlib.gzipSync("squeezed")).toString();
      const { AsyncResource } = get<typeof import("node:async_hooks")>("async_hooks");
      const bound = new AsyncResource("x").runInAsyncScope(() => "in scope");
      const { Socket } = get<typeof import("node:net")>("net");
      class NeverMade extends Socket {}
      return [
        first,
        aborted,
        chunks,
        text,
        bound,
        typeof NeverMade,
        get<typeof import("node:path")>("path").join("a", "..", "b"),
        get<typeof import("node:os")>("os").EOL,
      ];
    });
    expect(error).toBeUndefined();
    expect(value).toEqual([[1, 2], ["AbortError", "TimeoutError"], ["a", "b"], "squeezed", "in scope", "function", "b", "\n"]);
  });

  test("what computes beside what is forbidden works", async () => {
    const { value, error } = await runServer(async ({ ambient }) => {
      const get = <T>(name: string): T => ambient.requireBuiltin(name) as T;
      const { channel, hasSubscribers } = get<typeof import("node:diagnostics_channel")>("diagnostics_channel");
      channel("x").publish(1);
      const { EventEmitterAsyncResource } = get<typeof import("node:events")>("events");
      const heard: unknown[] = [];
      new EventEmitterAsyncResource({ name: "x" }).on("said", (what) => heard.push(what)).emit("said", 1);
      const util = get<typeof import("node:util")>("util");
      util.getSystemErrorMap().clear();
      await new Promise((resolve) => setTimeout(resolve, 5));
      return [
        [channel("x").hasSubscribers, hasSubscribers("x"), heard, util.getSystemErrorMap().size > 0],
        [util.isDeepStrictEqual([1], [1]), get("sys") === util, get<typeof import("node:buffer")>("buffer").Buffer === Buffer],
        { ...performance.nodeTiming.toJSON(), toJSON: undefined, uvMetricsInfo: undefined },
      ];
    });
    expect(error).toBeUndefined();
    expect(value).toMatchObject([[false, false, [1], true], [true, true, true], { name: "node", duration: 5, loopExit: -1, nodeStart: 0 }]);
  });

  test("what is no built-in module is refused as Node refuses it", async () => {
    await withAmbient(({ requireBuiltin }) => {
      expect(() => requireBuiltin("no-such-module")).toThrow(expect.objectContaining({ code: "MODULE_NOT_FOUND" }));
      expect(() => requireBuiltin("node:no-such-module")).toThrow(expect.objectContaining({ code: "ERR_UNKNOWN_BUILTIN_MODULE" }));
    });
  });

  test("importing outside modules prints no warning of deprecated members", async () => {
    const warned: string[] = [];
    const listener = (warning: Error) => warned.push(warning.message);
    process.on("warning", listener);
    await withAmbient(({ requireBuiltin }) => {
      for (const name of ["fs", "crypto", "http", "tls", "net", "util", "zlib"]) requireBuiltin(name);
    });
    await new Promise(setImmediate);
    process.off("warning", listener);
    expect(warned).toEqual([]);
  });
});

describe("weak references", () => {
  test("never show when garbage is collected", async () => {
    const { value, error } = await runServer(async () => {
      const called: unknown[] = [];
      const registry = new FinalizationRegistry((held) => called.push(held));
      const refs = Array.from({ length: 1_000 }, (_, i) => new WeakRef({ i, filler: new Array(100).fill(i) }));
      for (const ref of refs) registry.register(ref.deref()!, "gone");
      await new Promise((done) => setTimeout(done, 10));
      const alive = refs.filter((ref) => ref.deref() !== undefined).length;
      return [alive, called.length, registry.unregister({}), String(refs[0]), String(registry), refs[0] instanceof WeakRef];
    });
    expect(error).toBeUndefined();
    expect(value).toEqual([1_000, 0, false, "[object WeakRef]", "[object FinalizationRegistry]", true]);
  });

  test("refuse what cannot be held", async () => {
    expect((await runServer(() => new WeakRef(1 as never))).error?.message).toContain("TypeError");
    expect((await runServer(() => new FinalizationRegistry(1 as never))).error?.message).toContain("TypeError");
  });
});
