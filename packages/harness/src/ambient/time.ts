import type { Simulation } from "../sim/simulation.ts";
import { forbiddenNamespace, withMembers } from "./forbidden.ts";
import type { Replacement } from "./locale.ts";
import { currentWorld, perHost, refuse } from "./world.ts";

/** Where the servers' calendar begins: the first instant of 2020, UTC. Any would do that never changes. */
const epochMs = Date.UTC(2020, 0, 1);

/** Readings of the clock within one event after which the code is held to wait for time to pass. */
const maxReadingsPerEvent = 1_000_000;

let readings = 0;
let readingsOfEvent = -1;
let readingsOfWorld: Simulation | undefined;

/** Virtual milliseconds since the run began, to the microsecond. Between runs time stands still. */
export function virtualNowMs(): number {
  const world = currentWorld();
  if (world === undefined) return 0;
  if (world.events !== readingsOfEvent || world !== readingsOfWorld) {
    readingsOfEvent = world.events;
    readingsOfWorld = world;
    readings = 0;
  }
  if (++readings > maxReadingsPerEvent) {
    readings = 0;
    refuse(
      `asked for the time ${maxReadingsPerEvent} times in one event`,
      "virtual time does not pass while code runs; to wait, set a timer and return",
      virtualNowMs,
    );
  }
  return world.nowMsOf(world.currentServer);
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

interface Entry {
  readonly name: string;
  readonly entryType: "mark" | "measure";
  readonly startTime: number;
  readonly duration: number;
  readonly detail: unknown;
}

type Mark = string | number | undefined;

interface MeasureOptions {
  readonly start?: Mark;
  readonly end?: Mark;
  readonly duration?: number;
  readonly detail?: unknown;
}

/** Of a process that has started at once and is never idle. */
const nodeTiming = Object.freeze({
  ...{ name: "node", entryType: "node", startTime: 0, nodeStart: 0, v8Start: 0, environment: 0, bootstrapComplete: 0, loopStart: 0 },
  ...{ loopExit: -1, idleTime: 0, uvMetricsInfo: Object.freeze({ loopCount: 0, events: 0, eventsWaiting: 0 }) },
  get duration(): number {
    return virtualNowMs();
  },
  toJSON(): object {
    return { ...nodeTiming };
  },
});

/** `performance`: the virtual clock, marks and measures by it. What else it tells depends on the machine. */
export function simulatedPerformance(real: object): object {
  const recorded = perHost(() => ({ entries: [] as Entry[] }));
  const record = (entry: Entry): Entry => {
    recorded().entries.push(entry);
    return entry;
  };
  const timeOf = (mark: Mark): number => {
    if (typeof mark === "number") return mark;
    const last = recorded().entries.findLast(({ entryType, name }) => entryType === "mark" && name === mark);
    if (last === undefined) throw new DOMException(`The "${mark}" performance mark has not been set`, "SyntaxError");
    return last.startTime;
  };
  const clear = (type: Entry["entryType"], name?: string): void => {
    const state = recorded();
    state.entries = state.entries.filter((entry) => entry.entryType !== type || (name !== undefined && entry.name !== name));
  };
  return withMembers(forbiddenNamespace("performance", real), {
    now: virtualNowMs,
    timeOrigin: epochMs,
    mark(name: string, { startTime = virtualNowMs(), detail = null }: { startTime?: number; detail?: unknown } = {}) {
      return record({ name: String(name), entryType: "mark", startTime, duration: 0, detail });
    },
    measure(name: string, from?: string | MeasureOptions, to?: string) {
      const { start, end = to, duration, detail = null } = typeof from === "object" ? from : { start: from };
      const endMs =
        end !== undefined ? timeOf(end) : start !== undefined && duration !== undefined ? timeOf(start) + duration : virtualNowMs();
      const startMs = start !== undefined ? timeOf(start) : duration !== undefined ? endMs - duration : 0;
      return record({ name: String(name), entryType: "measure", startTime: startMs, duration: endMs - startMs, detail });
    },
    clearMarks: (name?: string) => clear("mark", name),
    clearMeasures: (name?: string) => clear("measure", name),
    getEntries: () => [...recorded().entries],
    getEntriesByName: (wanted: string, type?: string) =>
      recorded().entries.filter(({ name, entryType }) => name === wanted && (type === undefined || entryType === type)),
    getEntriesByType: (wanted: string) => recorded().entries.filter(({ entryType }) => entryType === wanted),
    nodeTiming,
    toJSON: () => ({ timeOrigin: epochMs }),
    timerify: <F>(timed: F): F => timed,
  });
}

/** As much of `Temporal` as asks for the present; Node has it from version 26 on. */
interface TemporalNow {
  readonly Now: { timeZoneId(): string };
  readonly Instant: { fromEpochNanoseconds(nanoseconds: bigint): { toZonedDateTimeISO(timeZone: unknown): ZonedDateTime } };
}

interface ZonedDateTime {
  toPlainDateTime(): unknown;
  toPlainDate(): unknown;
  toPlainTime(): unknown;
}

/** `Temporal.Now` on the virtual clock. */
export function simulatedTemporal(temporal: TemporalNow): Replacement[] {
  const { Now, Instant } = temporal;
  const instant = () => Instant.fromEpochNanoseconds(BigInt(epochMs) * 1_000_000n + simulatedHrtime.bigint());
  const zonedDateTimeISO = (timeZone: unknown = Now.timeZoneId()): ZonedDateTime => instant().toZonedDateTimeISO(timeZone);
  const present = {
    instant,
    zonedDateTimeISO,
    plainDateTimeISO: (timeZone?: unknown) => zonedDateTimeISO(timeZone).toPlainDateTime(),
    plainDateISO: (timeZone?: unknown) => zonedDateTimeISO(timeZone).toPlainDate(),
    plainTimeISO: (timeZone?: unknown) => zonedDateTimeISO(timeZone).toPlainTime(),
  };
  return Object.entries(present).map(([name, value]): Replacement => [Now, name, value]);
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
