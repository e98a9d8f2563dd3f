import { dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { BundleText, Edit } from "./bundle-text.ts";

/**
 * What a module may know of its place. esbuild takes one text for all modules; so it puts in a name for the first file, and each module gets a name of its
 * own, of the same length, when it is known which code is whose.
 */
export const namesOfPlace: Readonly<Record<string, string>> = {
  "import.meta.url": nameOf("Url", 0),
  "import.meta.filename": nameOf("File", 0),
  "import.meta.dirname": nameOf("Directory", 0),
  "import.meta.resolve": nameOf("Resolve", 0),
  __filename: nameOf("File", 0),
  __dirname: nameOf("Directory", 0),
};

const values: Readonly<Record<string, (file: string) => string>> = {
  Url: (file) => JSON.stringify(pathToFileURL(file).href),
  File: (file) => JSON.stringify(file),
  Directory: (file) => JSON.stringify(dirname(file)),
  Resolve: (file) => `__raft.resolveFrom(${JSON.stringify(pathToFileURL(file).href)})`,
};

const most = 9999;

function nameOf(kind: string, number: number): string {
  return `__raft${kind}_${String(number).padStart(4, "0")}`;
}

/** The names' declarations, to be run before the code, and the edits that give each module its own. `file`: the first one. */
export function ownPlaces(text: BundleText, file: string): { readonly edits: readonly Edit[]; readonly head: string } {
  const edits: Edit[] = [];
  const declarations = new Set<string>();
  const numbers = new Map([[file, 0]]);
  for (const node of text.nodes()) {
    const kind = node.type === "Identifier" ? /^__raft([A-Z][a-z]+)_0000$/.exec(node.name)?.[1] : undefined;
    if (kind === undefined || !Object.hasOwn(values, kind)) continue;
    const own = resolve(dirname(file), text.fileOf(node) ?? file);
    if (!numbers.has(own) && numbers.size <= most) numbers.set(own, numbers.size);
    const name = nameOf(kind, numbers.get(own) ?? 0);
    declarations.add(`${name}=${values[kind]!(own)}`);
    edits.push({ start: node.start, end: node.end, text: name });
  }
  return { edits, head: declarations.size === 0 ? "" : `const ${[...declarations].join(",")};` };
}

/** The declarations for a bundle of which nothing is known. */
export function firstPlace(file: string): string {
  return `const ${Object.keys(values)
    .map((kind) => `${nameOf(kind, 0)}=${values[kind]!(file)}`)
    .join(",")};`;
}
