import { currentWorld, refuse } from "./world.ts";

/** Where the servers' calendar begins: the first instant of 2020, UTC. Any would do that never changes. */
const epochMs = Date.UTC(2020, 0, 1);

/** Readings of the clock within one event after which the code is held to wait for time to pass. */
const maxReadingsPerEvent = 1_000_000;

let readings = 0;
let readingsOfEvent = -1;

/** Virtual milliseconds since the run began, to the microsecond. Between runs time stands still. */
export function virtualNowMs(): number {
  const world = currentWorld();
  if (world === undefined) return 0;
  if (world.events !== readingsOfEvent) {
    readingsOfEvent = world.events;
    readings = 0;
  }
  if (++readings > maxReadingsPerEvent) {
    readings = 0;
    refuse(
      `asked for the time ${maxReadingsPerEvent} times in one event`,
      "virtual time does not pass while code runs; to wait, set a timer and return",
    );
  }
  return world.nowMs;
}

/** Milliseconds since 1970, whole, as Date.now() gives them. */
export function virtualDateMs(): number {
  return epochMs + Math.floor(virtualNowMs());
}

export type DateClass = typeof Date;

/** A Date that takes the present from the virtual clock; in all else it is the one given, whose prototype it shares. */
export function simulatedDate(RealDate: DateClass): DateClass {
  function SimulatedDate(...args: unknown[]): unknown {
    if (new.target === undefined) return new RealDate(virtualDateMs()).toString();
    return Reflect.construct(RealDate, args.length === 0 ? [virtualDateMs()] : args, new.target);
  }
  Object.defineProperties(SimulatedDate, {
    name: { value: "Date" },
    length: { value: RealDate.length },
    prototype: { value: RealDate.prototype, writable: false },
  });
  const statics = { now: virtualDateMs, parse: RealDate.parse, UTC: RealDate.UTC };
  for (const [name, value] of Object.entries(statics)) {
    Object.defineProperty(SimulatedDate, name, { value, writable: true, configurable: true });
  }
  return SimulatedDate as unknown as DateClass;
}

/** The part of `performance` that makes sense within a run. Marks are kept by nobody: nothing can read them back after the run. */
export function simulatedPerformance(): object {
  const mark = (name: string) => ({ name, entryType: "mark", startTime: virtualNowMs(), duration: 0, detail: null });
  const refused = (name: string) => () => refuse(`called performance.${name}()`, "its answer depends on the machine");
  return {
    now: virtualNowMs,
    timeOrigin: epochMs,
    mark,
    measure: (name: string) => ({ ...mark(name), entryType: "measure" }),
    clearMarks() {},
    clearMeasures() {},
    getEntries: () => [],
    getEntriesByName: () => [],
    getEntriesByType: () => [],
    toJSON: () => ({ timeOrigin: epochMs }),
    eventLoopUtilization: refused("eventLoopUtilization"),
    timerify: <F>(timed: F): F => timed,
  };
}

type HighResolutionTime = readonly [seconds: number, nanoseconds: number];

function hrtime(since?: HighResolutionTime): [number, number] {
  const us = Math.round(virtualNowMs() * 1000);
  const seconds = Math.floor(us / 1e6);
  const nanoseconds = (us % 1e6) * 1000;
  if (since === undefined) return [seconds, nanoseconds];
  const borrow = nanoseconds < since[1] ? 1 : 0;
  return [seconds - since[0] - borrow, nanoseconds - since[1] + borrow * 1e9];
}

/** `process.hrtime`, with `hrtime.bigint`. */
export const simulatedHrtime = Object.assign(hrtime, {
  bigint: () => BigInt(Math.round(virtualNowMs() * 1000)) * 1000n,
});
