import { listOf } from "../list-of.ts";
import type { DeliveryWatch } from "../net/network.ts";
import type { Simulation } from "../sim/simulation.ts";
import type { SaveWatch } from "./persister.ts";

/**
 * When, about what it is counted by, a server crashes:
 * - `before`: the save does not take effect, the message is not handled;
 * - `after`: it has taken effect; nothing that the running event would still do gets out: no request, no reply, no delivery to the service, no save;
 * - `event end`: all that the running event did has got out, the reply of its handler included.
 */
export type CrashMoment = "before" | "after" | "event end";

/** Where a server is to crash: at its `nth` save, request or reply from now on, counted through restarts. */
export interface CrashPoint {
  /** What is counted: saves by the server; requests that reach it; replies to its own requests that reach it. */
  readonly at: "save" | "request" | "reply";
  /** 1: the next one. */
  readonly nth: number;
  readonly moment: CrashMoment;
  /** Count messages of this RPC method only. */
  readonly method?: string;
}

/** A crash point that has been set. */
export interface ArmedCrash {
  /** Resolves, in an event of the tester's at the same instant, when the server has crashed there; never if that does not happen. */
  readonly crashed: Promise<void>;
  readonly hasCrashed: boolean;
  /** Takes the crash point back; without effect when it was reached. */
  disarm(): void;
}

/** What was reached. */
type Counted = CrashPoint["at"];

class Armed implements ArmedCrash {
  readonly point: CrashPoint;
  readonly crashed: Promise<void>;
  hasCrashed = false;
  /** How many are still to come; 0: this is the one. */
  left: number;
  readonly #tell: () => void;
  readonly #disarm: (armed: Armed) => void;

  constructor(point: CrashPoint, disarm: (armed: Armed) => void, tellTester: (tell: () => void) => void) {
    this.point = point;
    this.left = point.nth;
    let tell: () => void = () => {};
    this.crashed = new Promise((resolve) => {
      tell = resolve;
    });
    const tellOfCrash = () => tellTester(tell);
    this.#tell = tellOfCrash;
    this.#disarm = disarm;
  }

  disarm(): void {
    this.#disarm(this);
  }

  counts(what: Counted, method: string | undefined): boolean {
    const { point } = this;
    return point.at === what && (point.method === undefined || point.method === method);
  }

  happened(): void {
    this.hasCrashed = true;
    this.#tell();
  }
}

/** The crash points of all servers of a cluster. */
export class CrashPoints implements SaveWatch, DeliveryWatch {
  readonly #simulation: Simulation;
  readonly #crash: (server: number, point: CrashPoint) => void;
  readonly #armed: Armed[][];

  /** `crash`: crashes a server within the running event; does nothing when it does not run. */
  constructor(simulation: Simulation, servers: number, crash: (server: number, point: CrashPoint) => void) {
    this.#simulation = simulation;
    this.#crash = crash;
    this.#armed = listOf(servers, () => []);
  }

  arm(server: number, point: CrashPoint): ArmedCrash {
    const { nth } = point;
    if (!(Number.isSafeInteger(nth) && nth >= 1))
      throw new RangeError(`a crash point's nth must be a whole number of at least 1, got ${nth}`);
    const armed = new Armed(
      point,
      (given) => this.#remove(server, given),
      (tell) => this.#simulation.tellTester(`learns that S${server} has crashed`, tell),
    );
    this.#armed[server]!.push(armed);
    return armed;
  }

  before(server: number, what: Counted, method?: string): void {
    const points = this.#armed[server];
    if (points === undefined || points.length === 0) return;
    let crashNow = false;
    for (const armed of points) {
      if (armed.left === 0 || !armed.counts(what, method) || --armed.left > 0) continue;
      if (armed.point.moment === "before") crashNow = true;
      else if (armed.point.moment === "event end") this.#simulation.atEventEnd(() => this.#reach(server));
    }
    if (crashNow) this.#reach(server);
  }

  after(server: number, what: Counted, method?: string): void {
    const points = this.#armed[server];
    if (points === undefined || points.length === 0) return;
    const isReached = (armed: Armed) => armed.left === 0 && armed.point.moment === "after" && armed.counts(what, method);
    if (points.some(isReached)) this.#reach(server);
  }

  /** Crashes the server, and with it all its points that were reached are over. */
  #reach(server: number): void {
    const reached = this.#armed[server]!.filter(({ left }) => left === 0);
    const [first] = reached;
    // Disarmed since, or the server has crashed before this event's end.
    if (first === undefined) return;
    this.#crash(server, first.point);
    for (const armed of reached) {
      this.#remove(server, armed);
      armed.happened();
    }
  }

  #remove(server: number, armed: Armed): void {
    this.#armed[server] = this.#armed[server]!.filter((other) => other !== armed);
  }
}
