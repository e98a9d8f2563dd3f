import { UserError } from "./exit-codes.ts";
import {
  environmentName,
  isCheckedMode,
  isExternal,
  longName,
  type OptionName,
  type OptionSpec,
  type Options,
  optionNames,
  optionTable,
} from "./options.ts";

/** Values as they were written: text, or what a configuration file holds. */
export type RawOptions = { readonly [K in OptionName]?: unknown };

/** One place that options come from, and how it calls them in a message. */
export interface OptionSource {
  readonly values: RawOptions;
  called(name: OptionName): string;
}

export interface CompleteOptions {
  readonly options: Options;
  /** What was given anywhere, the defaults aside. */
  readonly given: ReadonlySet<OptionName>;
}

export function commandLineSource(values: RawOptions): OptionSource {
  return { values, called: (name) => `--${longName(name)}` };
}

export function environmentSource(environment: Readonly<Record<string, string | undefined>>): OptionSource {
  const values: { [K in OptionName]?: unknown } = {};
  for (const name of optionNames) {
    const text = environment[environmentName(name)];
    if (text !== undefined && text !== "") values[name] = text;
  }
  return { values, called: environmentName };
}

/**
 * Takes each option from the first source that has it, and checks it there.
 * Throws UserError with what was given, where, and what is expected.
 */
export function completeOptions(sources: readonly OptionSource[]): CompleteOptions {
  const given = new Set<OptionName>();
  const options: Record<string, unknown> = {};
  for (const name of optionNames) {
    const spec = optionTable[name];
    const source = sources.find(({ values }) => values[name] !== undefined);
    if (source) given.add(name);
    options[name] = source ? read(spec, source.values[name], source.called(name)) : absent(spec);
  }
  const complete = options as unknown as Options;
  checkTogether(complete, given);
  // A command of the user's runs in real time.
  return { options: isExternal(complete) ? { ...complete, clock: "real" } : complete, given };
}

function absent(spec: OptionSpec): unknown {
  switch (spec.kind) {
    case "value":
      return spec.default;
    case "switch":
      return false;
    case "count":
      return 0;
  }
}

function read(spec: OptionSpec, raw: unknown, called: string): unknown {
  switch (spec.kind) {
    case "value":
      return readValue(spec, raw, called);
    case "switch":
      return readSwitch(raw, called);
    case "count":
      return readCount(raw, called);
  }
}

function readValue(spec: Extract<OptionSpec, { kind: "value" }>, raw: unknown, called: string): unknown {
  const given = raw === true && spec.bare !== undefined ? spec.bare : raw;
  const text = Array.isArray(given) ? given.join(",") : String(given);
  const parsed = typeof raw === "object" && !Array.isArray(raw) ? undefined : spec.parse(text);
  if (parsed === undefined) throw new UserError(`${called} must be ${spec.expected}, got '${text}'`);
  return parsed;
}

function readSwitch(raw: unknown, called: string): boolean {
  if (typeof raw === "boolean") return raw;
  if (["1", "true", "yes", "on"].includes(String(raw))) return true;
  if (["0", "false", "no", "off"].includes(String(raw))) return false;
  throw new UserError(`${called} must be true or false, got '${String(raw)}'`);
}

function readCount(raw: unknown, called: string): number {
  if (raw === true) return 1;
  if (raw === false) return 0;
  if (/^\d{1,2}$/.test(String(raw))) return Number(raw);
  throw new UserError(`${called} must be a whole number from 0 to 99, got '${String(raw)}'`);
}

/** What no option can say about itself alone. */
function checkTogether(options: Options, given: ReadonlySet<OptionName>): void {
  checkExternal(options, given);
  if (isCheckedMode(options) && options.clock === "real") {
    throw new UserError("--race needs the virtual clock: on --clock real nobody can choose the order of simultaneous events");
  }
  if (options.until && given.has("iter")) throw new UserError("--until finds the number of runs itself: give either --until or --iter");
  if (options.until && options.loop) throw new UserError("--until ends by itself and --loop never does: give one of them");
  if (options.growth !== 10 && given.has("growth") && !options.loop)
    throw new UserError("--growth is the growth per round of --loop: give --loop too");
  if (options.checkDeterminism && options.clock === "real") {
    throw new UserError("--check-determinism needs the virtual clock: on --clock real no two runs are the same");
  }
  if (options.maxFailures !== undefined && options.failFast && options.maxFailures !== 1) {
    throw new UserError(`--fail-fast is --max-failures 1, and --max-failures ${options.maxFailures} was given too: give one of them`);
  }
}

/** What goes with --exec and --go, and what does not. */
function checkExternal(options: Options, given: ReadonlySet<OptionName>): void {
  if (options.exec !== undefined && options.go !== undefined) {
    throw new UserError("--exec and --go each say what is to be run: give one of them");
  }
  if (options.exec !== undefined && options.race) throw new UserError("--race: with --exec the command itself asks for its race detector");
  if (options.shell && options.exec === undefined) throw new UserError("--shell is how --exec is read: give --exec too");
  if (options.tags !== undefined && options.go === undefined) throw new UserError("--tags are for --go: give --go too");
  if (options.resume !== undefined && options.output !== undefined && options.resume !== options.output) {
    throw new UserError(`--resume ${options.resume} writes to that directory: leave --output ${options.output} away`);
  }
  if (!isExternal(options)) return;
  const called = options.exec === undefined ? "--go" : "--exec";
  if (options.raft !== undefined) throw new UserError(`${called} runs no Raft of ours: leave --raft away`);
  if (options.checkDeterminism) throw new UserError(`--check-determinism needs the virtual clock, and ${called} runs in real time`);
  if (given.has("clock") && options.clock !== "real") throw new UserError(`--clock virtual: ${called} runs in real time`);
}
