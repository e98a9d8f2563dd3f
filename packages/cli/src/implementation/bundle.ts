import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { shownPath } from "@raft-stress/harness/results";
import type { BuildFailure, BuildOptions, Message, Metafile, OutputFile } from "esbuild";
import { exitCodes, UserError } from "../exit-codes.ts";
import { isAnnotated } from "./annotations.ts";
import { builtinImports } from "./builtin-imports.ts";
import { BundleText } from "./bundle-text.ts";
import type { BundledRaft } from "./bundled-raft.ts";
import { declarationsOf } from "./declarations.ts";
import { moduleRequire } from "./module-require.ts";
import { type ModuleState, moduleState } from "./module-state.ts";
import { ownNames } from "./own-names.ts";
import { firstPlace, namesOfPlace, ownPlaces } from "./own-place.ts";
import { isStrict } from "./strictness.ts";
import { lostMetadata, missingSettings } from "./typescript-settings.ts";

/**
 * Makes one script of a module and all it imports, TypeScript or JavaScript, ECMAScript module or CommonJS. Nothing is written to disk.
 * Throws UserError with the first thing that is wrong. `given` is the file as the user named it.
 */
export async function bundleRaft(file: string, given: string): Promise<BundledRaft> {
  const { outputFiles, metafile, warnings } = await runEsbuild(file, given);
  const code = withoutShebang(outputFiles.find(({ path }) => path.endsWith(".cjs"))!.text);
  const why = lostMetadata(code, file);
  if (why !== undefined) throw notLoaded(given, why);
  const missing = missingSettings(warnings, file);
  const map = withAbsoluteSources(outputFiles.find(({ path }) => path.endsWith(".map"))!.text, dirname(file));
  const text = parsed(code, map, Object.keys(metafile.inputs));
  return {
    scriptName: `raft-stress:/${basename(file).replaceAll(/[^\w.-]/g, "_")}`,
    map,
    strict: isStrict(metafile, dirname(file)),
    warnings: missing ? [`${sentenceOf(missing, dirname(file))}: its settings are not in force`] : [],
    ...(text ? known(text, file) : unknown(code, file)),
  };
}

type Findings = Omit<BundledRaft, "scriptName" | "map" | "strict" | "warnings">;

function known(text: BundleText, file: string): Findings {
  const places = ownPlaces(text, file);
  const names = ownNames(text);
  return {
    code: text.edited([...moduleRequire(text), ...places.edits, ...names.edits]),
    head: places.head + names.head,
    state: moduleState(text.program),
    declarations: declarationsOf(text),
    ownNames: names.names,
    builtinImports: builtinImports(text),
  };
}

function unknown(code: string, file: string): Findings {
  const state: ModuleState = { kind: "isolated", because: "the bundle cannot be parsed" };
  return { code, head: firstPlace(file), state, declarations: {}, ownNames: {}, builtinImports: [] };
}

interface Built {
  readonly outputFiles: readonly OutputFile[];
  readonly metafile: Metafile;
  readonly warnings: readonly Message[];
}

async function runEsbuild(file: string, given: string): Promise<Built> {
  const esbuild = await import("esbuild");
  try {
    const options = optionsFor(file);
    const built = await esbuild.build(options);
    return isAnnotated(built, dirname(file), Object.values(options.alias))
      ? await esbuild.build({ ...options, ignoreAnnotations: true })
      : built;
  } catch (error) {
    throw notLoaded(given, whyNotBundled(error, dirname(file)));
  } finally {
    await esbuild.stop();
  }
}

function notLoaded(given: string, why: string): UserError {
  return new UserError(`--raft: '${given}' cannot be loaded: ${why}`, exitCodes.notLoaded);
}

function optionsFor(file: string) {
  return {
    // Relative to its directory, whose path may have a * in it: that would be a pattern.
    entryPoints: [`./${basename(file)}`],
    absWorkingDir: dirname(file),
    bundle: true,
    write: false,
    outfile: join(dirname(file), "raft-under-test.cjs"),
    platform: "node",
    format: "cjs",
    target: "node20",
    // A script has no import of its own: `import("node:os")` becomes a require.
    supported: { "dynamic-import": false },
    sourcemap: "external",
    sourcesContent: false,
    metafile: true,
    logLevel: "silent",
    charset: "utf8",
    legalComments: "none",
    alias: ownPackage(),
    define: namesOfPlace,
  } satisfies BuildOptions;
}

/** The contract's package is the one that this command has, whether or not the user has installed one. */
function ownPackage(): Record<string, string> {
  const names = ["@raft-stress/raft", "@raft-stress/raft/api"];
  return Object.fromEntries(names.map((name) => [name, fileURLToPath(import.meta.resolve(name))]));
}

/** Undefined for what only V8 can parse: it says what is wrong. */
function parsed(code: string, map: string, files: readonly string[]): BundleText | undefined {
  try {
    return new BundleText(code, map, files);
  } catch {
    return undefined;
  }
}

/** Only the first line of a file may be one, and the code goes into a function. Nothing moves. */
function withoutShebang(code: string): string {
  return code.replace(/^#!/, "//");
}

function withAbsoluteSources(text: string, directory: string): string {
  const map = JSON.parse(text) as { readonly sources: readonly string[] };
  return JSON.stringify({ ...map, sources: map.sources.map((source) => resolve(directory, decoded(source))) });
}

/** esbuild writes sources as parts of URLs; what it takes over from the maps of what it bundles may not be. */
function decoded(source: string): string {
  try {
    return decodeURIComponent(source);
  } catch {
    return source;
  }
}

/** The first of esbuild's messages that is not of another's making, as the end of a sentence. */
function whyNotBundled(error: unknown, directory: string): string {
  const errors = error instanceof Error && "errors" in error ? (error as BuildFailure).errors : [];
  // Without the settings other things go wrong, too.
  const first = errors.find(({ location }) => location !== null && /[tj]sconfig\b[^/]*\.json$/.test(location.file)) ?? errors[0];
  if (first === undefined) return `esbuild, which compiles it, does not run here: ${firstLine(String(error))}`;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more errors)` : "";
  return `${sentenceOf(first, directory)}${more}`;
}

function sentenceOf(message: Message, directory: string): string {
  const { location } = message;
  const place = location ? `${shownPath(resolve(directory, location.file))}:${location.line}:${location.column + 1}: ` : "";
  return `${place}${reworded(message)}`;
}

/** What our use of esbuild does not allow, in words that do not speak of esbuild's options. */
function reworded({ text }: Message): string {
  if (/top-level await/i.test(text)) {
    return "an await at the top level of a module: a server boots within one event and cannot wait; move it into an async function that makeRaft starts";
  }
  if (/No loader is configured for "\.node"/.test(text)) {
    return "a native addon (.node) cannot be part of a Raft under test: what it does cannot be repeated";
  }
  return firstLine(text);
}

function firstLine(text: string): string {
  return text.split("\n")[0]!;
}
