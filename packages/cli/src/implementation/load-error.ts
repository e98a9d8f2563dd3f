import { inspect } from "node:util";
import { withScriptPositions } from "@raft-stress/harness/results";
import type { BundledRaft } from "./bundled-raft.ts";

/** The implementation cannot be used; the message is the end of a sentence that begins with its name. */
export class NotLoaded extends Error {
  override readonly name = "NotLoaded";

  constructor(why: string) {
    super(withScriptPositions(why));
  }
}

/** The module threw while it was evaluated. */
export function threwAtTopLevel(thrown: unknown, { scriptName }: BundledRaft): NotLoaded {
  return new NotLoaded(
    `cannot be loaded: ${attempt(() => describe(thrown, scriptName), "it threw a value that cannot be described: looking at it throws")}`,
  );
}

function describe(thrown: unknown, scriptName: string): string {
  if (!(thrown instanceof Error)) return `it threw ${firstLine(inspect(thrown, { depth: 1, breakLength: Number.POSITIVE_INFINITY }))}`;
  const what = `${thrown.name}: ${firstLine(thrown.message)}`;
  const stack = String(thrown.stack);
  const start = stack.indexOf(`${scriptName}:`);
  const place = start < 0 ? undefined : /^\d+:\d+/.exec(stack.slice(start + scriptName.length + 1))?.[0];
  return place === undefined ? what : `${what} (${scriptName}:${place})`;
}

/** ` (FILE:LINE:COLUMN)` of an export's declaration, if it is known. */
export function placeOfExport(name: string, { scriptName, declarations }: BundledRaft): string {
  return Object.hasOwn(declarations, name) ? ` (${scriptName}:${declarations[name]})` : "";
}

/** What user code throws or exports may throw itself when it is looked at. */
export function attempt<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch {
    return otherwise;
  }
}

function firstLine(text: string): string {
  return text.split("\n")[0]!;
}
