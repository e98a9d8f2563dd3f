import { checkWritable } from "./artifacts.ts";
import { jsonFile } from "./json-target.ts";
import { isExternal } from "./options.ts";
import { createOutput } from "./output.ts";
import type { SessionRequest } from "./session.ts";
import { runSettings } from "./settings.ts";

/** Runs tests and reports: the whole of `raft-stress TEST...`. Returns the exit status. Throws UserError for what the user can put right. */
export async function runSession(request: SessionRequest): Promise<number> {
  const { options } = request;
  const output = createOutput({ color: options.color, jsonOnStdout: jsonFile(options) === "-" });
  const settings = runSettings(options, process.env.RAFT_LOG);
  const directory = options.output ?? options.resume;
  if (directory !== undefined) checkWritable(directory);
  // Threads and processes take over this environment when they start.
  if (options.verbose > 0) process.env.VERBOSE = String(options.verbose);
  const opened = { request, options, output, settings };
  if (isExternal(options)) return (await import("./external/session.ts")).runExternal(opened);
  return (await import("./built-in.ts")).runBuiltIn(opened);
}
