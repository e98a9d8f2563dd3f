import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, resolve } from "node:path";
import { shownPath } from "@raft-stress/harness/results";
import { type Expression, type ObjectExpression, parseExpressionAt } from "acorn";
import type { Message } from "esbuild";

/** The first warning that settings of the user's are missing: without them the code may mean something else. `file`: the one that is loaded. */
export function missingSettings(warnings: readonly Message[], file: string): Message | undefined {
  return warnings.find(({ text, location }) => {
    if (location === null || !text.startsWith("Cannot find base config file")) return false;
    const settings = resolve(dirname(file), location.file);
    return !settings.includes("node_modules") && !isOutOfForce(settings, file);
  });
}

/** The tsconfig.json of a directory above another one's. esbuild reads it all the same. */
function isOutOfForce(settings: string, file: string): boolean {
  if (basename(settings) !== "tsconfig.json" || !file.startsWith(join(dirname(settings), "/"))) return false;
  return settings !== nearestSettings(file);
}

function nearestSettings(file: string): string | undefined {
  for (let directory = dirname(file), last = file; directory !== last; last = directory, directory = dirname(directory)) {
    const settings = join(directory, "tsconfig.json");
    if (existsSync(settings)) return settings;
  }
  return undefined;
}

/**
 * Why decorators of a bundle do not do what they do when TypeScript compiles them; undefined when they do. esbuild knows no types, so that it cannot write
 * down those of what is decorated. It matters to code that reads them.
 */
export function lostMetadata(code: string, file: string): string | undefined {
  const key = /["'`](design:(?:type|paramtypes|returntype))["'`]/.exec(code)?.[1];
  if (key === undefined || !code.includes("__decorateClass(")) return undefined;
  const settings = nearestSettings(file);
  if (settings === undefined || !emitsMetadata(settings)) return undefined;
  return `${shownPath(settings)} sets emitDecoratorMetadata, and the code reads "${key}", but types are dropped when it is loaded: give the decorators what they need as arguments, or compile with tsc and give the JavaScript`;
}

/** What cannot be read sets nothing: esbuild has told by then. */
function emitsMetadata(settings: string, depth = 0): boolean {
  if (depth > 10) return false;
  try {
    // JSON with comments and trailing commas.
    const root = parseExpressionAt(readFileSync(settings, "utf8"), 0, { ecmaVersion: "latest" });
    const own = propertyOf(propertyOf(root, "compilerOptions"), "emitDecoratorMetadata");
    if (own?.type === "Literal") return own.value === true;
    return basesOf(propertyOf(root, "extends")).some((base) => emitsMetadata(fileOfBase(base, settings), depth + 1));
  } catch {
    return false;
  }
}

function propertyOf(node: Expression | undefined, key: string): Expression | undefined {
  if (node?.type !== "ObjectExpression") return undefined;
  return (node as ObjectExpression).properties.flatMap((property) =>
    property.type === "Property" && property.key.type === "Literal" && property.key.value === key ? [property.value] : [],
  )[0];
}

function basesOf(node: Expression | undefined): string[] {
  const nodes = node?.type === "ArrayExpression" ? node.elements : [node];
  return nodes.flatMap((base) => (base?.type === "Literal" && typeof base.value === "string" ? [base.value] : []));
}

function fileOfBase(base: string, settings: string): string {
  const { resolve: find } = createRequire(settings);
  const candidates = /^\.{0,2}\//.test(base) ? [resolve(dirname(settings), base)] : [base, `${base}/tsconfig.json`];
  for (const candidate of candidates.flatMap((name) => [name, `${name}.json`])) {
    try {
      return find(candidate);
    } catch {}
  }
  throw new Error(`no ${base}`);
}
