import { type Ambient, installAmbient } from "../../src/ambient/install.ts";
import { HarnessFault, type RunError } from "../../src/failure.ts";
import { Host } from "../../src/sim/host.ts";
import { randomKeys } from "../../src/sim/random-keys.ts";
import { runVirtual } from "../../src/sim/run-loop.ts";
import type { Simulation } from "../../src/sim/simulation.ts";
import { newLife, newSimulation, type TestLife, type WorldOptions } from "./world.ts";

/** Gives the globals of this thread to the simulation while `act` runs. */
export async function withAmbient<T>(act: (ambient: Ambient) => T | Promise<T>): Promise<T> {
  // The test runner replaces process.nextTick while it sends, and puts it back a tick later: not into ours.
  await new Promise((resolve) => setImmediate(resolve));
  const ambient = installAmbient();
  try {
    return await act(ambient);
  } finally {
    ambient.uninstall();
  }
}

/** What the code of a server is given. */
export interface Server {
  readonly life: TestLife;
  readonly simulation: Simulation;
  readonly ambient: Ambient;
}

export type Program<T> = (server: Server) => T | Promise<T>;

export interface ProgramRun<T> {
  readonly value: T | undefined;
  readonly error: RunError | undefined;
  readonly hash: string;
  readonly events: number;
  readonly nowMs: number;
  readonly trace: string;
}

/** Lets each program be the code of a server of its own, in one run on the virtual clock that ends when all have. */
export async function runServers<T>(
  programs: readonly Program<T>[],
  options: WorldOptions = {},
  ambient?: Ambient,
): Promise<ProgramRun<T[]>> {
  if (ambient === undefined) return withAmbient((installed) => runServers(programs, options, installed));
  const simulation = newSimulation(options);
  const lives = programs.map((_, server) => boot(simulation, server));
  const values = Promise.all(
    programs.map((program, i) => simulation.enter(lives[i]!, "the program", () => program({ life: lives[i]!, simulation, ambient }))),
  );
  let value: T[] | undefined;
  void values.then(
    (all) => {
      value = all;
      simulation.stop();
    },
    (thrown: unknown) => simulation.fail(thrown),
  );
  await runVirtual(simulation);
  const { error } = simulation;
  // What a program's own assertion threw arrives wrapped: it was no error of a run.
  if (error instanceof HarnessFault) throw error.cause ?? error;
  const { hash, events, nowMs, trace } = simulation;
  return { value, error, hash: hash.toString(), events, nowMs, trace: trace.text() };
}

/** The same for one server. */
export async function runServer<T>(program: Program<T>, options?: WorldOptions, ambient?: Ambient): Promise<ProgramRun<T>> {
  const { value, ...run } = await runServers([program], options, ambient);
  return { ...run, value: value?.[0] };
}

/** What a server's program came to; throws what ended its run early. */
export async function onServer<T>(program: Program<T>, options?: WorldOptions): Promise<T> {
  const { value, error } = await runServer(program, options);
  if (error !== undefined) throw error;
  return value as T;
}

/** A new life of a server, in the place of the last one. */
export function boot(simulation: Simulation, server: number): TestLife {
  const life = newLife(server);
  const former = simulation.hosts[server];
  const lives = former === undefined ? 0 : 1 + livesOf.get(former.life)!;
  livesOf.set(life, lives);
  simulation.hosts[server] = new Host(life, () => simulation.stream(randomKeys.ambient, server, lives));
  return life;
}

const livesOf = new WeakMap<object, number>();

/** The result of the same code with Node's own globals, and as a server's; each is called from a macrotask. */
export async function realAndSimulated<T>(code: () => T | Promise<T>): Promise<{ real: T; simulated: T }> {
  const real = await new Promise<T>((resolve) => setImmediate(() => resolve(code())));
  return { real, simulated: await onServer(code) };
}

/** What a call throws or rejects with, as far as code can depend on it. */
export async function shapeOfError(call: () => unknown): Promise<object | string> {
  try {
    await call();
  } catch (thrown) {
    const { name, message, code, cause } = thrown as Error & { code?: unknown };
    return {
      name,
      message,
      code,
      cause: cause === undefined ? undefined : String(cause),
      isError: thrown instanceof Error,
      className: (thrown as object).constructor.name,
    };
  }
  return "nothing thrown";
}
