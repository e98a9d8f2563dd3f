import { formatElapsed } from "../durations.ts";
import { type ProgressView, remainingMs, totalDone, totalExpected } from "./view.ts";

export interface Heartbeat {
  /** Something else has been shown: the silence begins anew. */
  quietUntilLater(): void;
  stop(): void;
}

/** Says in a line how far the runs are whenever nothing has been shown for `silenceMs`. */
export function startHeartbeat(view: ProgressView, silenceMs: number, tell: (line: string) => void): Heartbeat {
  let shownMs = performance.now();
  const timer = setInterval(
    () => {
      if (performance.now() - shownMs < silenceMs) return;
      shownMs = performance.now();
      tell(heartbeatLine(view));
    },
    Math.min(1000, silenceMs / 4),
  );
  return {
    quietUntilLater() {
      shownMs = performance.now();
    },
    stop: () => clearInterval(timer),
  };
}

export function heartbeatLine(view: ProgressView): string {
  const remaining = remainingMs(view);
  const left = remaining === undefined ? "" : `, about ${formatElapsed(remaining)} left`;
  const failed = view.tally.failed > 0 ? `, ${view.tally.failed} failed` : "";
  return `${formatElapsed(view.elapsedMs())} ${totalDone(view)} of ${totalExpected(view)} runs${failed}${left}`;
}
