import type { SimEvent } from "./sim-event.ts";

/** Servers that are paused, and what would have happened at each of them since, in order. */
export class Pauses {
  /** By server; undefined for those that run. */
  readonly #held: (SimEvent[] | undefined)[] = [];

  isPaused(server: number): boolean {
    return this.#held[server] !== undefined;
  }

  pause(server: number): void {
    this.#held[server] ??= [];
  }

  /** The server runs again; returns what has been held for it. */
  resume(server: number): readonly SimEvent[] {
    const held = this.#held[server] ?? [];
    this.#held[server] = undefined;
    return held;
  }

  /** Keeps an event of a paused server, which is due. */
  hold(event: SimEvent): void {
    if (event.happening.waitsForOwner(event)) this.#held[event.owner]!.push(event);
  }

  /** Returns whether the event was held. */
  remove(event: SimEvent): boolean {
    const held = this.#held[event.owner];
    const index = held?.indexOf(event) ?? -1;
    if (index >= 0) held!.splice(index, 1);
    return index >= 0;
  }

  /** All events held. */
  values(): readonly SimEvent[] {
    return this.#held.flatMap((held) => held ?? []);
  }
}
