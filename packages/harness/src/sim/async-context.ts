import { AsyncResource } from "node:async_hooks";

let keeps = false;

/** From here on callbacks run in the asynchronous context in which they were given, as Node's own do. It has a price: for code that asks for node:async_hooks. */
export function keepAsyncContext(): void {
  keeps = true;
}

export function inPresentContext<F extends (...args: never[]) => unknown>(callback: F): F {
  return keeps ? (AsyncResource.bind(callback as never) as unknown as F) : callback;
}
