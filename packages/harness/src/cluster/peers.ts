import type { Peer } from "@raft-stress/raft/api";
import type { ClientEnd, Network } from "../net/network.ts";
import { inPresentContext } from "../sim/async-context.ts";
import type { Incarnation } from "../sim/sim-event.ts";

/** The ends of one life of a server, as the contract's peers. A dead server's calls go nowhere and are not counted. */
export function endsAsPeers(network: Network, life: Incarnation, ends: readonly ClientEnd[]): readonly Peer[] {
  return ends.map((end) => {
    const request: Peer["request"] = (method, args, onReply) => {
      if (typeof onReply !== "function")
        throw new TypeError(`request(method, args, onReply) needs a function as onReply, got ${typeof onReply}`);
      send(method, args, inPresentContext(onReply));
    };
    const send: Peer["request"] = (method, args, onReply) => {
      if (life.alive) network.call(end, life, method, args, onReply);
    };
    return { request, call: (method, args) => new Promise((resolve) => send(method, args, resolve)) };
  });
}
