import { formatDuration } from "../durations.ts";
import type { RunsStarted } from "../events.ts";
import { isExternal, type Options } from "../options.ts";

/** One line that says what is run, and the seed that makes it again. */
export function header({ version, seed, tests, iterations, loop, workers, clock, raft }: RunsStarted, options: Options): string {
  const names = tests.length === 1 ? tests[0]!.name : `${tests.length} tests`;
  const rounds = loop ? ` × ${options.growth} per round` : "";
  return [
    `raft-stress ${version}`,
    `${names} × ${iterations}${rounds}`,
    `${workers} at a time`,
    `seed ${seed}`,
    ...(isExternal(options) ? [] : [`${clock} clock`]),
    raft === "built-in" ? "built-in Raft" : raft,
    ...(options.for === undefined ? [] : [`for ${formatDuration(options.for)}`]),
  ].join(" · ");
}
