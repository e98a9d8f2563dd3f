import { SourceMap } from "node:module";
import { type AnyNode, type Comment, type Program, parse } from "acorn";
import { forEachChild } from "./names.ts";

/** Text that takes the place of some code, in such a way that no other code gets another line or column. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Where in a source some code comes from; line and column count from 0. */
export interface Origin {
  readonly source: string;
  readonly line: number;
  readonly column: number;
  /** What it is called there, if the bundle calls it something else. */
  readonly name: string | undefined;
}

/** The code of a bundle, and what can be known of it. */
export class BundleText {
  readonly code: string;
  readonly program: Program;
  /** Paths of the files that were bundled, in order, and where the code of each begins: esbuild says so in comments. */
  readonly #parts: { readonly start: number; readonly file: string }[] = [];
  readonly #lineStarts: readonly number[];
  readonly #mapJson: string;
  #map: SourceMap | undefined;

  /** `mapJson`: its source map, `files`: what esbuild calls the files in it. Throws when the code cannot be parsed. */
  constructor(code: string, mapJson: string, files: readonly string[]) {
    this.code = code;
    this.#mapJson = mapJson;
    this.#lineStarts = [0, ...[...code.matchAll(/\n/g)].map(({ index }) => index + 1)];
    const comments: Comment[] = [];
    const options = { ecmaVersion: "latest", sourceType: "script", allowReturnOutsideFunction: true, onComment: comments } as const;
    this.program = parse(code, options);
    const known = new Set(files);
    for (const { type, value, start } of comments) {
      const file = value.slice(1);
      if (type === "Line" && known.has(file) && this.#positionOf(start).column === 0) this.#parts.push({ start, file });
    }
  }

  /** Every node, each after those that it is in. Without recursion: generated code is nested deeply. */
  *nodes(): Generator<AnyNode> {
    const waiting: AnyNode[] = [this.program];
    for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
      yield node;
      forEachChild(node, (child) => waiting.push(child));
    }
  }

  /** What esbuild calls the file that some code comes from. */
  fileOf({ start }: AnyNode): string | undefined {
    return this.#parts.findLast((part) => part.start < start)?.file;
  }

  /** Undefined when the map does not speak of exactly this place. */
  originOf(node: AnyNode): Origin | undefined {
    const { line, column } = this.#positionOf(node.start);
    this.#map ??= new SourceMap(JSON.parse(this.#mapJson));
    const entry = this.#map.findEntry(line, column);
    if (!("originalSource" in entry) || entry.generatedLine !== line || entry.generatedColumn !== column) return undefined;
    // Node's types do not know of it.
    const { name } = entry as { readonly name?: string };
    return { source: entry.originalSource, line: entry.originalLine, column: entry.originalColumn, name };
  }

  /** `line:column`, counted as in stacks. */
  placeOf(node: AnyNode): string {
    const { line, column } = this.#positionOf(node.start);
    return `${line + 1}:${column + 1}`;
  }

  edited(edits: readonly Edit[]): string {
    const pieces: string[] = [];
    let done = 0;
    for (const { start, end, text } of edits.toSorted((a, b) => a.start - b.start)) {
      pieces.push(this.code.slice(done, start), text);
      done = end;
    }
    return [...pieces, this.code.slice(done)].join("");
  }

  #positionOf(offset: number): { readonly line: number; readonly column: number } {
    let line = 0;
    for (let beyond = this.#lineStarts.length; beyond - line > 1; ) {
      const middle = (line + beyond) >> 1;
      if (this.#lineStarts[middle]! <= offset) line = middle;
      else beyond = middle;
    }
    return { line, column: offset - this.#lineStarts[line]! };
  }
}
