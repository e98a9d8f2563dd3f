import { promisify } from "node:util";
import { clearImmediate, clearTimeout, setImmediate, setInterval, setTimeout } from "./timers.ts";

interface WaitOptions {
  readonly signal?: AbortSignal;
  readonly ref?: boolean;
}

/** The error with which Node ends a wait that was aborted. */
function abortError(signal: AbortSignal): Error {
  const error = new Error("The operation was aborted", { cause: signal.reason });
  return Object.assign(error, { name: "AbortError", code: "ABORT_ERR" });
}

/** A promise that `begin` has resolved later, and that a signal rejects. `begin` returns what calls it off. */
function abortable<T>(signal: AbortSignal | undefined, begin: (resolve: (value: T) => void) => () => void): Promise<T> {
  if (signal?.aborted) return Promise.reject(abortError(signal));
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      callOff();
      reject(abortError(signal!));
    };
    const callOff = begin((value) => {
      signal?.removeEventListener("abort", onAbort);
      resolve(value);
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

function sleep<T>(delay?: number, value?: T, { signal }: WaitOptions = {}): Promise<T | undefined> {
  return abortable(signal, (resolve) => {
    const timer = setTimeout(() => resolve(value), delay);
    return () => clearTimeout(timer);
  });
}

function turn<T>(value?: T, { signal }: WaitOptions = {}): Promise<T | undefined> {
  return abortable(signal, (resolve) => {
    const immediate = setImmediate(() => resolve(value));
    return () => clearImmediate(immediate);
  });
}

/** Ticks that nobody has taken yet are kept, as Node keeps them. */
async function* ticks<T>(delay?: number, value?: T, { signal }: WaitOptions = {}): AsyncGenerator<T | undefined> {
  if (signal?.aborted) throw abortError(signal);
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
      if (signal?.aborted) throw abortError(signal);
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

/** `AbortSignal.timeout`. */
export function signalAfter(delay: number): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(new DOMException("The operation was aborted due to timeout", "TimeoutError")), delay);
  return controller.signal;
}
