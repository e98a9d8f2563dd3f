import { copyFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import type { Backend } from "../backend.ts";
import { carryOut } from "../carry-out.ts";
import { UserError } from "../exit-codes.ts";
import { goalOf } from "../goal.ts";
import { watchForInterrupts } from "../interrupt.ts";
import { externalReplayFor } from "../invocation.ts";
import { jsonFile, openJson } from "../json-target.ts";
import type { Plan } from "../plan.ts";
import { selectTests } from "../select.ts";
import { dryRun, type OpenRequest, openSession, type Session } from "../session.ts";
import { runTimeoutMs } from "../settings.ts";
import { execTarget } from "./exec-command.ts";
import { ExternalExecutor } from "./external-executor.ts";
import { compile, findPackage, listTests } from "./go-package.ts";
import { GoSources } from "./go-sources.ts";
import { goTarget, goTests } from "./go-target.ts";
import { hasGroups } from "./process-group.ts";
import { Scratch } from "./run-folder.ts";
import type { Target } from "./target.ts";

/** Runs what `--exec` or `--go` names. Returns the exit status. Throws UserError for what the user can put right. */
export async function runExternal(opened: OpenRequest): Promise<number> {
  const { options, output } = opened;
  const interruption = watchForInterrupts();
  if (!hasGroups) {
    output.tell(
      "raft-stress: on Windows a run's own children cannot be ended with it, and no signal makes it print its stacks: -T ends its first process",
    );
  }
  const scratch = new Scratch();
  try {
    const target = options.exec === undefined ? await openGo(opened, scratch) : openExec(opened, options.exec);
    const session = await openSession(opened, target.tests, target.subject);
    if (options.dryRun) return dryRun(session, ({ name, part }) => (part === "" ? name : `${name} (${part})`));
    const file = jsonFile(options);
    const json = file === undefined ? undefined : openJson(file, output);
    const openBackend = (plan: Plan, logDirectory: string) => backend(session, target, scratch, plan, logDirectory);
    return await carryOut(session, { interruption, json, openBackend });
  } finally {
    interruption.ignore();
    scratch.remove();
  }
}

function openExec({ options, request }: OpenRequest, command: string): Target {
  const { shell } = options;
  return execTarget({ command, shell, names: request.patterns, directory: request.directory, timeoutMs: runTimeoutMs(options) });
}

async function openGo({ options, request, output }: OpenRequest, scratch: Scratch): Promise<Target> {
  const { directory: go, patterns } = takeDirectory(options.go!, request);
  const { race, tags } = options;
  const directory = findPackage(go, request.directory, patterns);
  const binary = join(scratch.path, `${basename(directory)}.test${process.platform === "win32" ? ".exe" : ""}`);
  const [sources, findings] = await Promise.all([
    GoSources.of(directory, tags),
    compile({ directory, race, tags, binary }, options.quiet ? () => {} : output.tell),
  ]);
  if (findings !== "") output.tell(`${findings}\nraft-stress: that is what go vet says; the runs go on`);
  const { tests, warnings } = selectNamed(patterns, go, await listTests(directory, binary));
  for (const warning of warnings) output.tell(`raft-stress: ${warning}`);
  return goTarget({ go, directory, binary, race, tags, tests, timeoutMs: runTimeoutMs(options), sources });
}

/** `--go TestBackup2B`: the word after --go is its directory only if there is one of this name. */
function takeDirectory(
  given: string,
  { patterns, directory }: OpenRequest["request"],
): { readonly directory: string; readonly patterns: readonly string[] } {
  const isPath = given.includes("/") || given.startsWith(".") || statSync(join(directory, given), { throwIfNoEntry: false })?.isDirectory();
  return isPath ? { directory: given, patterns } : { directory: ".", patterns: [given, ...patterns] };
}

function selectNamed(patterns: readonly string[], go: string, names: readonly string[]) {
  try {
    return selectTests(patterns, goTests(names));
  } catch (error) {
    if (!(error instanceof UserError) || go !== ".") throw error;
    throw new UserError(`${error.message} (in the Go package of this directory; another one is --go DIR)`, error.exitCode);
  }
}

function backend(session: Session, target: Target, scratch: Scratch, plan: Plan, logDirectory: string): Backend {
  const { options } = session;
  const executor = new ExternalExecutor({
    target,
    scratch,
    workers: options.workers,
    graceMs: options.grace,
    signal: options.timeoutSignal,
    logLimitBytes: options.logLimit,
    timeoutMs: goalOf(options).timeoutMs,
    timing: options.timing,
    verbose: options.verbose,
    archive: options.archive,
    keepDirectory: logDirectory,
    total: () => plan.throughRound,
  });
  let kept = false;
  return {
    executor,
    subject: target.subject,
    origin: { raft: undefined, external: target.origin },
    replayCommand: externalReplayFor({ ...options, ...(target.origin.go !== undefined && { go: target.origin.go }) }),
    logContent(result, header) {
      const { external, outcome } = result;
      if (!external || (outcome === "pass" && !options.archive)) return undefined;
      const { outputFile, artifactsDirectory } = external;
      return { text: header(), bodyFile: outputFile, ...(artifactsDirectory !== undefined && { artifactsDirectory }) };
    },
    saved({ outcome }, directory) {
      if (kept || outcome === "pass" || target.keep === undefined) return;
      kept = true;
      try {
        copyFileSync(target.keep, join(directory, basename(target.keep)));
      } catch (error) {
        session.output.tell(`raft-stress: the test binary could not be kept: ${(error as Error).message}`);
      }
    },
    fileName: (test) => test.replace(/[^\w.-]/g, "_"),
    remarks() {
      const { untidyRuns } = executor;
      const untidy = `${untidyRuns} ${untidyRuns === 1 ? "run has" : "runs have"} left processes behind, which were ended`;
      return [...(untidyRuns > 0 ? [untidy] : []), ...target.remarks()];
    },
  };
}
