import type { SimEvent } from "../sim/sim-event.ts";

interface PendingTimer {
  readonly event: SimEvent;
  dueUs: number;
}

/** The timers that each server has set and that have not fired yet. */
export class ServerTimers {
  private readonly timers: PendingTimer[][] = [];

  /**
   * Notes a timer that is about to be placed at `timeUs`, and returns when it may fire: after those of the same server that are due earlier and before those that
   * are due later, which is what Node promises.
   */
  add(event: SimEvent, dueUs: number, timeUs: number): number {
    const timers = this.pending(event.owner);
    let placedUs = timeUs;
    for (const timer of timers) {
      const otherUs = timer.event.timeUs;
      if (timer.dueUs <= dueUs ? otherUs > placedUs : otherUs < placedUs) placedUs = otherUs;
    }
    timers.push({ event, dueUs });
    return placedUs;
  }

  /** The timer of the server that fires at `timeUs`, another one than `event`; undefined if there is none. */
  at(event: SimEvent, timeUs: number): SimEvent | undefined {
    for (const timer of this.timers[event.owner] ?? []) {
      if (timer.event !== event && timer.event.timeUs === timeUs && timer.event.heapIndex >= 0) return timer.event;
    }
    return undefined;
  }

  /** When the next timer of the server fires that fires at `fromUs` or later; Infinity if none is set. */
  nextUs(server: number, fromUs: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { event } of this.pending(server)) {
      if (event.timeUs >= fromUs && event.timeUs < next) next = event.timeUs;
    }
    return next;
  }

  /** Timers leave the list when it is looked at the next time after they have fired, were cleared, or died with their server. */
  private pending(server: number): PendingTimer[] {
    while (this.timers.length <= server) this.timers.push([]);
    const timers = this.timers[server]!;
    let kept = 0;
    for (const timer of timers) {
      if (timer.event.heapIndex >= 0 && timer.event.incarnation?.alive) timers[kept++] = timer;
    }
    timers.length = kept;
    return timers;
  }
}
