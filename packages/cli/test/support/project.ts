import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { newDirectory } from "./command.ts";

/** A new directory of a user's, with these files by their paths in it. */
export function project(files: Readonly<Record<string, string>>): string {
  const directory = newDirectory();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  return directory;
}
