import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { coverageCounters } from "../../src/check/coverage.ts";
import { type Property, properties } from "../../src/check/properties.ts";

/** docs/what-is-checked.md says of each property what the catalogue says, and shows what its violation looks like. */

const page = readFileSync(new URL("../../../../docs/what-is-checked.md", import.meta.url), "utf8");
const all: readonly Property[] = Object.values(properties);

/** The text below a heading, up to the next one of its level or above. */
function section(heading: string): string {
  const level = heading.indexOf(" ");
  const lines = page.split("\n");
  const from = lines.indexOf(heading);
  if (from < 0) throw new Error(`docs/what-is-checked.md has no heading '${heading}'`);
  const length = lines.slice(from + 1).findIndex((line) => /^#+ /.test(line) && line.indexOf(" ") <= level);
  return lines.slice(from + 1, length < 0 ? undefined : from + 1 + length).join("\n");
}

it("the page has a section for each property and for nothing else, in the order of results", () => {
  const headings = section("## The properties").match(/^### .*$/gm);
  expect(headings).toEqual(all.map(({ name }) => `### ${name}`));
});

it.each(all)("$name: source, needs, what it says, and a violation", ({ name, source, needs }) => {
  const [facts, text, ...example] = section(`### ${name}`).trim().split("\n\n");
  expect(facts).toBe(`Source: ${source}. Needs: ${needs}.`);
  expect(text!.match(/\.( |$)/gm)!.length).toBeGreaterThanOrEqual(2);
  expect(example).toHaveLength(1);
  const [sentence, ...events] = example[0]!.split("\n");
  expect(sentence!.startsWith(`    ${name}: `)).toBe(true);
  const evidence = events.filter((line) => !line.startsWith("          on its disk then: "));
  expect(evidence.length).toBeGreaterThan(0);
  const numbers = evidence.map((line) => Number(/^ {6}#(\d+) {2}\d+\.\d{3} s {2}\S/.exec(line)?.[1]));
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
});

it("the counters are those of the results, with their meaning", () => {
  const rows = section("## What the counters mean")
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .slice(2);
  const inWords = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  expect(rows).toEqual(Object.entries(coverageCounters).map(([name, meaning]) => `| ${inWords(name)} | ${meaning} |`));
});
