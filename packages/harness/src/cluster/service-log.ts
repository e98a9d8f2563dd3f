import { isDeepStrictEqual } from "node:util";
import { TestFailure } from "../failure.ts";
import { listOf } from "../list-of.ts";

const nothingApplied = Symbol("nothing applied");

/**
 * What each server's service has applied, by index, as the tester sees it: it outlives restarts, and every new command is held against all servers'
 * logs at once.
 */
export class ServiceLogs {
  /** The highest index applied by anyone. */
  maxIndex = 0;
  private readonly logs: unknown[][];

  constructor(servers: number) {
    this.logs = listOf(servers, () => []);
  }

  /** Records a command that server `server` applied at `index`. Throws a TestFailure if another server applied another one there. */
  apply(server: number, index: number, command: unknown): void {
    const { logs } = this;
    for (let other = 0; other < logs.length; other++) {
      const log = logs[other]!;
      if (index >= log.length) continue;
      const theirs = log[index];
      if (theirs !== command && theirs !== nothingApplied && !sameCommand(theirs, command))
        throw divergence(index, server, command, other, theirs);
    }
    const log = logs[server]!;
    while (log.length < index) log.push(nothingApplied);
    log[index] = command;
    if (index > this.maxIndex) this.maxIndex = index;
  }

  has(server: number, index: number): boolean {
    const log = this.logs[server]!;
    return index < log.length && log[index] !== nothingApplied;
  }

  /** The highest index that the server has applied; 0 if none. */
  lastIndex(server: number): number {
    return Math.max(0, this.logs[server]!.length - 1);
  }

  /** The command that the server has applied at `index`; null where none is known. */
  at(server: number, index: number): unknown {
    return this.has(server, index) ? this.logs[server]![index] : null;
  }

  /** Replaces what the server has applied by what a snapshot holds. */
  replace(server: number, commands: readonly unknown[]): void {
    this.logs[server] = [...commands];
  }

  /** How many servers have applied something at `index`, and what. Throws a TestFailure if they do not agree. */
  committed(index: number): { count: number; command: unknown } {
    let count = 0;
    let command: unknown;
    let witness = 0;
    const { logs } = this;
    for (let server = 0; server < logs.length; server++) {
      const log = logs[server]!;
      if (index >= log.length) continue;
      const theirs = log[index];
      if (theirs === nothingApplied) continue;
      if (count > 0 && command !== theirs && !sameCommand(command, theirs)) throw divergence(index, server, theirs, witness, command);
      count++;
      command = theirs;
      witness = server;
    }
    return { count, command };
  }
}

export function sameCommand(a: unknown, b: unknown): boolean {
  return a === b || (typeof a === "object" && isDeepStrictEqual(a, b));
}

function divergence(index: number, server: number, command: unknown, other: number, theirs: unknown): TestFailure {
  return new TestFailure(
    `commit index ${index}: S${server} applied ${showCommand(command)}, S${other} had applied ${showCommand(theirs)}`,
    {
      cause: "servers applied different commands at one index",
      expected: `S${server} applies ${showCommand(theirs)}`,
      seen: showCommand(command),
      server,
      aspect: "safety",
    },
  );
}

/** A command as text, cut to what fits on a line. */
export function showCommand(command: unknown): string {
  const text =
    typeof command === "string"
      ? JSON.stringify(command)
      : command instanceof Uint8Array
        ? `<${command.length} bytes>`
        : plainText(command);
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

function plainText(command: unknown): string {
  if (typeof command !== "object") return String(command);
  return JSON.stringify(command, (_, part: unknown) => (typeof part === "bigint" ? `${part}n` : part)) ?? "undefined";
}
