import { readFileSync } from "node:fs";
import { extname, resolve } from "node:path";
import type { Metafile } from "esbuild";

/**
 * Whether a bundle is strict. ECMAScript modules are, CommonJS is only if it says so, and a bundle can only be strict as a whole. It is, unless it contains
 * CommonJS that was written for sloppy rules.
 */
export function isStrict({ inputs }: Metafile, directory: string): boolean {
  return Object.entries(inputs).every(([path, { format }]) => {
    if (format === "esm" || [".json", ".ts", ".mts", ".mjs", ".tsx"].includes(extname(path))) return true;
    return saysStrict(readFileSync(resolve(directory, path), "utf8"));
  });
}

/** What may stand before `"use strict"`, one at a time: together in one expression they could be told apart in exponentially many ways. */
const insignificant = /\s+|\/\/.*|\/\*[\s\S]*?\*\/|#!.*/y;
const directive = /["']use strict["']/y;

/** Whether a text begins with `"use strict"`, but for comments. */
export function saysStrict(text: string): boolean {
  insignificant.lastIndex = 0;
  directive.lastIndex = 0;
  while (insignificant.test(text)) directive.lastIndex = insignificant.lastIndex;
  return directive.test(text);
}
