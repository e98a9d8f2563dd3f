import { readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { go } from "./go-package.ts";

/** The sources that a test binary was made from, as they were then. */
export class GoSources {
  readonly #directories: readonly string[];
  readonly #seen: ReadonlyMap<string, number>;
  readonly #compiledAt: Date;

  private constructor(directories: readonly string[], compiledAt: Date) {
    this.#directories = directories;
    this.#seen = modificationTimes(directories);
    this.#compiledAt = compiledAt;
  }

  /** To be called before the compiler is: what changes from then on is told. */
  static async of(directory: string, tags: string | undefined): Promise<GoSources> {
    const compiledAt = new Date();
    const format = "{{if and (not .Standard) .Module}}{{if .Module.Main}}{{.Dir}}{{end}}{{end}}";
    const listed = await go(directory, ["list", "-deps", "-test", ...(tags === undefined ? [] : ["-tags", tags]), "-f", format, "."]);
    const directories = listed.exitCode === 0 ? listed.text.split("\n").filter((line) => line.startsWith("/")) : [];
    return new GoSources([...new Set([directory, ...directories])], compiledAt);
  }

  /** A sentence when a source has changed since; undefined: none has. */
  remark(): string | undefined {
    const now = modificationTimes(this.#directories);
    const files = new Set([...now.keys(), ...this.#seen.keys()]);
    const changed = [...files].filter((file) => now.get(file) !== this.#seen.get(file) || now.get(file)! > this.#compiledAt.getTime());
    if (changed.length === 0) return undefined;
    const more = changed.length > 1 ? ` and ${changed.length - 1} more have` : " has";
    const time = this.#compiledAt.toTimeString().slice(0, 8);
    return `${basename(changed[0]!)}${more} changed since the tests were compiled (${time}): these runs are of the older sources`;
  }
}

function modificationTimes(directories: readonly string[]): ReadonlyMap<string, number> {
  const times = new Map<string, number>();
  for (const directory of directories) {
    for (const name of namesIn(directory)) {
      if (!/\.(?:go|s|c|h)$|^go\.(?:mod|sum)$/.test(name)) continue;
      const path = join(directory, name);
      times.set(path, statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0);
    }
  }
  return times;
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
