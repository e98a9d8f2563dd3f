import type { Raft } from "@raft-stress/raft/api";
import type { Incarnation } from "../sim/sim-event.ts";

/** One life of a server. */
export class Life implements Incarnation {
  readonly server: number;
  alive = true;
  raft: Raft | undefined = undefined;
  /** Whether kill() has been called. */
  killed = false;

  constructor(server: number) {
    this.server = server;
  }

  kill(): void {
    this.killed = true;
    this.raft?.kill();
  }
}
