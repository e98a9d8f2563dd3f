import { constants } from "node:os";
import type { ClockKind } from "@raft-stress/harness";
import { parseDuration } from "./durations.ts";

/** A failure rate that is to be shown to be below `rate` with confidence `confidence`, both in (0, 1). */
export interface Evidence {
  readonly rate: number;
  readonly confidence: number;
  readonly text: string;
}

interface Described {
  readonly letter?: string;
  readonly group: OptionGroup;
  readonly sentence: string;
}

export interface ValueOption<T, D> extends Described {
  readonly kind: "value";
  readonly argument: string;
  readonly default: D;
  /** The value of the option when it is given without one; such an option needs none. */
  readonly bare?: string;
  /** How the help names a default that is found out at run time. */
  readonly defaultText?: string;
  /** What a value must be, after "must be". */
  readonly expected: string;
  /** Undefined: not such a value. */
  parse(text: string): T | undefined;
}

export interface SwitchOption extends Described {
  readonly kind: "switch";
  /** The letter of the opposite, `--no-NAME`. */
  readonly oppositeLetter?: string;
}

export interface CountOption extends Described {
  readonly kind: "count";
}

type OptionGroup = "Runs" | "Implementation" | "External tests" | "Reproduce" | "Stop" | "Output" | "Other";

function value<T, D extends T | undefined>(spec: Omit<ValueOption<T, D>, "kind">): ValueOption<T, D> {
  return { kind: "value", ...spec };
}

function wholeNumberFrom(least: number): (text: string) => number | undefined {
  return (text) => {
    if (!/^\d{1,15}$/.test(text)) return undefined;
    const number = Number(text);
    return number >= least ? number : undefined;
  };
}

function oneOf<const T extends string>(...choices: readonly T[]): (text: string) => T | undefined {
  return (text) => choices.find((choice) => choice === text);
}

function parseGrowth(text: string): number | undefined {
  if (!/^\d{1,9}(?:\.\d{1,9})?$/.test(text)) return undefined;
  const growth = Number(text);
  return growth >= 1 ? growth : undefined;
}

/** `1%@95%`. */
function parseEvidence(text: string): Evidence | undefined {
  const match = /^(\d{1,3}(?:\.\d{1,9})?)%@(\d{1,3}(?:\.\d{1,9})?)%$/.exec(text);
  if (!match) return undefined;
  const rate = Number(match[1]) / 100;
  const confidence = Number(match[2]) / 100;
  return rate > 0 && rate < 1 && confidence > 0 && confidence < 1 ? { rate, confidence, text } : undefined;
}

/** The digits are checked here, so that the command line is refused before the harness is loaded. */
function parseSeedText(text: string): string | undefined {
  return /^(?:0x)?[0-9a-f]{1,16}$/i.test(text) ? text : undefined;
}

function nonEmpty(text: string): string | undefined {
  return text === "" ? undefined : text;
}

const reporterNames = ["panel", "line", "json"] as const;
export type ReporterName = (typeof reporterNames)[number];

function parseReporters(text: string): readonly ReporterName[] | undefined {
  const names = text.split(",").map(oneOf(...reporterNames));
  return names.every((name) => name !== undefined) ? names : undefined;
}

/** `64MB`; units are powers of 1024. */
function parseSize(text: string): number | undefined {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(KB|MB|GB)$/i.exec(text);
  if (!match) return undefined;
  const bytes = Math.round(Number(match[1]) * 1024 ** (["KB", "MB", "GB"].indexOf(match[2]!.toUpperCase()) + 1));
  return bytes >= leastLogBytes ? bytes : undefined;
}

/** Less would not hold the head, the mark of the cut and a tail. */
const leastLogBytes = 4096;

function parseLoad(text: string): number | undefined {
  return /^\d{1,6}(?:\.\d{1,6})?$/.test(text) && Number(text) > 0 ? Number(text) : undefined;
}

/** `QUIT`, `SIGQUIT`. */
function parseSignal(text: string): NodeJS.Signals | undefined {
  const name = `SIG${text.toUpperCase().replace(/^SIG/, "")}`;
  return Object.hasOwn(constants.signals, name) ? (name as NodeJS.Signals) : undefined;
}

