import type { Raft } from "@raft-stress/raft/api";
import type { Incarnation } from "../sim/sim-event.ts";

/** One life of a server. */
export class Life implements Incarnation {
  readonly server: number;
  alive = true;
  raft: Raft | undefined = undefined;

  constructor(server: number) {
    this.server = server;
  }
}
