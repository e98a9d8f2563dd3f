import { inspect } from "node:util";
import { CallbackEvent, eventKinds } from "../sim/sim-event.ts";
import { currentHost, currentWorld } from "./world.ts";

/** Node 20 has the symbol under this name only by description; where it is missing nothing can ask for it. */
const dispose: unique symbol = (Symbol.dispose ?? Symbol("Symbol.dispose")) as never;

type Callback = (...args: unknown[]) => unknown;

/** Node's own limit: a longer delay than a 32-bit count of milliseconds fires after 1 ms. */
const maxDelayMs = 2 ** 31 - 1;

/** As Node reads a delay: whole milliseconds, at least 1; what is no number or too large is 1. */
function delayUsFrom(delay: unknown): number {
  const delayMs = Number(delay);
  return delayMs >= 1 && delayMs <= maxDelayMs ? Math.trunc(delayMs) * 1000 : 1000;
}

function checkCallback(callback: unknown): asserts callback is Callback {
  if (typeof callback === "function") return;
  const error = new TypeError(`The "callback" argument must be of type function. Received ${inspect(callback, { depth: 0 })}`);
  throw Object.assign(error, { code: "ERR_INVALID_ARG_TYPE" });
}

/** A timer or an immediate of a server: one event, scheduled again by an interval. It dies with the life that set it. */
abstract class Scheduled {
  readonly #event: CallbackEvent | undefined;

  /** Between runs there is no server to set a timer: it never fires. */
  constructor(what: string, fire: () => void) {
    const life = currentHost()?.life;
    if (life?.alive) this.#event = new CallbackEvent(eventKinds.serverTimer, life, what, fire);
  }

  protected arm(delayUs: number): void {
    const event = this.#event;
    if (event?.incarnation?.alive) currentWorld()?.schedule(event, delayUs);
  }

  protected disarm(): void {
    if (this.#event !== undefined) currentWorld()?.cancel(this.#event);
  }

  /** Nothing keeps a run going but its test: these have nothing to do. */
  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }
}

let lastTimerNumber = 0;
/** Timers that were turned into a number, so that clearTimeout(+timer) finds them, of one run. */
const numbered = new Map<number, Timeout>();

/** Forgets what the last run left. */
export function forgetTimers(): void {
  numbered.clear();
  lastTimerNumber = 0;
}

/** What setTimeout and setInterval return. */
class Timeout extends Scheduled {
  readonly #delayUs: number;
  #pending = true;
  #number = 0;

  constructor(what: string, callback: Callback, delay: unknown, args: unknown[], repeat: boolean) {
    super(what, () => {
      this.#pending = false;
      callback.apply(this, args);
      if (repeat && !this.#cleared && !this.#pending) this.refresh();
    });
    this.#delayUs = delayUsFrom(delay);
    this.arm(this.#delayUs);
  }

  #cleared = false;

  /** Starts the delay anew. */
  refresh(): this {
    if (this.#cleared) return this;
    this.disarm();
    this.#pending = true;
    this.arm(this.#delayUs);
    return this;
  }

  close(): this {
    this.#cleared = true;
    this.disarm();
    return this;
  }

  [Symbol.toPrimitive](): number {
    if (this.#number === 0) {
      this.#number = ++lastTimerNumber;
      numbered.set(this.#number, this);
    }
    return this.#number;
  }

  [dispose](): void {
    this.close();
  }
}

class Immediate extends Scheduled {
  constructor(callback: Callback, args: unknown[]) {
    super("a setImmediate callback", () => callback.apply(this, args));
    this.arm(0);
  }

  close(): this {
    this.disarm();
    return this;
  }

  [dispose](): void {
    this.close();
  }
}

export function setTimeout(callback: unknown, delay?: unknown, ...args: unknown[]): Timeout {
  checkCallback(callback);
  return new Timeout("a setTimeout callback", callback, delay, args, false);
}

export function setInterval(callback: unknown, delay?: unknown, ...args: unknown[]): Timeout {
  checkCallback(callback);
  return new Timeout("a setInterval callback", callback, delay, args, true);
}

export function setImmediate(callback: unknown, ...args: unknown[]): Immediate {
  checkCallback(callback);
  return new Immediate(callback, args);
}

/** Takes anything, as Node's does; clears timers and intervals alike. */
export function clearTimeout(timer?: unknown): void {
  if (timer instanceof Timeout) timer.close();
  else if (typeof timer === "number" || typeof timer === "string") numbered.get(Number(timer))?.close();
}

export function clearInterval(timer?: unknown): void {
  clearTimeout(timer);
}

export function clearImmediate(immediate?: unknown): void {
  if (immediate instanceof Immediate) immediate.close();
}
