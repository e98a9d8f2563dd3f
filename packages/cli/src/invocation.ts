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
export function testCommandFor(raft: string, test: string): string {
  return `${startedAs()} --raft ${shellWord(raft)} ${test}`;
}

type Replayed = Pick<Options, "raft" | "clock" | "race" | "checkDeterminism">;

/** The command line that makes one run again, as the user can type it here. */
export function replayCommandFor(options: Replayed): (test: string, seed: string) => string {
  const again = commandFor(options);
  return (test, seed) => again(test, seed, "-n 1");
}

/**
 * The same for a run that was another one on a fresh thread, with those before it that may have left something to it. `seed`: the command's own;
 * with a single run there would be none before it on either thread.
 */
export function replayBesideOthers(options: Replayed, seed: string): (test: string, iteration: number) => string {
  const again = commandFor(options);
  return (test, iteration) => again(test, seed, `-n ${Math.max(2, iteration + 1)} -p 1`);
}

function commandFor({ raft, clock, race, checkDeterminism }: Replayed): (test: string, seed: string, runs: string) => string {
  const start = startedAs();
  const file = raft === undefined ? "" : ` --raft ${shellWord(raft)}`;
  const kind = clock === "virtual" ? "" : ` --clock ${clock}`;
  const schedule = race ? " -r" : "";
  const twice = checkDeterminism ? " --check-determinism" : "";
  return (test, seed, runs) => `${start} ${test} --seed ${seed} ${runs}${file}${kind}${schedule}${twice}`;
}
