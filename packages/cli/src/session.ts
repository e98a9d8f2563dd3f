import { existsSync } from "node:fs";
import type { RunSettings } from "@raft-stress/harness";
import type { RunFinished } from "./events.ts";
import { exitCodes, UserError } from "./exit-codes.ts";
import { goalOf } from "./goal.ts";
import { isCheckedMode, type Options } from "./options.ts";
import type { Output } from "./output.ts";
import type { RunsMadeBefore } from "./runs-record.ts";
import type { TestInfo } from "./select.ts";

const checkedMode = "checked mode";

export interface SessionRequest {
  readonly patterns: readonly string[];
  readonly options: Options;
  /** What the paths in the options are relative to, --output aside. */
  readonly directory: string;
  /** What a replay says of its run, below the failure blocks; undefined of those beside it. */
  comment?(run: RunFinished): string | undefined;
}

/** A request whose options were found to be usable. */
export interface OpenRequest {
  readonly request: SessionRequest;
  readonly options: Options;
  readonly output: Output;
  readonly settings: RunSettings;
}

/** A request whose every part was found to be usable. */
export interface Session extends OpenRequest {
  readonly tests: readonly TestInfo[];
  /** What is under test, as the header and the JSON lines call it. */
  readonly subject: string;
  /** The same as the record of runs has it: runs of one subject in another mode are other runs. */
  readonly recordedAs: string;
  /** The command's seed, 16 hexadecimal digits. */
  readonly seed: string;
  readonly before: RunsMadeBefore;
}

/** Completes a session whose tests are known. */
export async function openSession(opened: OpenRequest, tests: readonly TestInfo[], subject: string): Promise<Session> {
  const { options } = opened;
  const { normalSeed } = await import("./seed-text.ts");
  const { readRunsBefore, noRunsBefore } = await import("./runs-record.ts");
  if (options.resume !== undefined && !existsSync(options.resume)) {
    opened.output.tell(
      `raft-stress: --resume: '${options.resume}' is new: there are no runs to go on from, and this command's are the first`,
    );
  }
  const recordedAs = isCheckedMode(options) ? `${subject}, ${checkedMode}` : subject;
  const before = options.resume === undefined ? noRunsBefore(tests) : readRunsBefore(options.resume, recordedAs, tests);
  const given = options.seed === undefined ? undefined : normalSeed(options.seed);
  if (given !== undefined && before.seed !== undefined && given !== before.seed) {
    throw new UserError(`--resume: the runs of '${options.resume}' have the seed ${before.seed}; leave --seed ${options.seed} away`);
  }
  return { ...opened, tests, subject, recordedAs, before, seed: given ?? before.seed ?? randomSeed() };
}

function randomSeed(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString("hex");
}

/** Says what would be run. */
export function dryRun({ options, output, tests, seed, settings }: Session, describe: (test: TestInfo) => string): number {
  const { iterations } = goalOf(options);
  const all = options.loop ? "round after round" : `${tests.length * iterations} in all`;
  output.print(
    `would make ${iterations} runs of each of these tests, ${all}, ${options.workers} at a time, seed ${seed}, ${settings.clock} clock${isCheckedMode(options) ? `, ${checkedMode}` : ""}:`,
  );
  for (const test of tests) output.print(describe(test));
  return exitCodes.passed;
}
