import { existsSync, realpathSync } from "node:fs";
import { basename, delimiter, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Options } from "./options.ts";

/** How the user can start the program again from the directory in which he is, as text for a shell. */
function startedAs(): string {
  const script = process.argv[1] ?? "";
  if (process.env.npm_command === "exec") return "npx raft-stress";
  const launcher = checkoutLauncher();
  if (launcher !== undefined && basename(script) === "raft-stress.mjs") return launcher;
  if (process.platform === "win32") return "raft-stress";
  if (onPath(script)) return "raft-stress";
  return script === "" ? "raft-stress" : runnable(relative(process.cwd(), script));
}

/** The launcher at the root of the repository, when this file is part of a checkout. */
function checkoutLauncher(): string | undefined {
  const root = fileURLToPath(new URL("../../..", import.meta.url));
  if (!existsSync(join(root, "pnpm-workspace.yaml")) || !existsSync(join(root, "raft-stress"))) return undefined;
  const path = relative(process.cwd(), root);
  return process.platform === "win32" ? `node ${join(path, "scripts", "launch.mjs")}` : runnable(join(path, "raft-stress"));
}

function onPath(script: string): boolean {
  const directories = (process.env.PATH ?? "").split(delimiter).filter((directory) => directory !== "");
  return directories.some((directory) => resolve(directory) === dirname(script) || sameFile(join(directory, "raft-stress"), script));
}

function sameFile(one: string, other: string): boolean {
  return existsSync(one) && existsSync(other) && realpathSync(one) === realpathSync(other);
}

/** A shell looks for a word without a slash on its path. */
function runnable(path: string): string {
  return shellWord(path.includes("/") ? path : `./${path}`);
}

/** Quoted when a shell would take it apart. */
export function shellWord(word: string): string {
  return /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** The command line that makes one run of an external test again, as far as a seed can. */
export function externalReplayFor({
  exec,
  shell,
  go,
  race,
  tags,
}: Pick<Options, "exec" | "shell" | "go" | "race" | "tags">): (test: string, seed: string) => string {
  const start = startedAs();
  const what =
    exec === undefined
      ? ` --go ${shellWord(go ?? ".")}${race ? " --race" : ""}${tags === undefined ? "" : ` --tags ${shellWord(tags)}`}`
      : ` --exec ${shellWord(exec)}${shell ? " --shell" : ""}`;
  return (test, seed) => `${start}${what} ${shellWord(test)} --seed ${seed} -n 1`;
}

/** The command line that tests a Raft, as the user can type it here. */
export function commandFor(raft: string, test: string): string {
  return `${startedAs()} --raft ${shellWord(raft)} ${test}`;
}

/** The command line that makes one run again, as the user can type it here. */
export function replayCommandFor(
  options: Pick<Options, "raft" | "clock" | "race" | "checkDeterminism">,
): (test: string, seed: string) => string {
  const start = startedAs();
  const raft = options.raft === undefined ? "" : ` --raft ${shellWord(options.raft)}`;
  const clock = options.clock === "virtual" ? "" : ` --clock ${options.clock}`;
  const race = options.race ? " -r" : "";
  const twice = options.checkDeterminism ? " --check-determinism" : "";
  return (test, seed) => `${start} ${test} --seed ${seed} -n 1${raft}${clock}${race}${twice}`;
}
