import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import { execa } from "execa";
import { exitCodes, UserError } from "../exit-codes.ts";

/** Folders deeper than this are not looked into for tests. */
const depth = 5;

/**
 * The folder of the Go package that is meant: `directory` if it has tests, else the one below it that has; of several, the one that has all the
 * names. Throws UserError when none is left, or several are.
 */
export function findPackage(directory: string, from: string, names: readonly string[]): string {
  const root = resolve(from, directory);
  const stat = statSync(root, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) throw unusable(`--go: the directory '${directory}' does not exist`);
  if (testFiles(root).length > 0) return root;
  const found = packagesBelow(root, depth);
  if (found.length === 0) throw unusable(`--go: there are no Go tests in '${directory}' and the folders below it`);
  const exact = names.filter((name) => /^(?:Test|Fuzz|Example)\w*$/.test(name));
  const having = exact.length === 0 ? found : found.filter((path) => exact.every((name) => declares(path, name)));
  const candidates = having.length > 0 ? having : found;
  if (candidates.length === 1) return candidates[0]!;
  const choices = candidates.map((path) => `--go ${relative(from, path) || "."}`);
  throw unusable(
    `--go: '${directory}' has several packages with tests: give ${choices.slice(0, 8).join(" or ")}${choices.length > 8 ? " ..." : ""}`,
  );
}

function unusable(sentence: string): UserError {
  return new UserError(sentence, exitCodes.notLoaded);
}

function testFiles(directory: string): readonly string[] {
  return readdirSync(directory).filter((name) => name.endsWith("_test.go"));
}

/** As the go tool does, folders whose names begin with a dot or an underscore, testdata and vendor are left out. */
function packagesBelow(directory: string, levels: number): readonly string[] {
  if (levels === 0) return [];
  const folders = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory() && /^[^._]/.test(entry.name));
  return folders
    .filter(({ name }) => !["testdata", "vendor", "node_modules"].includes(name))
    .flatMap(({ name }) => {
      const path = join(directory, name);
      return [...(testFiles(path).length > 0 ? [path] : []), ...packagesBelow(path, levels - 1)];
    });
}

function declares(directory: string, name: string): boolean {
  const pattern = new RegExp(`^func ${name}\\(`, "m");
  return testFiles(directory).some((file) => pattern.test(readFileSync(join(directory, file), "utf8")));
}

export interface GoBuild {
  readonly directory: string;
  readonly race: boolean;
  readonly tags: string | undefined;
  /** Where the test binary is to be. */
  readonly binary: string;
}

/** Says something when a step takes so long that one wonders, in real milliseconds. */
const wonderMs = 1500;

/** Compiles the tests of a package once, and vets it once. Returns what vet has found. Throws UserError with what the compiler wrote. */
export async function compile(build: GoBuild, tell: (line: string) => void): Promise<string> {
  const flags = buildFlags(build);
  const timer = setTimeout(() => tell(`raft-stress: compiling ${basename(build.directory)} ...`), wonderMs);
  try {
    const vet = go(build.directory, ["vet", ...vetChecks, ...(build.tags === undefined ? [] : ["-tags", build.tags]), "."]);
    const compiled = await go(build.directory, ["test", "-c", "-vet=off", ...flags, "-o", build.binary, "."]);
    if (compiled.exitCode !== 0) {
      await vet;
      throw new UserError(`--go: '${build.directory}' cannot be compiled:\n${compiled.text}`, exitCodes.notLoaded);
    }
    if (compiled.text !== "") tell(compiled.text);
    const vetted = await vet;
    return vetted.exitCode === 0 ? "" : vetted.text;
  } finally {
    clearTimeout(timer);
  }
}

/** What `go test` itself vets, each time that it compiles; a finding there is the end of it. What only newer Gos know is left out. */
const vetChecks = ["-atomic", "-bool", "-buildtags", "-errorsas", "-ifaceassert", "-nilfunc", "-printf", "-stringintconv", "-tests"];

function buildFlags({ race, tags }: Pick<GoBuild, "race" | "tags">): readonly string[] {
  return [...(race ? ["-race"] : []), ...(tags === undefined ? [] : ["-tags", tags])];
}

/** Runs the go tool; its output as it came. Throws UserError when there is none. */
export async function go(directory: string, args: readonly string[]): Promise<{ readonly exitCode: number; readonly text: string }> {
  const { exitCode, all, code } = await execa("go", args, { cwd: directory, all: true, reject: false, stdin: "ignore" });
  if (code === "ENOENT") throw unusable("--go needs the Go tool, and there is no 'go' on the PATH");
  return { exitCode: exitCode ?? 1, text: all };
}

/** Names that a test binary tells of itself; benchmarks are not among them, for they are no tests. Throws UserError. */
export async function listTests(directory: string, binary: string): Promise<readonly string[]> {
  const { exitCode, stdout, stderr, timedOut } = await execa(binary, ["-test.list", ".*"], {
    cwd: directory,
    reject: false,
    stdin: "ignore",
    timeout: 60_000,
  });
  const names = stdout.split("\n").filter((line) => /^(?:Test|Fuzz|Example)[\p{L}\p{N}_]*$/u.test(line));
  if (exitCode === 0 && names.length > 0) return names;
  const why = timedOut ? "it did not end within 60 s" : exitCode === 0 ? "it has none" : `exit status ${exitCode}`;
  throw unusable(`--go: the test binary of '${directory}' does not list its tests: ${why}${stderr === "" ? "" : `\n${stderr}`}`);
}
