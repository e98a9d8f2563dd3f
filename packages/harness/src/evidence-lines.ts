import type { Evidence } from "./failure.ts";

/** One of the events that contradict each other, as text: a line, and one more for what was on disk then. */
export function evidenceLines({ event, atMs, text, disk }: Evidence): readonly string[] {
  const line = `#${event}  ${(atMs / 1000).toFixed(3)} s  ${text}`;
  return disk === undefined ? [line] : [line, `    on its disk then: ${disk}`];
}
