import { catalogue } from "../catalogue.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Options } from "../options.ts";
import { createOutput } from "../output.ts";
import { selectTests, type TestInfo } from "../select.ts";
import { showSizes } from "../show-sizes.ts";

const beyondHeading = "Beyond the lab (run when named: 2X, a name or a pattern)";

/**
 * Prints the tests that a pattern names, all without one: name, alias, part, servers, description. Those beyond the lab come last, under a
 * heading. Returns the exit status.
 */
export async function list(patterns: readonly string[], options: Options): Promise<number> {
  const output = createOutput({ color: options.color, jsonOnStdout: false });
  const { tests, warnings } = patterns.length === 0 ? { tests: catalogue, warnings: [] } : selectTests(patterns, catalogue);
  for (const warning of warnings) output.tell(`raft-stress: ${warning}`);
  const ofLab = tests.filter((test) => !test.onlyWhenNamed);
  const beyond = tests.filter((test) => test.onlyWhenNamed);
  const lines = tableLines([...ofLab, ...beyond]);
  for (const line of lines.slice(0, ofLab.length)) output.print(line);
  if (beyond.length > 0) output.print(ofLab.length > 0 ? `\n${beyondHeading}` : beyondHeading);
  for (const line of lines.slice(ofLab.length)) output.print(line);
  return exitCodes.passed;
}

function tableLines(tests: readonly TestInfo[]): string[] {
  const rows = tests.map((test) => [test.name, test.alias, test.part, `${showSizes(test.servers)} servers`, test.title]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "));
}
