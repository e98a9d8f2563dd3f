import { catalogue } from "../catalogue.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Options } from "../options.ts";
import { createOutput } from "../output.ts";
import { selectTests } from "../select.ts";

/** Prints the tests that a pattern names, all without one: name, alias, part, servers, description. Returns the exit status. */
export async function list(patterns: readonly string[], options: Options): Promise<number> {
  const output = createOutput({ color: options.color, jsonOnStdout: false });
  const { tests, warnings } = selectTests(patterns, catalogue);
  for (const warning of warnings) output.tell(`raft-stress: ${warning}`);
  const rows = tests.map((test) => [test.name, test.alias, test.part, `${test.servers} servers`, test.title]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  for (const row of rows) output.print(row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "));
  return exitCodes.passed;
}
