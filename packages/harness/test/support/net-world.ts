import { type ClientEnd, type Handlers, Network, NetworkServer } from "../../src/net/network.ts";
import type { Incarnation } from "../../src/sim/sim-event.ts";
import type { Simulation } from "../../src/sim/simulation.ts";
import { newLife, newSimulation, runScript, type TestLife, type WorldOptions } from "./world.ts";

/** A network on a virtual clock, with one server that has labrpc's test handlers. */
export interface NetWorld {
  readonly simulation: Simulation;
  readonly network: Network;
  readonly life: TestLife;
  /** Calls as a client that is no server. */
  call(end: ClientEnd, method: string, args: unknown, caller?: Incarnation): Promise<unknown>;
  /** An enabled end from a client to server 0. */
  end(client: number): ClientEnd;
  /** Instants, in ms, at which a handler began. */
  readonly handled: number[];
}

/** Runs `script` with a network whose server 0 has the handlers of labrpc's own tests. */
export async function onNetwork<T>(script: (world: NetWorld) => Promise<T>, options: WorldOptions = {}): Promise<T> {
  const simulation = newSimulation(options);
  const network = new Network(simulation);
  const life = newLife(0);
  const handled: number[] = [];
  network.addServer(0, new NetworkServer(life, testHandlers(simulation, handled)));
  const world: NetWorld = {
    simulation,
    network,
    life,
    handled,
    call: (end, method, args, caller) => new Promise((resolve) => network.call(end, caller, method, args, resolve)),
    end(client) {
      const end = network.makeEnd(client, 0);
      end.enabled = true;
      return end;
    },
  };
  return await runScript(simulation, () => script(world));
}

export function testHandlers(simulation: Simulation, handled: number[]): Handlers {
  const noting =
    <A, R>(handler: (args: A) => R) =>
    (args: A): R => {
      handled.push(simulation.nowMs);
      return handler(args);
    };
  return {
    TextToNumber: noting((text: string) => Number(text)),
    NumberToText: noting((number: number) => `handler2-${number}`),
    SleepLong: noting(async (number: number) => {
      await simulation.sleep(20_000);
      return -number;
    }),
    Record: noting(({ X }: { X: number }) => ({ X: `record ${X}` })),
    LengthOf: noting((text: string) => text.length),
    TextOfLength: noting((length: number) => "y".repeat(length)),
  };
}
