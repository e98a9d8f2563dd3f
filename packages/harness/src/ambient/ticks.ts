import process from "node:process";
import type { Simulation } from "../sim/simulation.ts";
import { currentWorld, refuse } from "./world.ts";

/** Ticks and microtasks that code may queue by name within one event. A chain of them that never ends keeps the event from ending. */
const maxQueuedPerEvent = 1_000_000;

let queued = 0;
let queuedInEvent = -1;
let queuedInWorld: Simulation | undefined;

/** `what`: in words; `caller`: the stand-in that was called. */
function count(what: string, caller: (...args: never[]) => unknown): void {
  const world = currentWorld();
  if (world === undefined) return;
  if (world.events !== queuedInEvent || world !== queuedInWorld) {
    queuedInEvent = world.events;
    queuedInWorld = world;
    queued = 0;
  }
  if (++queued <= maxQueuedPerEvent) return;
  queued = 0;
  refuse(`queued ${maxQueuedPerEvent} ${what} in one event`, "the event never ends; to wait, set a timer", caller);
}

type Callback = (...args: unknown[]) => unknown;

/** `process.nextTick`. */
export function nextTick(callback: unknown, ...args: unknown[]): void {
  count("ticks", nextTick);
  // Node says what is wrong with a callback that is none.
  if (typeof callback !== "function") process.nextTick(callback as Callback);
  else process.nextTick(run, callback, args);
}

/** A throw must not find its way out: caught on it, as it may be, Node's own record of asynchronous calls would be in disorder, and the process end. */
function run(callback: Callback, args: unknown[]): void {
  try {
    callback(...args);
  } catch (thrown) {
    const world = currentWorld();
    if (world === undefined) throw thrown;
    world.failAsync(thrown, "a process.nextTick callback");
  }
}

const realQueueMicrotask = globalThis.queueMicrotask;

/** `queueMicrotask`. */
export function queueMicrotask(callback: unknown): void {
  count("microtasks", queueMicrotask);
  realQueueMicrotask(callback as () => void);
}
