import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, extname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { exitCodes, UserError } from "../exit-codes.ts";
import { nearest } from "../nearest.ts";

const extensions = [".ts", ".mts", ".cts", ".tsx", ".js", ".mjs", ".cjs", ".jsx"];

/** The file of the module under test; undefined for the built-in Raft. Throws UserError when there is none. */
export function raftFile(given: string | undefined, directory: string): string | undefined {
  if (given === undefined) return undefined;
  if (given.startsWith("file:")) throw notLoaded(`'${given}' is a URL: expected a path${pathIn(given)}`);
  const path = resolve(directory, given);
  if (!existsSync(path)) throw notLoaded(`the file '${given}' does not exist${whatIsNear(given, path)}`);
  const file = statSync(path).isDirectory() ? fileOfDirectory(given, path) : path;
  if (!statSync(file).isFile()) throw notLoaded(`'${given}' is neither a file nor a directory`);
  if (!extensions.includes(extname(file)))
    throw notLoaded(`'${given}' is no TypeScript or JavaScript: expected a file with ${extensions.join(", ")}`);
  // Imports are relative to where the file really is.
  const real = realpathSync(file);
  if (basename(real).includes("*")) throw notLoaded(`'${given}' has a * in its name, which would stand for other files: rename it`);
  return real;
}

function pathIn(url: string): string {
  try {
    return `, such as '${fileURLToPath(url)}'`;
  } catch {
    return "";
  }
}

function notLoaded(sentence: string): UserError {
  return new UserError(`--raft: ${sentence}`, exitCodes.notLoaded);
}

/** As Node takes a directory: the main of its package.json, else its index. */
function fileOfDirectory(given: string, directory: string): string {
  const main = mainOf(given, directory);
  const named = main === undefined ? undefined : firstFile(resolve(directory, main));
  if (main !== undefined && named === undefined)
    throw notLoaded(`package.json of the directory '${given}' has the main '${main}', which does not exist`);
  const file = named ?? firstFile(join(directory, "index"));
  if (file === undefined)
    throw notLoaded(`'${given}' is a directory without an index file and without a main in its package.json; give the file of the Raft`);
  return file;
}

function mainOf(given: string, directory: string): string | undefined {
  const file = join(directory, "package.json");
  if (!existsSync(file)) return undefined;
  try {
    const { main } = JSON.parse(readFileSync(file, "utf8")) as { readonly main?: unknown };
    return typeof main === "string" && main !== "" ? main : undefined;
  } catch {
    throw notLoaded(`package.json of the directory '${given}' cannot be read as JSON`);
  }
}

function firstFile(path: string): string | undefined {
  const candidates = [
    path,
    ...extensions.map((extension) => `${path}${extension}`),
    ...extensions.map((extension) => join(path, `index${extension}`)),
  ];
  return candidates.find((candidate) => existsSync(candidate) && statSync(candidate).isFile());
}

/** The files that may have been meant, as the user would write them. */
function whatIsNear(given: string, path: string): string {
  const directory = dirname(path);
  if (!existsSync(directory)) return `, nor does the directory '${dirname(given)}'`;
  if (!statSync(directory).isDirectory()) return `: '${dirname(given)}' is a file`;
  const names = readdirSync(directory).filter((name) => extensions.includes(extname(name)));
  if (names.length === 0) return isPackageName(given) ? " (it takes a file, not the name of a package)" : "";
  const shown = nearest(basename(path), names).map((name) => join(dirname(given), name));
  return `; nearest: ${shown.join(", ")}`;
}

function isPackageName(given: string): boolean {
  return /^(@[\w.-]+\/)?[\w-][\w.-]*$/.test(given) && !extensions.includes(extname(given));
}
