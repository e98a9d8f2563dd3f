import { basename, resolve } from "node:path";
import type { Job } from "@raft-stress/harness";
import type { TestInfo } from "../select.ts";
import type { GoSources } from "./go-sources.ts";
import { parseLabLine } from "./lab-line.ts";
import { goSeconds, judgeGoTest, passTailBytes } from "./outcome.ts";
import { type Launch, namedTest, type Target } from "./target.ts";

export interface GoTargetOptions {
  /** As the user named it. */
  readonly go: string;
  readonly directory: string;
  readonly binary: string;
  readonly race: boolean;
  readonly tags: string | undefined;
  readonly tests: readonly TestInfo[];
  readonly timeoutMs: number;
  readonly sources: GoSources;
}

/** The test binary ends itself with all stacks in time; if it cannot, it is ended from outside this much later, in real milliseconds. */
const outsideAfterMs = 1000;

/** The target of `--go`: one process of the compiled test binary for each run. */
export function goTarget({ go, directory, binary, race, tags, tests, timeoutMs, sources }: GoTargetOptions): Target {
  const launch = (file: string, { test }: Job): Launch => ({
    file,
    args: ["-test.run", `^${test}$`, "-test.paniconexit0", `-test.timeout=${timeoutMs}ms`],
    directory,
  });
  return {
    subject: `--go ${basename(directory)}${race ? " with the race detector" : ""}${tags === undefined ? "" : `, tags ${tags}`}`,
    origin: { go, race, tags },
    tests,
    timeoutMs: timeoutMs + outsideAfterMs,
    launch: (job) => launch(binary, job),
    launchLater: (job, keepDirectory) => launch(resolve(keepDirectory, basename(binary)), job),
    keep: binary,
    judge(job, ending, log, limits) {
      let whole: string | undefined;
      const output = () => {
        whole ??= log.whole();
        return whole;
      };
      const verdict = judgeGoTest(ending, output, () => log.tail(passTailBytes), limits, job.test);
      if (verdict.outcome !== "pass") {
        const seconds = goSeconds(output());
        return { ...verdict, ...(seconds !== undefined && { seconds }) };
      }
      const lab = parseLabLine(log.tail(passTailBytes));
      return { ...verdict, ...(lab && { lab, seconds: lab.seconds }) };
    },
    remarks: () => {
      const remark = sources.remark();
      return remark === undefined ? [] : [remark];
    },
  };
}

/**
 * What is known of tests by their names. `TestBackup2B` is of part 2B, and is `TestBackup3B` in the other course years; both names find it, unless
 * the package has a test, or a part, that is really called so.
 */
export function goTests(names: readonly string[]): readonly TestInfo[] {
  const parts = new Set(names.map(partOf));
  return names.map((name) => {
    const part = partOf(name);
    const otherPart = part === "" ? "" : otherYear(part);
    const otherName = part === "" ? name : name.slice(0, -part.length) + otherPart;
    return {
      ...namedTest("go", name),
      part,
      alias: names.includes(otherName) ? name : otherName,
      aliasPart: parts.has(otherPart) ? "" : otherPart,
    };
  });
}

function partOf(name: string): string {
  return /[1-9][A-E]$/.exec(name)?.[0] ?? "";
}

/** The course of 2023 put an exercise before Raft: part 2A became 3A. */
function otherYear(part: string): string {
  const number = { 2: "3", 3: "2" }[part[0]!];
  return number === undefined ? part : number + part.slice(1);
}
