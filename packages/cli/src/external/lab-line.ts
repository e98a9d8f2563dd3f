/** What the tester of a lab prints of a run that has passed. */
export interface LabLine {
  readonly seconds: number;
  readonly servers?: number;
  readonly rpcs?: number;
  readonly bytes?: number;
  readonly commands?: number;
}

/**
 * Reads the lab's own line, `  ... Passed --   3.1  3   54   13422    0`: seconds, servers, RPCs, bytes, commands. Newer testers print no bytes
 * (four numbers), or name their numbers (`time  3.1s #peers 3 #RPCs    54 #Ops    0`). Of several, the last counts.
 */
export function parseLabLine(text: string): LabLine | undefined {
  const rest = [...text.matchAll(/^.*\.\.\. Passed --(.*)$/gm)].at(-1)?.[1];
  if (rest === undefined) return undefined;
  return rest.includes("#") ? namedNumbers(rest) : bareNumbers(rest.trim().split(/\s+/).map(Number));
}

function namedNumbers(text: string): LabLine | undefined {
  const number = (pattern: RegExp) => {
    const found = pattern.exec(text)?.[1];
    return found === undefined ? undefined : Number(found);
  };
  const seconds = number(/time\s+([\d.]+)s/);
  if (seconds === undefined) return undefined;
  return withoutAbsent({ seconds, servers: number(/#peers\s+(\d+)/), rpcs: number(/#RPCs\s+(\d+)/), commands: number(/#Ops\s+(\d+)/) });
}

function bareNumbers(numbers: readonly number[]): LabLine | undefined {
  const [seconds, servers, rpcs, fourth, fifth] = numbers;
  if (seconds === undefined || !numbers.every(Number.isFinite) || numbers.length > 5) return undefined;
  if (numbers.length === 5) return withoutAbsent({ seconds, servers, rpcs, bytes: fourth, commands: fifth });
  if (numbers.length === 4) return withoutAbsent({ seconds, servers, rpcs, commands: fourth });
  return { seconds };
}

function withoutAbsent(line: { readonly seconds: number } & { readonly [K in keyof LabLine]?: number | undefined }): LabLine {
  return Object.fromEntries(Object.entries(line).filter(([, value]) => value !== undefined)) as unknown as LabLine;
}
