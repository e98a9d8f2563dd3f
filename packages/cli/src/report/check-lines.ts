import { coverageCounters, coverageKeys, type Property, properties, propertyKeys } from "@raft-stress/harness/results";
import { looksOf, type Tally, type TestTally } from "../tally.ts";
import { grouped } from "./numbers.ts";

/** Longest line that lists are wrapped to. */
const width = 110;
/** Fewer runs of a test need not have reached all that it exists for. */
const leastRuns = 100;

/** Which invariants were looked at, and how often: a check that never looks proves nothing. Undefined when nothing was checked. */
export function checkedLines(tally: Tally): string | undefined {
  const looks = looksOf(tally);
  if (looks.length === 0) return undefined;
  const all = propertyKeys.map((key, i) => ({ property: properties[key] as Property, looks: looks[i]! }));
  const active = all.filter((checked) => checked.looks > 0).map(({ property, looks: count }) => `${property.name} ${grouped(count)}`);
  const idle = all.filter((checked) => checked.looks === 0).map(({ property }) => property);
  const shown = whatIsShown(looks);
  const blind = idle.filter(({ needs }) => !isMet(needs, shown));
  const unused = idle.filter((property) => !blind.includes(property));
  const lines = wrap(`invariants held at every event, with the number of looks: ${active.join(", ")}`);
  if (unused.length > 0) lines.push(...wrap(`without occasion: ${namesOf(unused)}`));
  if (blind.length > 0) {
    const lacking = [...(shown.messages ? [] : ["the RPC names of Figure 2"]), ...(shown.inspect ? [] : ["inspect()"])];
    lines.push(...wrap(`not checked, for this Raft shows too little of itself (${lacking.join(", ")}): ${namesOf(blind)}`));
  }
  return lines.join("\n");
}

interface Shown {
  readonly messages: boolean;
  readonly inspect: boolean;
}

/** Every election asks for votes, and every event is looked at through inspect(). */
function whatIsShown(looks: readonly number[]): Shown {
  const looksAt = (key: (typeof propertyKeys)[number]) => looks[propertyKeys.indexOf(key)] ?? 0;
  return { messages: looksAt("oneVote") > 0, inspect: looksAt("monotoneCommit") > 0 };
}

function isMet(needs: Property["needs"], { messages, inspect }: Shown): boolean {
  switch (needs) {
    case "nothing":
      return true;
    case "messages":
      return messages;
    case "inspect":
      return inspect;
    case "messages or inspect":
      return messages || inspect;
    case "messages and inspect":
      return messages && inspect;
  }
}

function namesOf(list: readonly Property[]): string {
  return list.map(({ name }) => name).join(", ");
}

/** For --stats: how often what tests exist for happened in all runs. Undefined when nothing was counted. */
export function coverageLines(tally: Tally): string | undefined {
  if (tally.tests.every(({ coverage }) => coverage.length === 0)) return undefined;
  const sums = coverageKeys.map((_, i) => tally.tests.reduce((sum, { coverage }) => sum + (coverage[i] ?? 0), 0));
  const happened = coverageKeys.filter((_, i) => sums[i]! > 0).map((key) => `${inWords(key)} ${grouped(sums[coverageKeys.indexOf(key)]!)}`);
  const never = coverageKeys.filter((_, i) => sums[i] === 0).map(inWords);
  const lines = wrap(`what happened in all runs: ${happened.join(", ")}`);
  if (never.length > 0) lines.push(...wrap(`never: ${never.join(", ")}`));
  return lines.join("\n");
}

/** A line for each test that has not reached in many runs what it exists for: its passing proves less than it seems to. */
export function unreachedLines(tally: Tally): readonly string[] {
  return tally.tests.flatMap((test) => unreached(test) ?? []);
}

function unreached({ test, total, failed, coverage }: TestTally): string | undefined {
  // Failed runs end early.
  if (total - failed < leastRuns || coverage.length === 0) return undefined;
  const missing = (test.reaches ?? []).filter((counter) => (coverage[coverageKeys.indexOf(counter)] ?? 0) === 0);
  if (missing.length === 0) return undefined;
  const what = missing.map((counter) => `${inWords(counter)} (${coverageCounters[counter]})`);
  return `${test.name} never reached in ${total} runs: ${what.join(", ")}`;
}

/** `staleReplies` -> `stale replies`. */
function inWords(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function wrap(text: string): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = `  ${word}`;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