const evidenceExpected = "a failure rate and a confidence such as 1%@95%";
const durationExpected = "a duration above zero with its unit, such as 90s, 2m or 8h";

/**
 * Every option of the command, once: the command line, the environment (`RAFT_STRESS_` + name), the configuration file, `--help` and
 * docs/options.md are all made from it. Keys are the long names in camel case.
 */
export const optionTable = {
  workers: value<number, number>({
    letter: "p",
    argument: "N",
    default: 1,
    group: "Runs",
    expected: "a whole number of at least 1",
    parse: wholeNumberFrom(1),
    sentence: "Runs under way at the same time; built-in tests are served by as many threads as the machine has processors.",
  }),
  iter: value<number, number>({
    letter: "n",
    argument: "N",
    default: 10,
    group: "Runs",
    expected: "a whole number of at least 1",
    parse: wholeNumberFrom(1),
    sentence: "Runs of each test.",
  }),
  sequential: {
    kind: "switch",
    letter: "s",
    group: "Runs",
    sentence: "All runs of the first test, then of the next; else the tests take turns.",
  } as SwitchOption,
  loop: {
    kind: "switch",
    letter: "l",
    group: "Runs",
    sentence: "Run for ever, round after round; totals accumulate, log numbers go on.",
  } as SwitchOption,
  growth: value<number, number>({
    letter: "g",
    argument: "X",
    default: 10,
    group: "Runs",
    expected: "a number of at least 1",
    parse: parseGrowth,
    sentence: "With --loop: each round has this many times the runs of the round before.",
  }),
  raft: value<string, undefined>({
    argument: "FILE",
    default: undefined,
    defaultText: "built-in",
    group: "Implementation",
    expected: "the path of a module",
    parse: nonEmpty,
    sentence: "The Raft under test: a TypeScript or JavaScript file that exports makeRaft, by name or as its default.",
  }),
  clock: value<ClockKind, ClockKind>({
    argument: "virtual|real",
    default: "virtual",
    group: "Implementation",
    expected: "virtual or real",
    parse: oneOf("virtual", "real"),
    sentence: "Simulated time, or real timers.",
  }),
  race: {
    kind: "switch",
    letter: "r",
    oppositeLetter: "R",
    group: "Implementation",
    sentence:
      "Checked mode: every invariant after every event, and an adversary that orders simultaneous events and holds packets back, otherwise in each run. With --go, the race detector.",
  } as SwitchOption,
  exec: value<string, undefined>({
    argument: "CMD",
    default: undefined,
    group: "External tests",
    expected: "a command line",
    parse: nonEmpty,
    sentence:
      "Run this command as the test; its exit status decides. {test}, {seed} and {iter} are filled in, TEST... are labels. No shell reads it, unless --shell is given.",
  }),
  shell: {
    kind: "switch",
    group: "External tests",
    sentence: "With --exec: let /bin/sh read the command, for pipes, variables and the like.",
  } as SwitchOption,
  go: value<string, undefined>({
    argument: "DIR",
    bare: ".",
    default: undefined,
    group: "External tests",
    expected: "the directory of a Go package",
    parse: nonEmpty,
    sentence: "Run the tests of the Go package in DIR, or below it: compiled once, TEST... named as the built-in ones are.",
  }),
  tags: value<string, undefined>({
    argument: "LIST",
    default: undefined,
    group: "External tests",
    expected: "build tags with commas between them",
    parse: nonEmpty,
    sentence: "With --go: build tags.",
  }),
  timeoutSignal: value<NodeJS.Signals, "SIGQUIT">({
    argument: "SIGNAL",
    default: "SIGQUIT",
    group: "External tests",
    expected: "the name of a signal, such as QUIT or USR1",
    parse: parseSignal,
    sentence: "What a run that has taken longer than --timeout is sent first, so that it prints its stacks.",
  }),
  grace: value<number, number>({
    argument: "D",
    default: 2000,
    defaultText: "2s",
    group: "External tests",
    expected: durationExpected,
    parse: parseDuration,
    sentence: "How long such a run has to print them before it is killed.",
  }),
  logLimit: value<number, number>({
    argument: "SIZE",
    default: 64 * 1024 * 1024,
    defaultText: "64MB",
    group: "External tests",
    expected: "a size of at least 4KB with its unit, such as 500KB, 64MB or 1GB",
    parse: parseSize,
    sentence: "What a run may print: of more, the beginning and the end are kept, and the cut is marked.",
  }),
  loadLimit: value<number, undefined>({
    argument: "N",
    default: undefined,
    group: "Runs",
    expected: "a number above zero",
    parse: parseLoad,
    sentence:
      "Start no new run beside others while the machine has this many threads to run (elsewhere than on Linux: load average) or more.",
  }),
  timeout: value<number, undefined>({
    letter: "T",
    argument: "D",
    default: undefined,
    defaultText: "60s; 10m on the real clock and for external tests",
    group: "Implementation",
    expected: durationExpected,
    parse: parseDuration,
    sentence:
      "Real time that one run may take: a run that spins or hangs is stopped and counts as failed, the others go on. An external test is sent --timeout-signal, and killed with all its processes after --grace.",
  }),
  seed: value<string, undefined>({
    argument: "S",
    default: undefined,
    defaultText: "random",
    group: "Reproduce",
    expected: "1 to 16 hexadecimal digits",
    parse: parseSeedText,
    sentence:
      "Run i of a test has its own run seed, made from (S, test, i); run 0 has S itself: `TEST --seed R -n 1` is the run with run seed R.",
  }),
  checkDeterminism: {
    kind: "switch",
    group: "Reproduce",
    sentence: "Make every run twice, and again in a fresh thread, and compare them event by event; the first that differs is shown.",
  } as SwitchOption,
  failFast: {
    kind: "switch",
    letter: "x",
    group: "Stop",
    sentence: "Start no more runs of a test after its first failure.",
  } as SwitchOption,
  maxFailures: value<number, undefined>({
    argument: "N",
    default: undefined,
    group: "Stop",
    expected: "a whole number of at least 1",
    parse: wholeNumberFrom(1),
    sentence: "Start no more runs of a test after N failures.",
  }),
  for: value<number, undefined>({
    argument: "D",
    default: undefined,
    group: "Stop",
    expected: durationExpected,
    parse: parseDuration,
    sentence: "Start no new run after this long (nightly: -l --for 2h).",
  }),
  until: value<Evidence, undefined>({
    argument: "P@C",
    default: undefined,
    group: "Stop",
    expected: evidenceExpected,
    parse: parseEvidence,
    sentence: "Go on until the failure rate of each test is shown to be below P with confidence C (1%@95%), or the test has failed.",
  }),
  require: value<Evidence, undefined>({
    argument: "P@C",
    default: undefined,
    group: "Stop",
    expected: evidenceExpected,
    parse: parseEvidence,
    sentence: "Exit with status 5 when the runs made do not show a failure rate below P with confidence C.",
  }),
  output: value<string, undefined>({
    letter: "o",
    argument: "DIR",
    default: undefined,
    defaultText: "YYYYMMDD_HHMMSS",
    group: "Output",
    expected: "the path of a directory",
    parse: nonEmpty,
    sentence: "Where logs go; made when the first log is saved.",
  }),
  resume: value<string, undefined>({
    argument: "DIR",
    default: undefined,
    group: "Output",
    expected: "the path of a directory",
    parse: nonEmpty,
    sentence:
      "Go on where an earlier command with --resume DIR ended, or with --output DIR if it saved a log there: its runs count, only the others are made.",
  }),
  verbose: {
    kind: "count",
    letter: "v",
    group: "Output",
    sentence: "More detail in the logs (the packets too); sets VERBOSE for the runs. RAFT_LOG=none|debug|trace chooses the detail by name.",
  } as CountOption,
  archive: {
    kind: "switch",
    letter: "a",
    group: "Output",
    sentence: "Save the logs of passing runs too.",
  } as SwitchOption,
  timing: {
    kind: "switch",
    letter: "t",
    group: "Output",
    sentence:
      "Real, User and System time of the runs beside the test's own time. Built-in tests: User and System are exact with -p 1. External tests: of all processes that the run has waited for.",
  } as SwitchOption,
  stats: {
    kind: "switch",
    group: "Output",
    sentence:
      "Extra columns: failure rate with its 95% interval, p50, p95 and max of the test's own time; of Go labs also servers, RPCs, bytes and commands.",
  } as SwitchOption,
  json: value<string, undefined>({
    argument: "FILE",
    default: undefined,
    group: "Output",
    expected: "the path of a file, or - for stdout",
    parse: nonEmpty,
    sentence: "One JSON object a line for the start, each run and the end; - is stdout, and then all else goes to stderr.",
  }),
  reporter: value<readonly ReporterName[], undefined>({
    argument: "LIST",
    default: undefined,
    defaultText: "auto",
    group: "Output",
    expected: "a list of panel, line and json",
    parse: parseReporters,
    sentence: "panel and line show progress as --progress does; json is --json -.",
  }),
  progress: value<"auto" | "panel" | "line" | "none", "auto">({
    argument: "auto|panel|line|none",
    default: "auto",
    group: "Output",
    expected: "auto, panel, line or none",
    parse: oneOf("auto", "panel", "line", "none"),
    sentence: "Progress on stderr: a live panel on a terminal, else a line now and then.",
  }),
  color: value<"auto" | "always" | "never", "auto">({
    argument: "auto|always|never",
    default: "auto",
    group: "Output",
    expected: "auto, always or never",
    parse: oneOf("auto", "always", "never"),
    sentence: "Colours; auto obeys NO_COLOR, FORCE_COLOR and TERM=dumb.",
  }),
  quiet: {
    kind: "switch",
    letter: "q",
    group: "Output",
    sentence: "Only the table and what comes after it: no header, no progress, no line for each failure.",
  } as SwitchOption,
  slow: value<number, undefined>({
    argument: "D",
    default: undefined,
    group: "Output",
    expected: durationExpected,
    parse: parseDuration,
    sentence: "Say on stderr which runs are still under way after this long, and again each time that long has passed.",
  }),
  config: value<string, undefined>({
    argument: "FILE",
    default: undefined,
    defaultText: "raft-stress.config.json, .js or .mjs",
    group: "Other",
    expected: "the path of a file",
    parse: nonEmpty,
    sentence: "Defaults by long name, and profiles of them. Flag > environment (RAFT_STRESS_ITER=50) > profile > file > default.",
  }),
  profile: value<string, undefined>({
    argument: "NAME",
    default: undefined,
    group: "Other",
    expected: "the name of a profile",
    parse: nonEmpty,
    sentence: "Use this profile of the configuration file.",
  }),
  dryRun: {
    kind: "switch",
    group: "Other",
    sentence: "Say what would be run, and run nothing.",
  } as SwitchOption,
} as const;

