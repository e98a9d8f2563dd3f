import type { Clock, TimerId } from "@raft-stress/raft/api";
import { inPresentContext } from "./async-context.ts";
import { callbackEvent } from "./callback.ts";
import { eventKinds, type Incarnation, SimEvent } from "./sim-event.ts";
import type { Simulation } from "./simulation.ts";

/** The clock of one life of a server. When the server dies its timers die with it. */
export function serverClock(simulation: Simulation, incarnation: Incarnation): Clock {
  const set = (run: () => void, delayMs: number): TimerId => {
    if (typeof run !== "function") throw new TypeError(`setTimeout(run, delayMs) needs a function, got ${typeof run}`);
    const event = callbackEvent(eventKinds.serverTimer, incarnation, "a timer", inPresentContext(run));
    if (incarnation.alive) simulation.schedule(event, simulation.delayUsOf(incarnation.server, delayToUs(delayMs)));
    return event;
  };
  return {
    now() {
      simulation.refreshNow();
      return simulation.nowMsOf(incarnation.server);
    },
    setTimeout: set,
    clearTimeout(id) {
      if (id instanceof SimEvent) simulation.cancel(id);
    },
    sleep: (delayMs) => new Promise((resolve) => void set(resolve, delayMs)),
  };
}

function delayToUs(delayMs: number): number {
  if (delayMs >= 0 && delayMs < 1e12) return Math.round(delayMs * 1000);
  throw new RangeError(`a delay must be a number of milliseconds of at least 0, got ${delayMs}`);
}
