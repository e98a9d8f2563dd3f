import { type Tally, type TestTally, type WatchedNumber, watchedNumbers } from "../tally.ts";

/** Fewer runs say little about what is usual. */
const leastRuns = 10;
/** How far a run must be from the others, in their standard deviations, and as a multiple of their mean. */
const deviations = 6;
const multiple = 1.5;

const units: Readonly<Record<WatchedNumber, string>> = { seconds: "s", rpcs: "RPCs", bytes: "bytes" };

/** A line for each passing run that took far more time, RPCs or bytes than all others of its test. */
export function outlierLines(tally: Tally): readonly string[] {
  return tally.tests.flatMap((test) => watchedNumbers.flatMap((name) => outlierLine(test, name) ?? []));
}

function outlierLine({ test, usual, largest }: TestTally, name: WatchedNumber): string | undefined {
  const found = largest[name];
  const all = usual[name];
  if (!found || all.count < leastRuns) return undefined;
  const { mean, deviation } = all.without(found.value);
  if (found.value < mean + deviations * deviation || found.value < mean * multiple) return undefined;
  const decimals = name === "seconds" ? 2 : 0;
  const number = (value: number) => value.toFixed(decimals);
  const others = `the ${all.count - 1} other passing runs took ${number(mean)} ± ${number(deviation)}`;
  const where = found.log === undefined ? `seed ${found.seed}` : found.log;
  return `${test.name}: iteration ${found.iteration} took ${number(found.value)} ${units[name]}, ${others} (${where})`;
}
