import { existsSync, readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { isAbsolute, relative, sep } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** A frame's place: `file:///a/b.js:12:34` or `/a/b.js:12:34`. */
const place = /(file:\/\/[^\s()]+|\/[^\s():]+):(\d+):(\d+)/;

/** Frames of Node's and of our own event loop: below every stack, and of no help in any. */
const eventLoop = /\(?(node:internal\/|[^\s()]*\/harness\/(src|dist)\/(sim\/|net\/|ambient\/|iteration\.))/;

/** A frame in a file or inside Node. */
const fileFrame = /^\s+at (?:.* \()?(?:file:\/\/|\/|[A-Za-z]:\\|node:internal\/)/;

/** A script that was made in memory. */
interface Script {
  readonly name: string;
  readonly mapJson: string;
  /** What functions and classes are called in the sources, by their names in the script. */
  readonly ownNames: Readonly<Record<string, string>>;
  /** Parsed when a place is first shown: most threads show none. */
  map: SourceMap | undefined;
}

const scripts: Script[] = [];

/**
 * From now on a place in this script is shown as the one in its sources, which the map names by absolute paths, and a function or class that has another
 * name there by that.
 */
export function registerSourceMap(scriptName: string, mapJson: string, ownNames: Readonly<Record<string, string>> = {}): void {
  scripts.push({ name: scriptName, mapJson, ownNames, map: undefined });
}

/** Shows places in registered scripts as those of their sources, wherever in a text they occur. */
export function withScriptPositions(text: string): string {
  let shown = text;
  for (const script of scripts) {
    const pieces = shown.split(`${script.name}:`);
    // Before each piece but the first stood the script's name.
    shown = pieces
      .map((piece, i) => (i === 0 ? piece : piece.replace(/^(\d+):(\d+)|^/, (...match) => scriptPlace(script, match))))
      .map((piece) => withOwnNames(piece, script))
      .join("");
  }
  return shown;
}

/** The function of the frame whose place follows: `at async Vote2.give (`. */
function withOwnNames(text: string, { ownNames }: Script): string {
  return text.replace(/(?<= at (?:async |new )?)[^\s()]+(?= (?:\[as [^\]]*\] )?\($)/, (called) =>
    called
      .split(".")
      .map((name) => (Object.hasOwn(ownNames, name) ? ownNames[name] : name))
      .join("."),
  );
}

function scriptPlace(script: Script, [whole, row, column]: readonly string[]): string {
  const raw = `${script.name}:${whole}`;
  if (row === undefined) return raw;
  script.map ??= new SourceMap(JSON.parse(script.mapJson));
  const entry = script.map.findEntry(Number(row) - 1, Number(column) - 1);
  if (!("originalSource" in entry)) return raw;
  return `${shownPath(entry.originalSource)}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
}

/**
 * Rewrites the places of a stack to those of the sources: for a registered script, and for compiled files beside which a map lies. Only failures need
 * it, so maps are read now and not when code is loaded, which would cost every start.
 */
export function withSourcePositions(stack: string): string {
  const lines = stack.split("\n");
  // A script has all of its own code within: the files below it are ours.
  if (scripts.some(({ name }) => stack.includes(`${name}:`)))
    return withScriptPositions(lines.filter((line) => !fileFrame.test(line)).join("\n"));
  const maps = new Map<string, SourceMap | undefined>();
  return lines
    .map((line) =>
      line.replace(place, (whole, file: string, row: string, column: string) => original(maps, file, Number(row), Number(column)) ?? whole),
    )
    .filter((line) => !eventLoop.test(line))
    .join("\n");
}

/** The topmost frame of a stack that has a place in a file, as `file:line:column (function)`; undefined when none has. */
export function firstPlace(stack: string): string | undefined {
  for (const line of stack.split("\n")) {
    const named = /^\s+at (.+) \((.+:\d+:\d+)\)$/.exec(line);
    const bare = named === null ? /^\s+at (?:async )?(.+:\d+:\d+)$/.exec(line) : null;
    const found = named?.[2] ?? bare?.[1];
    if (found !== undefined && !found.startsWith("node:")) return named === null ? found : `${found} (${named[1]})`;
  }
  return undefined;
}

/** A path as the user would write it: relative when it is below the current directory. */
export function shownPath(path: string): string {
  const shown = relative(process.cwd(), path);
  return shown === ".." || shown.startsWith(`..${sep}`) || isAbsolute(shown) ? path : shown;
}

function original(maps: Map<string, SourceMap | undefined>, file: string, row: number, column: number): string | undefined {
  const path = file.startsWith("file:") ? fileURLToPath(file) : file;
  if (!maps.has(path)) maps.set(path, readMap(path));
  const entry = maps.get(path)?.findEntry(row - 1, column - 1);
  if (entry === undefined || !("originalSource" in entry)) return undefined;
  const source = fileURLToPath(new URL(entry.originalSource, `file://${path}`));
  return `${shownPath(source)}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
}

function readMap(path: string): SourceMap | undefined {
  const mapFile = `${path}.map`;
  if (!path.endsWith("js") || !existsSync(mapFile)) return undefined;
  try {
    return new SourceMap(JSON.parse(readFileSync(mapFile, "utf8")));
  } catch {
    // A stack with compiled places is better than none.
    return undefined;
  }
}
