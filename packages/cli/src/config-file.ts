import { existsSync, readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { OptionSource, RawOptions } from "./complete-options.ts";
import { UserError } from "./exit-codes.ts";
import { nearest } from "./nearest.ts";
import { longName, type OptionName, optionNames } from "./options.ts";

const usualNames = ["raft-stress.config.json", "raft-stress.config.mjs", "raft-stress.config.js"];

/** Options that say where the configuration is cannot come from it. */
const notInAFile: readonly OptionName[] = ["config", "profile"];

type Section = Readonly<Record<string, unknown>>;

/**
 * The sources that a configuration file adds, the profile before the file's own values. Without `file`, a file of a usual name in
 * `directory` is taken if there is one. Throws UserError.
 */
export async function configSources(
  file: string | undefined,
  profile: string | undefined,
  directory: string,
): Promise<readonly OptionSource[]> {
  const path =
    file === undefined ? usualNames.map((name) => resolve(directory, name)).find((name) => existsSync(name)) : resolve(directory, file);
  if (path === undefined) {
    if (profile === undefined) return [];
    throw new UserError(
      `--profile ${profile} needs a configuration file: none of ${usualNames.join(", ")} is here, and no --config was given`,
    );
  }
  const shown = file ?? basename(path);
  const { profiles, ...top } = asSection(await read(path, shown), shown);
  const sources = [source(top, shown)];
  if (profile !== undefined) {
    const known = asSection(profiles ?? {}, `${shown}: profiles`);
    if (!Object.hasOwn(known, profile)) {
      const names = Object.keys(known);
      throw new UserError(`no profile '${profile}' in ${shown}; ${names.length > 0 ? `it has ${names.join(", ")}` : "it has none"}`);
    }
    sources.unshift(source(asSection(known[profile], `${shown}: ${profile}`), `${shown}: ${profile}`));
  }
  return sources;
}

async function read(path: string, shown: string): Promise<unknown> {
  if (!existsSync(path)) throw new UserError(`configuration file '${shown}' does not exist`);
  try {
    if (path.endsWith(".json")) return JSON.parse(readFileSync(path, "utf8"));
    const module: unknown = await import(pathToFileURL(path).href);
    return (module as { default?: unknown }).default;
  } catch (error) {
    throw new UserError(`configuration file '${shown}' cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function asSection(value: unknown, shown: string): Section {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Section;
  throw new UserError(`${shown} must hold an object of options, such as { "iter": 50 }`);
}

/** Names may be written `checkDeterminism` or `check-determinism`. */
function source(section: Section, shown: string): OptionSource {
  const values: { [K in OptionName]?: unknown } = {};
  const names = optionNames.filter((name) => !notInAFile.includes(name));
  for (const [key, value] of Object.entries(section)) {
    const name = names.find((candidate) => candidate === key || longName(candidate) === key);
    if (name === undefined) throw new UserError(`${shown}: there is no option '${key}'; nearest: ${nearest(key, names).join(", ")}`);
    values[name] = value;
  }
  return { values: values as RawOptions, called: (name) => `${shown}: ${longName(name)}` };
}
