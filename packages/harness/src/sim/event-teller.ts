import type { BeforeEvent } from "../result.ts";
import type { RunWatch } from "./run-watch.ts";
import type { SimEvent } from "./sim-event.ts";

/** Tells of each event before it happens. */
export class EventTeller implements RunWatch {
  private readonly tell: BeforeEvent;
  private events = 0;

  constructor(tell: BeforeEvent) {
    this.tell = tell;
  }

  begin({ timeUs, owner }: SimEvent): void {
    this.tell(++this.events, timeUs, owner);
  }

  scheduled(): void {}

  hashed(): void {}

  end(): void {}
}
