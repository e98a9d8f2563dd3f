import nodeTimersPromises from "node:timers/promises";
import { promisify } from "node:util";
import { clearImmediate, clearTimeout, setImmediate, setInterval, setTimeout } from "./timers.ts";

interface WaitOptions {
  readonly signal?: AbortSignal;
  readonly ref?: boolean;
}

/** The error with which Node ends a wait that was aborted. */
class AbortError extends Error {
  constructor(signal: AbortSignal) {
    super("The operation was aborted", { cause: signal.reason });
    Object.assign(this, { code: "ABORT_ERR", name: "AbortError" });
  }
}

/** Whether Node takes these arguments; if not, Node itself is asked to say so. */
function areFit(delay: unknown, options: unknown): boolean {
  if (delay !== undefined && typeof delay !== "number") return false;
  if (options === undefined) return true;
  if (typeof options !== "object" || options === null || Array.isArray(options)) return false;
  const { signal, ref } = options as Record<string, unknown>;
  if (signal !== undefined && !(typeof signal === "object" && signal !== null && "aborted" in signal)) return false;
  return ref === undefined || typeof ref === "boolean";
}

/** A promise that `begin` has resolved later, and that a signal rejects. `begin` returns what calls it off. */
function abortable<T>(signal: AbortSignal | undefined, begin: (resolve: (value: T) => void) => () => void): Promise<T> {
  if (signal?.aborted) return Promise.reject(new AbortError(signal));
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      callOff();
      reject(new AbortError(signal!));
    };
    const callOff = begin((value) => {
      signal?.removeEventListener("abort", onAbort);
      resolve(value);
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

function sleep<T>(delay?: number, value?: T, options?: WaitOptions): Promise<T | undefined> {
  if (!areFit(delay, options)) return nodeTimersPromises.setTimeout(delay, value, options);
  return abortable(options?.signal, (resolve) => {
    const timer = setTimeout(() => resolve(value), delay);
    return () => clearTimeout(timer);
  });
}

function turn<T>(value?: T, options?: WaitOptions): Promise<T | undefined> {
  if (!areFit(undefined, options)) return nodeTimersPromises.setImmediate(value, options);
  return abortable(options?.signal, (resolve) => {
    const immediate = setImmediate(() => resolve(value));
    return () => clearImmediate(immediate);
  });
}

/** Ticks that nobody has taken yet are kept, as Node keeps them. */
async function* ticks<T>(delay?: number, value?: T, options?: WaitOptions): AsyncGenerator<T | undefined> {
  if (!areFit(delay, options)) await nodeTimersPromises.setInterval(delay, value, options)[Symbol.asyncIterator]().next();
  const signal = options?.signal;
  if (signal?.aborted) throw new AbortError(signal);
  let due = 0;
  let wake: (() => void) | undefined;
  const timer = setInterval(() => {
    due++;
    wake?.();
  }, delay);
  const onAbort = (): void => {
    clearTimeout(timer);
    wake?.();
  };
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    for (;;) {
      while (due === 0 && !signal?.aborted) await new Promise<void>((resolve) => (wake = resolve));
      if (signal?.aborted) throw new AbortError(signal);
      for (; due > 0; due--) yield value;
    }
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}

/** `node:timers/promises`. */
export const timersPromises = {
  setTimeout: sleep,
  setImmediate: turn,
  setInterval: ticks,
  scheduler: {
    wait: (delay: number, options?: WaitOptions) => sleep(delay, undefined, options),
    yield: () => turn(),
  },
};

Object.assign(setTimeout, { [promisify.custom]: sleep });
Object.assign(setImmediate, { [promisify.custom]: turn });
// It marks what it is going to return; afterwards these functions take no marks any more.
for (const timer of [setTimeout, setImmediate]) promisify(timer);

const realSignalAfter = AbortSignal.timeout.bind(AbortSignal);

/** `AbortSignal.timeout`. */
export function signalAfter(delay: number): AbortSignal {
  // Lets Node itself say what is wrong with a delay that is none.
  if (!(Number.isInteger(delay) && delay >= 0 && delay < 2 ** 32)) return realSignalAfter(delay);
  const controller = new AbortController();
  setTimeout(() => controller.abort(new DOMException("The operation was aborted due to timeout", "TimeoutError")), delay);
  return controller.signal;
}
