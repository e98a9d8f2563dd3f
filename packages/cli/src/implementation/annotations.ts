import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Message, Metafile } from "esbuild";

/** What esbuild has found out. */
interface Build {
  readonly metafile: Metafile;
  readonly warnings: readonly Message[];
}

/**
 * Whether the user's own code is annotated as having no effects: by `sideEffects` in a package.json, or by comments. Node knows nothing of annotations, and runs
 * all modules that are imported. For packages they are believed: to evaluate all of one, for each server at each boot, would take many times as long as the
 * run. For the user's own files they are not, least of all where he imports a module for its effect alone. `own`: files of ours are no user's.
 */
export function isAnnotated({ metafile, warnings }: Build, directory: string, own: readonly string[]): boolean {
  const isUsers = (file: string) => !file.includes("node_modules/") && !own.some((ours) => file.startsWith(dirname(ours)));
  const files = Object.keys(metafile.inputs).map((name) => resolve(directory, name));
  const users = files.filter(isUsers);
  if (warnings.some(({ id, location }) => id === "ignored-bare-import" && isUsers(resolve(directory, location?.file ?? "")))) return true;
  if ([...new Set(users.map((file) => nearestPackage(dirname(file))))].some(saysSideEffects)) return true;
  return users.some((file) => /[@#]__(?:PURE|NO_SIDE_EFFECTS)__/.test(textOf(file)));
}

function nearestPackage(directory: string): string | undefined {
  const file = join(directory, "package.json");
  if (existsSync(file)) return file;
  return dirname(directory) === directory ? undefined : nearestPackage(dirname(directory));
}

function saysSideEffects(file: string | undefined): boolean {
  return file !== undefined && textOf(file).includes('"sideEffects"');
}

function textOf(file: string): string {
  // Not all that is bundled is a file of its own.
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}
