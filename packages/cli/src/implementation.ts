import { spawnSync } from "node:child_process";
import { basename, extname } from "node:path";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import type { MakeRaft } from "@raft-stress/raft/api";

/** The implementation cannot be used; the message is the end of a sentence that begins with its name. */
export class NotLoaded extends Error {}

/**
 * Imports a module and takes its MakeRaft: the export `makeRaft`, else the default export.
 * `url` undefined is the built-in Raft. Throws NotLoaded for everything that can be wrong with the module.
 */
export async function loadImplementation(url: string | undefined): Promise<MakeRaft> {
  const module = await importModule(url);
  const candidate = module.makeRaft ?? module.default;
  if (typeof candidate === "function") return candidate as MakeRaft;
  const names = Object.keys(module);
  const has = names.length === 0 ? "it exports nothing" : `it exports ${names.join(", ")}`;
  throw new NotLoaded(`has no function makeRaft among its exports, and no function as its default export: ${has}`);
}

async function importModule(url: string | undefined): Promise<Record<string, unknown>> {
  // By URL, because a dependency written down here would be one of the whole command, not of its workers.
  if (url === undefined) return await import(import.meta.resolve("@raft-stress/raft"));
  try {
    return await import(url);
  } catch (error) {
    let why: string;
    try {
      why = whyNotLoaded(error, url);
    } catch {
      why = "it threw a value that cannot be described: looking at it throws";
    }
    throw new NotLoaded(`cannot be loaded: ${why}`);
  }
}

function whyNotLoaded(error: unknown, url: string): string {
  if (!(error instanceof Error)) return `it threw ${inspect(error, { depth: 1 })}`;
  if ("code" in error && error.code === "ERR_UNKNOWN_FILE_EXTENSION" && extname(fileURLToPath(url)) === ".ts") {
    return `Node ${process.versions.node} does not import TypeScript (Node 22.18 and newer do); give its compiled JavaScript`;
  }
  const place = error instanceof SyntaxError ? placeOfSyntaxError(url) : placeIn(error.stack ?? "");
  const firstLine = error.message.split("\n")[0]!;
  return place === undefined ? `${error.name}: ${firstLine}` : `${error.name}: ${firstLine} (${place})`;
}

/** `FILE:LINE` of the first frame that is a file's, not Node's own. */
function placeIn(stack: string): string | undefined {
  return /^\s+at (?!.*node:internal).*?([^/\s(]+:\d+):\d+\)?$/m.exec(stack)?.[1];
}

/** `FILE:LINE`. The error of a failed import does not say where it is; a second Node that only parses the file does. */
function placeOfSyntaxError(url: string): string | undefined {
  const file = fileURLToPath(url);
  const { stderr } = spawnSync(process.execPath, ["--check", file], { encoding: "utf8", timeout: 10_000 });
  const line = /^.*:(\d+)$/m.exec(stderr ?? "")?.[1];
  return line === undefined ? undefined : `${basename(file)}:${line}`;
}
