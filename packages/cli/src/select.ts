import type { ClusterSizes, CoverageCounter } from "@raft-stress/harness";
import { exitCodes, UserError } from "./exit-codes.ts";
import { nearest } from "./nearest.ts";

/** What the command knows of a test. */
export interface TestInfo {
  readonly suite: string;
  readonly name: string;
  readonly alias: string;
  readonly part: string;
  /** The part in the numbering of the newer course years. */
  readonly aliasPart: string;
  readonly title: string;
  readonly servers: ClusterSizes;
  /** Counters that the test exists to raise. */
  readonly reaches?: readonly CoverageCounter[];
  /** Left out when nothing is named: it belongs to no course. */
  readonly onlyWhenNamed?: boolean;
}

export interface Selection {
  readonly tests: readonly TestInfo[];
  readonly warnings: readonly string[];
}

/**
 * The tests that the patterns name: each pattern expands to its tests in course order (the order of `catalogue`), a test is taken once.
 * No pattern names all but those that must be named. Throws UserError for a pattern that names none.
 */
export function selectTests(patterns: readonly string[], catalogue: readonly TestInfo[]): Selection {
  const warnings: string[] = [];
  const words = patterns.flatMap((pattern) => withoutCommas(pattern, warnings));
  if (words.length === 0) return { tests: catalogue.filter((test) => !test.onlyWhenNamed), warnings };
  const chosen = new Set<TestInfo>();
  for (const word of words) {
    for (const test of expand(word, catalogue)) chosen.add(test);
  }
  return { tests: [...chosen], warnings };
}

/** Commas come in when a list is pasted from another tool; a regular expression keeps its own. */
function withoutCommas(pattern: string, warnings: string[]): readonly string[] {
  if (!/^[\w:*?]+(,[\w:*?]+)*,*$/.test(pattern) || !pattern.includes(",")) return [pattern];
  const words = pattern.split(",").filter((word) => word !== "");
  warnings.push(`tests are separated by spaces: '${pattern}' is read as '${words.join(" ")}'`);
  return words;
}

function expand(word: string, catalogue: readonly TestInfo[]): readonly TestInfo[] {
  const { suite, pattern } = splitSuite(word, catalogue);
  const tests = suite === undefined ? catalogue : catalogue.filter((test) => test.suite === suite);
  const exact = tests.filter((test) => test.name === pattern || test.alias === pattern);
  if (exact.length > 0) return exact;
  const part = tests.filter((test) => [test.part, test.aliasPart].includes(pattern.toUpperCase()));
  if (part.length > 0) return unambiguous(pattern, part);
  const matching = byPattern(pattern, tests);
  if (matching.length > 0) return matching;
  throw noTest(word, tests);
}

function splitSuite(word: string, catalogue: readonly TestInfo[]): { readonly suite: string | undefined; readonly pattern: string } {
  const match = /^([a-z]+):(.+)$/.exec(word);
  if (!match) return { suite: undefined, pattern: word };
  const suites = [...new Set(catalogue.map((test) => test.suite))];
  if (!suites.includes(match[1]!)) {
    throw new UserError(`there is no suite '${match[1]}' (given as '${word}'); suites: ${suites.join(", ")}`, exitCodes.noTest);
  }
  return { suite: match[1], pattern: match[2]! };
}

/** Two suites may number a part alike. */
function unambiguous(part: string, tests: readonly TestInfo[]): readonly TestInfo[] {
  const suites = [...new Set(tests.map((test) => test.suite))];
  if (suites.length === 1) return tests;
  throw new UserError(
    `part '${part}' is in more than one suite: write ${suites.map((suite) => `${suite}:${part}`).join(" or ")}`,
    exitCodes.noTest,
  );
}

function byPattern(pattern: string, tests: readonly TestInfo[]): readonly TestInfo[] {
  const tries = [...(isGlob(pattern) ? [globExpression(pattern, "")] : []), expression(pattern, ""), expression(pattern, "i")];
  for (const tried of tries) {
    const found = tried ? tests.filter((test) => tried.test(test.name) || tried.test(test.alias)) : [];
    if (found.length > 0) return found;
  }
  if (!tries.some((tried) => tried !== undefined)) {
    throw new UserError(`'${pattern}' is neither a test, a part, a glob nor a regular expression: ${expressionFault(pattern)}`);
  }
  return [];
}

/** A pattern whose only special characters are those of a glob; `.*` makes it a regular expression. */
function isGlob(pattern: string): boolean {
  return /^[\w*?]+$/.test(pattern) && /[*?]/.test(pattern);
}

function globExpression(pattern: string, flags: string): RegExp {
  return new RegExp(`^${pattern.replaceAll("*", ".*").replaceAll("?", ".")}$`, flags);
}

function expression(pattern: string, flags: string): RegExp | undefined {
  try {
    return new RegExp(pattern, flags);
  } catch {
    return undefined;
  }
}

function expressionFault(pattern: string): string {
  try {
    new RegExp(pattern);
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}

function noTest(word: string, tests: readonly TestInfo[]): UserError {
  const names = tests.flatMap((test) => [test.name, test.alias]);
  const bare = word.replace(/^\w+:/, "");
  return new UserError(`no test is named or matched by '${word}'; nearest: ${nearest(bare, names).join(", ")}`, exitCodes.noTest);
}
