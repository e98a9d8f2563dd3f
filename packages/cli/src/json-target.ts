import { closeSync, openSync, writeSync } from "node:fs";
import { UserError } from "./exit-codes.ts";
import type { Options } from "./options.ts";
import type { Output } from "./output.ts";

export interface JsonTarget {
  write(line: string): void;
  close(): void;
}

/** The file of --json; `-` is stdout; undefined when no JSON lines are wanted. */
export function jsonFile({ json, reporter }: Options): string | undefined {
  return json ?? (reporter?.includes("json") ? "-" : undefined);
}

/** Throws UserError when the file cannot be written. Each line is on its way when `write` returns; a disk that fills up is warned of once. */
export function openJson(file: string, output: Output): JsonTarget {
  if (file === "-") return { write: output.printJson, close() {} };
  const descriptor = open(file);
  let broken = false;
  return {
    write(line) {
      if (broken) return;
      try {
        writeSync(descriptor, `${line}\n`);
      } catch (error) {
        broken = true;
        output.tell(`raft-stress: --json: '${file}' cannot be written any more: ${(error as Error).message}; the runs go on without it`);
      }
    },
    close: () => closeSync(descriptor),
  };
}

function open(file: string): number {
  try {
    return openSync(file, "w");
  } catch (error) {
    throw new UserError(`--json: '${file}' cannot be written: ${(error as Error).message}`);
  }
}
