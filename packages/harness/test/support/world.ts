import { HarnessFault } from "../../src/failure.ts";
import { defaultLimits, type SimulationLimits } from "../../src/sim/limits.ts";
import { runVirtual } from "../../src/sim/run-loop.ts";
import type { Incarnation } from "../../src/sim/sim-event.ts";
import { Simulation, type SimulationOptions } from "../../src/sim/simulation.ts";

export interface WorldOptions extends Partial<Omit<SimulationOptions, "limits">> {
  readonly limits?: Partial<SimulationLimits>;
}

/** A simulation of its own seed, without trace, journal or limits of its own unless asked for. */
export function newSimulation(options: WorldOptions = {}): Simulation {
  const { limits, ...others } = options;
  return new Simulation({
    seed: { high: 0, low: 1 },
    traceLevel: "none",
    stopAtEvent: undefined,
    watch: undefined,
    progress: undefined,
    realElapsedUs: undefined,
    ...others,
    limits: { ...defaultLimits, ...limits },
  });
}

/** Runs `script` as the test of a run on the virtual clock; throws whatever ended the run early. */
export async function runScript<T>(simulation: Simulation, script: () => Promise<T>): Promise<T> {
  let result: T | undefined;
  const finished = script().then(
    (value) => {
      result = value;
      simulation.stop();
    },
    (thrown: unknown) => simulation.fail(thrown),
  );
  await runVirtual(simulation);
  const { error } = simulation;
  // What a test's own assertion threw arrives wrapped: it was no error of a run.
  if (error instanceof HarnessFault && error.cause !== undefined) throw error.cause;
  if (error !== undefined) throw error;
  await finished;
  return result as T;
}

/** A life of a server that tests can end. */
export interface TestLife extends Incarnation {
  alive: boolean;
}

export function newLife(server: number): TestLife {
  return { server, alive: true };
}

/** The error that a promise rejects with; fails the test when it does not reject. */
export async function rejectionOf(promise: Promise<unknown>): Promise<Error> {
  const nothing = Symbol("nothing");
  const thrown: unknown = await promise.then(
    () => nothing,
    (error: unknown) => error,
  );
  if (thrown === nothing) throw new Error("expected a rejection, got none");
  if (!(thrown instanceof Error)) throw new Error(`expected an Error, got ${String(thrown)}`);
  return thrown;
}
