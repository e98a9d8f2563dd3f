import type { Reporter } from "../events.ts";
import type { Options } from "../options.ts";
import type { Output } from "../output.ts";
import { createPaints } from "../paint.ts";
import { startHeartbeat } from "./heartbeat.ts";
import type { Panel } from "./panel.ts";
import type { ProgressView } from "./view.ts";

/** What shows that the command is alive. */
export interface Progress {
  /** Prints a line of the command's own output, above the panel if there is one. */
  print(line: string): void;
  /** The same for stderr. */
  tell(line: string): void;
  stop(): void;
}

const silenceMs = 30_000;
const lineEveryMs = 2_000;

type Kind = "panel" | "line" | "heartbeat" | "none";

function progressKind({ progress, reporter, quiet }: Options, output: Output): Kind {
  if (quiet) return "none";
  const asked = reporter?.includes("panel") ? "panel" : reporter?.includes("line") ? "line" : reporter ? "none" : progress;
  const canPanel = process.stderr.isTTY && process.env.TERM !== "dumb";
  if (asked === "auto") return canPanel && !process.env.CI ? "panel" : "heartbeat";
  if (asked === "panel" && !canPanel) {
    output.tell("raft-stress: the panel needs a terminal; progress is shown in lines");
    return "line";
  }
  return asked;
}

export function startProgress(view: ProgressView, options: Options, output: Output): Progress {
  const kind = progressKind(options, output);
  switch (kind) {
    case "none":
      return { print: output.print, tell: output.tell, stop() {} };
    case "panel":
      return panelProgress(view, output, options.clock);
    case "line":
    case "heartbeat": {
      const heartbeat = startHeartbeat(view, kind === "line" ? lineEveryMs : silenceMs, output.tell);
      return {
        print(line) {
          heartbeat.quietUntilLater();
          output.print(line);
        },
        tell(line) {
          heartbeat.quietUntilLater();
          output.tell(line);
        },
        stop: heartbeat.stop,
      };
    }
  }
}

/** Every line that is printed makes the panel draw itself again: lines wait for each other for a tenth of a second. */
function panelProgress(view: ProgressView, output: Output, clock: Options["clock"]): Progress {
  let panel: Panel | undefined;
  let stopped = false;
  const waiting = { print: [] as string[], tell: [] as string[] };
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    for (const way of ["print", "tell"] as const) {
      if (waiting[way].length > 0) output[way](waiting[way].splice(0).join("\n"));
    }
  };
  const wait = (way: keyof typeof waiting, line: string) => {
    waiting[way].push(line);
    timer ??= setTimeout(flush, 100);
  };
  void import("./panel.ts")
    .then(({ startPanel }) => startPanel(view, createPaints(output.colour.tell), clock))
    .then((started) => {
      if (stopped) started.stop();
      else panel = started;
    });
  return {
    print: (line) => wait("print", line),
    tell: (line) => wait("tell", line),
    stop() {
      stopped = true;
      panel?.stop();
      flush();
    },
  };
}

/** A line for each failed run, as it happens. */
export function failureLines(progress: Pick<Progress, "print">, red: (text: string) => string): Reporter {
  return (event) => {
    if (event.type !== "run" || event.result.outcome === "pass") return;
    const { result, log } = event;
    const load = result.external?.underLoad ? " (under load)" : "";
    progress.print(`${red("Failed test")} ${result.job.test} - ${log ?? result.failure?.reason ?? result.outcome}${load}`);
  };
}
