import type { ClockKind } from "@raft-stress/harness";
import type { Ora } from "ora";
import type { Paints } from "../paint.ts";
import { testLines, totalLine } from "./panel-lines.ts";
import type { ProgressView } from "./view.ts";

/**
 * Pictures follow each other at this pace, in real milliseconds: events only change the tally. On the real clock less happens, and drawing would take as much of a
 * processor as twenty runs that wait.
 */
const frameMs = { virtual: 100, real: 400 } as const;

export interface Panel {
  /** Clears the panel and gives the cursor back. */
  stop(): void;
}

/** The live panel on stderr. Loads ora, which nothing else needs. */
export async function startPanel(view: ProgressView, paint: Paints, clock: ClockKind): Promise<Panel> {
  const { default: ora } = await import("ora");
  const stream = process.stderr;
  let frame = 0;
  const columns = () => Math.max(20, (stream.columns ?? 80) - 1);
  const spinner: Ora = ora({
    stream,
    discardStdin: false,
    isEnabled: true,
    color: paint.on ? "cyan" : false,
    spinner: { interval: frameMs[clock], frames: ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"] },
    suffixText() {
      frame++;
      const rows = testLines(view, { columns: columns(), rows: stream.rows ?? 24 }, frame, paint);
      return [totalLine(view, columns() - 3, paint), ...rows].join("\n");
    },
  });
  spinner.start();
  return { stop: () => void spinner.stop() };
}
