// The program: reads the command line and loads what it asks for. Only commander is loaded for --help.
import { Command, Option } from "commander";
import type { RawOptions } from "./complete-options.ts";
import { exitCodes } from "./exit-codes.ts";
import { explain } from "./explain.ts";
import { argumentText, defaultText, longName, type OptionName, type Options, optionNames, optionTable } from "./options.ts";
import { exit, watchForClosedPipe } from "./output.ts";
import { ownVersion } from "./version.ts";

type Action = (words: readonly string[], options: Options) => Promise<number>;

const examples = `
Examples:
  raft-stress                                 the 28 tests of the Raft lab, 10 runs each
  raft-stress TestBackup2B -n 50 -p 4         one test, 50 runs, 4 at a time
  raft-stress 2A 2B 'Figure8' -n 100          parts, and all tests whose name matches
  raft-stress 2X -n 100 -p 4                  the tests beyond the lab, a scenario of its own each run
  raft-stress 2C -l --for 8h                  round after round through the night
  raft-stress --until 1%@95% Churn2C          until its failure rate is shown to be below 1%
  raft-stress 2B 2C -r -n 500                 checked mode: simultaneous events in the worst legal orders
  raft-stress --go src/raft 2B -n 50 -p 8 -r  a Go lab, with the race detector
  raft-stress --exec './flaky.sh {seed}' -p 4 any command; its exit status decides

Exit status: 0 passed, 1 a run failed, 2 wrong usage, 3 implementation or command not usable, 4 no such test, 5 evidence not reached, 130 interrupted.`;

function buildProgram(perform: (action: Action, words: readonly string[]) => Promise<void>): Command {
  const program = new Command("raft-stress");
  program
    .description("Runs the tests of the Raft labs many times over, on a virtual clock, and tells how often each fails.")
    .usage("[TEST...] [options]")
    .argument("[TEST...]", "names, parts (2A, 3A), globs or regular expressions; without one all tests of the lab, 2A to 2D")
    .version(ownVersion(), "-V, --version", "Print the version.")
    .helpOption("-h, --help", "Print this help.")
    .helpCommand(false)
    .addHelpText("after", examples)
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .configureOutput({ outputError() {} });
  for (const name of optionNames) addOption(program, name);
  program.action((words: string[]) => perform(runTests, words));
  program
    .command("list [PATTERN...]")
    .description("Print the tests: name, alias, part, servers, description.")
    .action((words: string[]) => perform(listTests, words));
  program
    .command("replay [WORD...]")
    .usage("LOG | SEED TEST")
    .description("Make the run of a log, or of a run seed, again.")
    .action((words: string[]) => perform(replayRun, words));
  program
    .command("init [FILE]")
    .description("Write a Raft to begin with: my-raft.ts, unless told.")
    .action((file?: string) => perform(writeRaft, file === undefined ? [] : [file]));
  return program;
}

function addOption(program: Command, name: OptionName): void {
  const spec = optionTable[name];
  const letter = spec.letter === undefined ? "" : `-${spec.letter}, `;
  const argument = argumentText(spec);
  const preset = defaultText(spec);
  const sentence = preset === undefined ? spec.sentence : `${spec.sentence} (${preset})`;
  program.addOption(new Option(`${letter}--${longName(name)}${argument}`, sentence).helpGroup(`${spec.group}:`));
  if (spec.kind === "switch" && spec.oppositeLetter !== undefined) {
    const opposite = new Option(`-${spec.oppositeLetter}, --no-${longName(name)}`, "The opposite, and the default.");
    program.addOption(opposite.helpGroup(`${spec.group}:`));
  }
}

const runTests: Action = async (patterns, options) => {
  const { runSession } = await import("./run-session.ts");
  return runSession({ patterns, options, directory: process.cwd() });
};

const listTests: Action = async (patterns, options) => (await import("./commands/list.ts")).list(patterns, options);

const replayRun: Action = async (words, options) => (await import("./commands/replay.ts")).replay(words, options);

const writeRaft: Action = async (words, options) => (await import("./commands/init.ts")).init(words, options);

async function readOptions(values: RawOptions): Promise<Options> {
  const { commandLineSource, completeOptions, environmentSource } = await import("./complete-options.ts");
  const { configSources } = await import("./config-file.ts");
  const sources = [commandLineSource(values), environmentSource(process.env)];
  // Where the configuration is can only be said by the two first sources.
  const { config, profile } = completeOptions(
    sources.map((source) => ({ ...source, values: only(source.values, "config", "profile") })),
  ).options;
  return completeOptions([...sources, ...(await configSources(config, profile, process.cwd()))]).options;
}

function only(values: RawOptions, ...names: readonly OptionName[]): RawOptions {
  return Object.fromEntries(names.map((name) => [name, values[name]]));
}

async function main(): Promise<number> {
  let status: number = exitCodes.passed;
  const program: Command = buildProgram(async (action, words) => {
    status = await action(words, await readOptions({ ...program.opts(), ...(verbose > 0 && { verbose }) }));
  });
  let verbose = 0;
  program.on("option:verbose", () => {
    verbose++;
  });
  await program.parseAsync();
  return status;
}

/** Tells what ended the command, and ends the process. */
function end(error: unknown): void {
  const { text, exitCode } = explain(error);
  if (text !== "") process.stderr.write(`${text}\n`);
  exit(exitCode);
}

watchForClosedPipe(() => process.exit(exitCodes.brokenPipe));
process.on("uncaughtException", end);
main().then(exit, end);
