import { callbackEvent } from "../sim/callback.ts";
import { eventKinds } from "../sim/sim-event.ts";
import type { Simulation } from "../sim/simulation.ts";

/** Time that a look at one server takes: a test that looks again and again must not do so for ever at one instant. */
const visitUs = 10;

export interface TouredCluster {
  readonly simulation: Simulation;
  isAlive(server: number): boolean;
  isPaused(server: number): boolean;
}

/**
 * Calls into some servers, one after the other, each call an event of that server's. One that is down or paused when its turn comes is passed by, so a tour ends
 * whatever happens to the servers meanwhile. It belongs to the tester, and goes on without the dead.
 */
export function tour(cluster: TouredCluster, servers: readonly number[], visit: (server: number) => void): Promise<void> {
  return new Promise((done) => {
    let next = 0;
    const event = callbackEvent(eventKinds.enter, undefined, "a look by the test", () => {
      const server = event.owner;
      if (cluster.isAlive(server)) visit(server);
      goOn();
    });
    const canVisit = (server: number) => cluster.isAlive(server) && !cluster.isPaused(server);
    const goOn = () => {
      while (next < servers.length && !canVisit(servers[next]!)) next++;
      if (next === servers.length) {
        done();
        return;
      }
      event.owner = servers[next++]!;
      cluster.simulation.schedule(event, visitUs);
    };
    goOn();
  });
}
