import { CommanderError } from "commander";
import { exitCodes, UserError } from "./exit-codes.ts";

export interface Explanation {
  /** For stderr; empty when there is nothing to say. */
  readonly text: string;
  readonly exitCode: number;
}

/** What to say of an error that ended the command: one sentence for what the user can put right, a stack for what is ours. */
export function explain(error: unknown): Explanation {
  if (error instanceof UserError) return { text: `raft-stress: ${error.message}`, exitCode: error.exitCode };
  if (error instanceof CommanderError) return explainCommandLine(error);
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const plea = "this is a fault of raft-stress, not of the Raft under test; please report it with the lines above";
  return { text: `${stack}\nraft-stress: ${plea}`, exitCode: exitCodes.fault };
}

/** --help and --version come as errors too, after they have printed. */
function explainCommandLine({ exitCode, message }: CommanderError): Explanation {
  if (exitCode === 0) return { text: "", exitCode: exitCodes.passed };
  const sentence = message.replace(/^error: /, "").replace(/\n\((.*)\)$/, " ($1)");
  return { text: `raft-stress: ${sentence}; raft-stress --help lists the options`, exitCode: exitCodes.usage };
}
