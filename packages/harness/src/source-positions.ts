import { existsSync, readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { relative } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** A frame's place: `file:///a/b.js:12:34` or `/a/b.js:12:34`. */
const place = /(file:\/\/[^\s()]+|\/[^\s():]+):(\d+):(\d+)/;

/** Frames of Node's and of our own event loop: below every stack, and of no help in any. */
const eventLoop = /\(?(node:internal\/|[^\s()]*\/harness\/(src|dist)\/(sim\/|net\/|ambient\/|iteration\.))/;

/**
 * Rewrites the places of a stack from compiled files to their sources, as far as maps lie beside them. Only failures need it, so maps are
 * read now and not when code is loaded, which would cost every start.
 */
export function withSourcePositions(stack: string): string {
  const maps = new Map<string, SourceMap | undefined>();
  return stack
    .split("\n")
    .filter((line) => !eventLoop.test(line))
    .map((line) =>
      line.replace(place, (whole, file: string, row: string, column: string) => original(maps, file, Number(row), Number(column)) ?? whole),
    )
    .join("\n");
}

function original(maps: Map<string, SourceMap | undefined>, file: string, row: number, column: number): string | undefined {
  const path = file.startsWith("file:") ? fileURLToPath(file) : file;
  if (!maps.has(path)) maps.set(path, readMap(path));
  const entry = maps.get(path)?.findEntry(row - 1, column - 1);
  if (entry === undefined || !("originalSource" in entry)) return undefined;
  const source = fileURLToPath(new URL(entry.originalSource, `file://${path}`));
  const shown = relative(process.cwd(), source);
  return `${shown.startsWith("..") ? source : shown}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
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
