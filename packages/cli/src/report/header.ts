import { formatDuration } from "../durations.ts";
import type { RunsStarted } from "../events.ts";
import { isCheckedMode, isExternal, type Options } from "../options.ts";

/** What checked mode is, for the line below the header. */
const checkedMode =
  "checked mode: every invariant after every event; adversarial order of simultaneous events (random ties, priorities, extra delays)";

/** A line that says what is run, and the seed that makes it again; in checked mode one that says so. */
export function header({ version, seed, tests, iterations, loop, workers, clock, raft }: RunsStarted, options: Options): string {
  const names = tests.length === 1 ? tests[0]!.name : `${tests.length} tests`;
  const rounds = loop ? ` × ${options.growth} per round` : "";
  const line = [
    `raft-stress ${version}`,
    `${names} × ${iterations}${rounds}`,
    `${workers} at a time`,
    `seed ${seed}`,
    ...(isExternal(options) ? [] : [`${clock} clock`]),
    raft === "built-in" ? "built-in Raft" : raft,
    ...(options.for === undefined ? [] : [`for ${formatDuration(options.for)}`]),
  ].join(" · ");
  return isCheckedMode(options) ? `${line}\n${checkedMode}` : line;
}
