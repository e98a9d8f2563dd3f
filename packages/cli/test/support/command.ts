import { mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";

export const bin = fileURLToPath(new URL("../../bin/raft-stress.mjs", import.meta.url));

const path = (url: URL) => fileURLToPath(url);

/** Broken Rafts. */
export const fixtures = {
  exits: path(new URL("../fixtures/exits.mjs", import.meta.url)),
  exitsOnLoad: path(new URL("../fixtures/exits-on-load.mjs", import.meta.url)),
  hangsOnLoad: path(new URL("../fixtures/hangs-on-load.mjs", import.meta.url)),
  hoards: path(new URL("../fixtures/hoards.mjs", import.meta.url)),
  neverElects: path(new URL("../fixtures/never-elects.mjs", import.meta.url)),
  noExport: path(new URL("../fixtures/no-export.mjs", import.meta.url)),
  prints: path(new URL("../fixtures/prints.mjs", import.meta.url)),
  remembers: path(new URL("../fixtures/remembers.mjs", import.meta.url)),
  sometimesDeaf: path(new URL("../fixtures/sometimes-deaf.mjs", import.meta.url)),
  spins: path(new URL("../fixtures/spins.mjs", import.meta.url)),
  throws: path(new URL("../fixtures/throws.mjs", import.meta.url)),
  throwsOnLoad: path(new URL("../fixtures/throws-on-load.mjs", import.meta.url)),
};

export function newDirectory(): string {
  return mkdtempSync(join(tmpdir(), "raft-stress-"));
}

/** The names of the logs in a directory, without the record of runs beside them. */
export function logsIn(directory: string): string[] {
  return readdirSync(directory).filter((name) => name !== "runs.json");
}

/** What a user's environment may hold is kept away from the tests. Node 20 reads extra certificates at each start, which costs as much as a run. */
export const environment: Readonly<Record<string, string | undefined>> = {
  NODE_EXTRA_CA_CERTS: undefined,
  NO_COLOR: undefined,
  FORCE_COLOR: undefined,
  RAFT_LOG: undefined,
  VERBOSE: undefined,
  CI: undefined,
  npm_command: undefined,
};

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Starts the real command in a child process. */
export function start(args: readonly string[], { cwd = newDirectory(), env = {} }: CommandOptions = {}) {
  return execa(process.execPath, [bin, ...args], { cwd, env: { ...environment, ...env }, reject: false, timeout: 50_000, stdin: "ignore" });
}

export interface RunLine {
  readonly type: "run";
  readonly test: string;
  readonly iteration: number;
  readonly seed: string;
  readonly outcome: string;
  readonly reason?: string;
  readonly place?: string;
  readonly log?: string;
  readonly property?: string;
  readonly evidence?: readonly object[];
  readonly schedule?: string;
  readonly excused?: string;
  readonly traceHash: string | null;
  readonly servers: number;
  readonly rpcs: number;
  readonly bytes: number;
}

/** The lines of the runs among JSON lines, by test and iteration. */
export function runLines(stdout: string): readonly RunLine[] {
  const lines = stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as { readonly type: string });
  const runs = lines.filter((line): line is RunLine => line.type === "run");
  return runs.toSorted((a, b) => a.test.localeCompare(b.test) || a.iteration - b.iteration);
}
