import nodeTimers from "node:timers";
import { inPresentContext } from "../sim/async-context.ts";
import { callbackEvent } from "../sim/callback.ts";
import { eventKinds, type SimEvent } from "../sim/sim-event.ts";
import { currentHost, currentWorld, perHost } from "./world.ts";

export { keepAsyncContext } from "../sim/async-context.ts";

/** Node 20 has the symbol under this name only by description; where it is missing nothing can ask for it. */
const dispose: unique symbol = (Symbol.dispose ?? Symbol("Symbol.dispose")) as never;

type Callback = (...args: unknown[]) => unknown;

/** Node's own limit: a longer delay than a 32-bit count of milliseconds fires after 1 ms. */
const maxDelayMs = 2 ** 31 - 1;

/** As Node reads a delay: whole milliseconds, at least 1; what is no number or too large is 1. */
function delayUsFrom(delay: unknown): number {
  const delayMs = (delay as number) * 1;
  return delayMs >= 1 && delayMs <= maxDelayMs ? Math.trunc(delayMs) * 1000 : 1000;
}

/** Lets Node itself say what is wrong with a callback that is none. */
function checkCallback(callback: unknown): asserts callback is Callback {
  if (typeof callback !== "function") nodeTimers.setTimeout(callback as () => void);
}

/** A timer or an immediate of a server: one event, scheduled again by an interval. It dies with the life that set it. */
abstract class Scheduled {
  readonly #event: SimEvent | undefined;
  /** The run it belongs to, also when another one's code clears it. */
  readonly #world = currentWorld();
  #refed = true;

  /** Between runs there is no server to set a timer: it never fires. */
  constructor(what: string, fire: () => void) {
    const life = currentHost()?.life;
    if (!life?.alive) return;
    this.#event = callbackEvent(eventKinds.serverTimer, life, what, inPresentContext(fire));
  }

  protected arm(delayUs: number): void {
    const event = this.#event;
    const world = this.#world;
    if (event?.incarnation?.alive) world?.scheduleFromPresent(event, world.delayUsOf(event.owner, delayUs));
  }

  protected armAtOnce(): void {
    const event = this.#event;
    if (event?.incarnation?.alive) this.#world?.scheduleAtOnce(event);
  }

  protected disarm(): void {
    if (this.#event !== undefined) this.#world?.cancel(this.#event);
  }

  /** Nothing keeps a run going but its test: these change nothing else. */
  ref(): this {
    this.#refed = true;
    return this;
  }

  unref(): this {
    this.#refed = false;
    return this;
  }

  hasRef(): boolean {
    return this.#refed;
  }
}

/** Timers that were turned into a number and have not ended yet, so that clearTimeout(+timer) finds them. */
const numberedTimers = perHost(() => ({ last: 0, byNumber: new Map<number, Timeout>() }));

/** What setTimeout and setInterval return. */
class Timeout extends Scheduled {
  readonly #delayUs: number;
  #pending = true;
  #number = 0;

  constructor(what: string, callback: Callback, delay: unknown, args: unknown[], repeat: boolean) {
    super(what, () => {
      this.#pending = false;
      callback.apply(this, args);
      if (this.#cleared || this.#pending) return;
      if (repeat) this.refresh();
      else this.#forgetNumber();
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
    this.#forgetNumber();
    return this;
  }

  [Symbol.toPrimitive](): number {
    if (this.#number === 0) {
      const timers = numberedTimers();
      this.#number = ++timers.last;
      if (this.#pending && !this.#cleared) timers.byNumber.set(this.#number, this);
    }
    return this.#number;
  }

  #forgetNumber(): void {
    if (this.#number !== 0) numberedTimers().byNumber.delete(this.#number);
  }

  [dispose](): void {
    this.close();
  }
}

class Immediate extends Scheduled {
  constructor(callback: Callback, args: unknown[]) {
    super("a setImmediate callback", () => callback.apply(this, args));
    this.armAtOnce();
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
  else if (typeof timer === "number" || typeof timer === "string") numberedTimers().byNumber.get(Number(timer))?.close();
}

export function clearInterval(timer?: unknown): void {
  clearTimeout(timer);
}

export function clearImmediate(immediate?: unknown): void {
  if (immediate instanceof Immediate) immediate.close();
}
