import { Console } from "node:console";
import { virtualNowMs } from "./time.ts";
import { currentHost, currentWorld } from "./world.ts";

/** What is written goes into the run's trace, as lines of the server that wrote it. */
function write(topic: string, text: string): void {
  const host = currentHost();
  if (host === undefined || !host.life.alive) return;
  currentWorld()?.trace.line(topic, host.life.server, text.replace(/\n$/, ""));
}

/** As much of a stream as a console and ordinary code ask of stdout and stderr. */
export function traceStream(topic: string): object {
  return {
    write(text: unknown, ...rest: unknown[]): boolean {
      write(topic, typeof text === "string" ? text : Buffer.from(text as Uint8Array).toString());
      const callback = rest.at(-1);
      if (typeof callback === "function") queueMicrotask(() => callback(null));
      return true;
    },
    isTTY: false,
    columns: 80,
    on() {},
    once() {},
    end() {},
    emit() {},
    listenerCount: () => 0,
    removeListener() {},
  };
}

/** Methods that only write: while no trace is recorded there is nothing to format. */
const writers = ["log", "info", "debug", "warn", "error", "trace", "dir", "dirxml", "table", "assert"] as const;

/** A console that writes into the run's trace: warnings as WARN, errors as ERRO, all else as INFO. */
export function simulatedConsole(): object {
  const make = (topic: string) =>
    new Console({ stdout: traceStream("INFO") as never, stderr: traceStream(topic) as never, colorMode: false });
  const errors = make("ERRO");
  const warnings = make("WARN");
  const starts = new Map<string, number>();
  const elapsed = (label = "default"): string => `${label}: ${(virtualNowMs() - (starts.get(label) ?? virtualNowMs())).toFixed(3)}ms`;
  const simulated = Object.assign(errors, {
    warn: warnings.warn,
    time: (label = "default") => void starts.set(label, virtualNowMs()),
    timeLog: (label?: string, ...data: unknown[]) => errors.log(elapsed(label), ...data),
    timeEnd(label = "default") {
      errors.log(elapsed(label));
      starts.delete(label);
    },
  });
  const target = simulated as unknown as Record<string, (...args: unknown[]) => void>;
  for (const name of writers) {
    const method = target[name]!;
    target[name] = (...args) => {
      if (currentWorld()?.trace.debugOn) method.apply(simulated, args);
    };
  }
  return simulated;
}
