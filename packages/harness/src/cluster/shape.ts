import { inspect } from "node:util";
import type { Raft, StartResult } from "@raft-stress/raft/api";
import { ImplementationError } from "../failure.ts";

export type ServerState = ReturnType<Raft["getState"]>;

const methods = ["start", "getState", "snapshot", "kill"] as const;

/** What a MakeRaft returned is no Raft, as opposed to an error of the implementation's own. */
export class ShapeError extends TypeError {}

/** Checks that what a MakeRaft returned is a Raft; throws a ShapeError that says what is missing. */
export function checkRaft(raft: unknown): Raft {
  if (raft instanceof Promise)
    throw new ShapeError("MakeRaft must return a Raft, got a promise of one: do asynchronous work after returning");
  if (typeof raft !== "object" || raft === null)
    throw new ShapeError(`MakeRaft must return a Raft, got ${raft === null ? "null" : typeof raft}`);
  const candidate = raft as Record<string, unknown>;
  for (const name of methods) {
    if (typeof candidate[name] !== "function")
      throw new ShapeError(`MakeRaft must return a Raft with a method ${name}(), got ${typeof candidate[name]}`);
  }
  const { handlers, inspect: view } = candidate;
  if (view !== undefined && typeof view !== "function")
    throw new ShapeError(`MakeRaft must return a Raft whose inspect is a method or not there, got ${kindOf(view)}`);
  if (typeof handlers !== "object" || handlers === null)
    throw new ShapeError("MakeRaft must return a Raft with `handlers`, RPC handlers by method name");
  // Neither has handlers by name, and with neither would any request be answered.
  if (Array.isArray(handlers) || handlers instanceof Map)
    throw new ShapeError(`MakeRaft must return a Raft whose handlers are properties of an object, got ${kindOf(handlers)}`);
  for (const [method, handler] of Object.entries(handlers)) {
    if (typeof handler !== "function")
      throw new ShapeError(`MakeRaft must return a Raft whose handlers are functions, got ${typeof handler} for the handler of ${method}`);
  }
  return raft as Raft;
}

/** Checks what getState() says right after the boot; throws a ShapeError. A getState() that throws is left for the runs to show. */
export function checkFirstState(raft: Raft): void {
  let answer: unknown;
  try {
    answer = raft.getState();
  } catch {
    return;
  }
  if (!isServerState(answer))
    throw new ShapeError(`MakeRaft must return a Raft whose getState() answers ${stateShape} at once, got ${showAnswer(answer)}`);
}

/** Checks what start() returned: an answer at once, no promise of one. Throws an ImplementationError. */
export function checkStartResult(server: number, answer: StartResult): StartResult {
  if (typeof answer === "object" && answer !== null && answer.isLeader === false) return answer;
  if (typeof answer === "object" && answer !== null && answer.isLeader === true && isTerm(answer.term) && isTerm(answer.index))
    return answer;
  throw wrongAnswer(server, "start()", "{ index, term, isLeader }", answer);
}

/** Checks what getState() returned. Throws an ImplementationError. */
export function checkServerState(server: number, answer: ServerState): ServerState {
  if (isServerState(answer)) return answer;
  throw wrongAnswer(server, "getState()", stateShape, answer);
}

const stateShape = "{ term, isLeader }";

function isServerState(answer: unknown): answer is ServerState {
  if (typeof answer !== "object" || answer === null) return false;
  const { term, isLeader } = answer as Partial<ServerState>;
  return typeof isLeader === "boolean" && isTerm(term);
}

function isTerm(value: unknown): boolean {
  return Number.isSafeInteger(value);
}

function wrongAnswer(server: number, method: string, expected: string, answer: unknown): ImplementationError {
  const told = `answered ${method} with ${showAnswer(answer)}, expected ${expected} at once`;
  return new ImplementationError(server, method, new TypeError(told), told);
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "an array";
  return value instanceof Map ? "a Map" : typeof value;
}

function showAnswer(answer: unknown): string {
  return answer instanceof Promise ? "a promise" : inspect(answer, { depth: 1, breakLength: Number.POSITIVE_INFINITY });
}