export type OptionName = keyof typeof optionTable;
export type OptionSpec = (typeof optionTable)[OptionName];

type ValueOf<S> =
  S extends ValueOption<infer T, infer D> ? T | D : S extends CountOption ? number : S extends SwitchOption ? boolean : never;

/** All options, parsed; what was given nowhere has its default. */
export type Options = { readonly [K in OptionName]: ValueOf<(typeof optionTable)[K]> };

export const optionNames = Object.keys(optionTable) as readonly OptionName[];

/** `checkDeterminism` -> `check-determinism`. */
export function longName(name: OptionName): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `checkDeterminism` -> `RAFT_STRESS_CHECK_DETERMINISM`. */
export function environmentName(name: OptionName): string {
  return `RAFT_STRESS_${longName(name).replaceAll("-", "_").toUpperCase()}`;
}

/** What the help says of the default; undefined when absence is the default. */
export function defaultText(spec: OptionSpec): string | undefined {
  if (spec.kind !== "value") return undefined;
  return spec.defaultText ?? (spec.default === undefined ? undefined : String(spec.default));
}

/** How the help writes what follows an option's name. */
export function argumentText(spec: OptionSpec, open = "<", close = ">"): string {
  if (spec.kind !== "value") return "";
  return spec.bare === undefined ? ` ${open}${spec.argument}${close}` : ` [${spec.argument}]`;
}

/** Whether the built-in tests run with an adversary. */
export function isCheckedMode(options: Pick<Options, "race" | "exec" | "go">): boolean {
  return options.race && !isExternal(options);
}

/** Whether the runs are made by commands of the user, and not by the built-in tests. */
export function isExternal({ exec, go }: Pick<Options, "exec" | "go">): boolean {
  return exec !== undefined || go !== undefined;
}
