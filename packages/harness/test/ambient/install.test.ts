import { describe, expect, test } from "vitest";
import { installAmbient } from "../../src/ambient/install.ts";
import { sharedObjects } from "../../src/ambient/shared-objects.ts";
import { runServer, withAmbient } from "../support/ambient.ts";
import { differences, statesOf } from "../support/descriptors.ts";

/** The global object, what all code shares, and whatever else is within reach of a global. */
function everything(): { object: object; name: string }[] {
  const found = new Map<object, string>([[globalThis, "globalThis"]]);
  for (const { object, name } of sharedObjects()) found.set(object, name);
  for (const holder of [
    globalThis,
    Intl,
    Reflect.get(globalThis, "WebAssembly") as object,
    (Reflect.get(globalThis, "Temporal") ?? {}) as object,
  ]) {
    for (const name of Object.getOwnPropertyNames(holder)) {
      const value: unknown = Object.getOwnPropertyDescriptor(holder, name)?.value;
      if (typeof value !== "function" && (typeof value !== "object" || value === null)) continue;
      if (!found.has(value)) found.set(value, name);
      const prototype: unknown = typeof value === "function" ? value.prototype : undefined;
      if (typeof prototype === "object" && prototype !== null && !found.has(prototype)) found.set(prototype, `${name}.prototype`);
    }
  }
  return Array.from(found, ([object, name]) => ({ object, name }));
}

describe("uninstall", () => {
  test("leaves everything exactly as before", async () => {
    // Node makes some globals when they are first asked for, and the test runner replaces some while it sends.
    await withAmbient(() => {});
    await new Promise((resolve) => setImmediate(resolve));
    const before = statesOf(everything());
    const ambient = installAmbient();
    const installed = differences(before);
    const run = runServer(
      () => {
        Reflect.set(globalThis, "leftover", 1);
        setTimeout(() => {}, 1);
        return [Date.now(), new Intl.NumberFormat().format(1), crypto.randomUUID()];
      },
      {},
      ambient,
    );
    expect((await run).error).toBeUndefined();
    Reflect.deleteProperty(globalThis, "leftover");
    ambient.uninstall();
    expect(differences(before)).toEqual([]);
    expect(before.length).toBeGreaterThan(100);
    expect(installed.length).toBeGreaterThan(60);
  });

  test("also after it was installed twice, one within the other", async () => {
    await new Promise((resolve) => setImmediate(resolve));
    const before = statesOf(everything());
    const outer = installAmbient();
    const inner = installAmbient();
    inner.uninstall();
    outer.uninstall();
    expect(differences(before)).toEqual([]);
  });
});

describe("every global of Node", () => {
  const replaced = [
    ...[
      "AbortSignal",
      "Atomics",
      "Blob",
      "Buffer",
      "Date",
      "Event",
      "Intl",
      "Math",
      "Temporal",
      "URL",
      "WebAssembly",
      "console",
      "crypto",
      "performance",
      "process",
      "navigator",
    ],
    ...["setTimeout", "setInterval", "setImmediate", "clearTimeout", "clearInterval", "clearImmediate", "WeakRef", "FinalizationRegistry"],
  ];
  const forbidden = [
    ...[
      "fetch",
      "WebSocket",
      "EventSource",
      "MessageChannel",
      "BroadcastChannel",
      "CompressionStream",
      "DecompressionStream",
      "Request",
      "Response",
      "File",
    ],
    ...["PerformanceMark", "PerformanceObserver", "localStorage", "sessionStorage", "gc"],
  ];
  /** The same in every run: the language's own, and what computes without asking anything outside. */
  const repeatable = new Set([
    ...[
      "Object",
      "Function",
      "Array",
      "Number",
      "parseFloat",
      "parseInt",
      "Infinity",
      "NaN",
      "undefined",
      "Boolean",
      "String",
      "Symbol",
      "Promise",
      "RegExp",
      "Error",
    ],
    ...[
      "AggregateError",
      "EvalError",
      "RangeError",
      "ReferenceError",
      "SyntaxError",
      "TypeError",
      "URIError",
      "SuppressedError",
      "globalThis",
      "global",
      "JSON",
    ],
    ...[
      "ArrayBuffer",
      "SharedArrayBuffer",
      "Uint8Array",
      "Int8Array",
      "Uint16Array",
      "Int16Array",
      "Uint32Array",
      "Int32Array",
      "Float16Array",
      "Float32Array",
    ],
    ...[
      "Float64Array",
      "Uint8ClampedArray",
      "BigUint64Array",
      "BigInt64Array",
      "DataView",
      "Map",
      "BigInt",
      "Set",
      "WeakMap",
      "WeakSet",
      "Proxy",
      "Reflect",
    ],
    ...[
      "decodeURI",
      "decodeURIComponent",
      "encodeURI",
      "encodeURIComponent",
      "escape",
      "unescape",
      "eval",
      "isFinite",
      "isNaN",
      "Iterator",
      "DisposableStack",
    ],
    ...[
      "AsyncDisposableStack",
      "URLSearchParams",
      "URLPattern",
      "DOMException",
      "QuotaExceededError",
      "AbortController",
      "EventTarget",
      "TextEncoder",
      "TextDecoder",
    ],
    ...[
      "TransformStream",
      "TransformStreamDefaultController",
      "WritableStream",
      "WritableStreamDefaultController",
      "WritableStreamDefaultWriter",
      "ReadableStream",
    ],
    ...[
      "ReadableStreamDefaultReader",
      "ReadableStreamBYOBReader",
      "ReadableStreamBYOBRequest",
      "ReadableByteStreamController",
      "ReadableStreamDefaultController",
    ],
    ...[
      "ByteLengthQueuingStrategy",
      "CountQueuingStrategy",
      "TextEncoderStream",
      "TextDecoderStream",
      "queueMicrotask",
      "structuredClone",
      "atob",
      "btoa",
    ],
    ...["MessageEvent", "CloseEvent", "ErrorEvent", "CustomEvent", "FormData", "Headers"],
    // Classes without a constructor of use: what they are the class of is replaced.
    ...[
      "MessagePort",
      "Performance",
      "PerformanceEntry",
      "PerformanceMeasure",
      "PerformanceObserverEntryList",
      "PerformanceResourceTiming",
      "Crypto",
      "CryptoKey",
    ],
    ...["SubtleCrypto", "Navigator", "Storage"],
  ]);

  test("is known to be replaced, forbidden or the same in every run", () => {
    // Vitest's own and coverage's have such names.
    const names = Object.getOwnPropertyNames(globalThis).filter((name) => !/^__|^VITEST/i.test(name));
    expect(names.filter((name) => !replaced.includes(name) && !forbidden.includes(name) && !repeatable.has(name))).toEqual([]);
  });

  test("those to be replaced or forbidden are", async () => {
    await new Promise((resolve) => setImmediate(resolve));
    const before = statesOf(everything());
    await withAmbient(() => {
      const changed = new Set(
        differences(before).map((difference) =>
          difference.split(/[: ]+/)[difference.startsWith("globalThis") ? 1 : 0]!.replace(".prototype", ""),
        ),
      );
      const present = [...replaced, ...forbidden].filter((name) => name in globalThis);
      for (const name of present) expect(changed, name).toContain(name === "Temporal" ? "Now" : name);
    });
  });
});
