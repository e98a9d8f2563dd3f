import type { Session } from "node:inspector";
import type { Worker } from "node:worker_threads";
import { withSourcePositions } from "@raft-stress/harness/results";

/** One frame of a thread's stack, places as V8 counts them: lines and columns from 0. */
interface CallFrame {
  readonly functionName: string;
  readonly location: { readonly scriptId: string; readonly lineNumber: number; readonly columnNumber?: number };
}

/** Real milliseconds. */
const attachedWithinMs = 2000;

const maxFrames = 20;
/** From one tick of a chain of them to the next it takes a hundred or two. */
const maxSteps = 300;
/** As many as a few seconds are good for. */
const maxFollowedSteps = 20_000;

/** A user's script, as it is named in a thread. */
const usersScript = "raft-stress:/";

/** Steps go through a user's script alone, whatever it calls, and begin in the worker's. */
const otherScripts = `^(?!${usersScript}|.*/pool/worker\\.js$)`;

/**
 * Where the code of a busy thread is, as the lines of an Error's stack with source positions: pauses it for a moment, as a debugger does. Undefined when it
 * cannot be paused within `withinMs`, in the midst of a native call for instance. Leaves the thread running; never throws.
 */
export async function stackOfThread(worker: Worker, withinMs: number): Promise<string | undefined> {
  // Loaded only for runs that hang.
  const inspector = await import("node:inspector");
  const session = new inspector.Session();
  try {
    session.connect();
    const thread = await attached(session, worker.threadId, withinMs);
    return thread && (await thread.stack(withinMs));
  } catch {
    // Another debugger holds the thread, or this Node has no inspector.
    return undefined;
  } finally {
    worker.once("exit", () => session.disconnect());
  }
}

/**
 * Follows the thread's code from its next `debugger` statement on, statement by statement. `onStack` is told each place, as `stackOfThread` tells it; undefined when the
 * way is too long to be followed. What ends the thread, or its process, was called from the last place. Resolves when it is ready; never throws.
 */
export async function followThread(worker: Worker, onStack: (stack: string | undefined) => void): Promise<void> {
  const inspector = await import("node:inspector");
  const session = new inspector.Session();
  worker.once("exit", () => session.disconnect());
  try {
    session.connect();
    const thread = await attached(session, worker.threadId, attachedWithinMs);
    await thread?.follow(onStack);
  } catch {
    // As above.
  }
}

/** Attaches to the thread of that id. */
function attached(session: Session, threadId: number, withinMs: number): Promise<ThreadDebugger | undefined> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(undefined), withinMs);
    session.on("NodeWorker.attachedToWorker", ({ params }) => {
      if (params.workerInfo.title.includes(`[worker ${threadId}]`)) resolve(new ThreadDebugger(session, params.sessionId));
    });
    session.post("NodeWorker.enable", { waitForDebuggerOnStart: false });
  });
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly scriptId: string; readonly url: string; readonly callFrames: readonly CallFrame[] };
}

/** Speaks to one thread's debugger. */
class ThreadDebugger {
  readonly #session: Session;
  readonly #sessionId: string;
  readonly #scripts = new Map<string, string>();
  readonly #answered = new Map<number, () => void>();
  #lastId = 0;
  #onPaused: (frames: readonly CallFrame[]) => void = () => {};

  constructor(session: Session, sessionId: string) {
    this.#session = session;
    this.#sessionId = sessionId;
    session.on("NodeWorker.receivedMessageFromWorker", ({ params }) => {
      if (params.sessionId === sessionId) this.#hear(JSON.parse(params.message));
    });
  }

  /** Resolves when it will stop at the next `debugger` statement. */
  async follow(onStack: (stack: string | undefined) => void): Promise<void> {
    let steps = 0;
    this.#onPaused = (frames) => {
      if (++steps > maxFollowedSteps) {
        onStack(undefined);
        this.#say("Debugger.disable");
        return;
      }
      if (this.#isUsers(frames[0]!)) onStack(withSourcePositions(this.#text(frames)));
      this.#say("Debugger.stepInto");
    };
    this.#say("Debugger.enable");
    await this.#ask("Debugger.setBlackboxPatterns", { patterns: [otherScripts] });
  }

  stack(withinMs: number): Promise<string | undefined> {
    return new Promise((resolve) => {
      const finish = (stack: string | undefined): void => {
        // A thread that is paused late finds this waiting.
        this.#say("Debugger.resume");
        this.#session.post("NodeWorker.detach", { sessionId: this.#sessionId });
        resolve(stack);
      };
      const tooLate = setTimeout(() => finish(undefined), withinMs);
      let steps = 0;
      this.#onPaused = (frames) => {
        const stack = withSourcePositions(this.#text(frames));
        // Between two microtasks no code of the implementation is on the stack: some steps on there is.
        if (stack === "" && ++steps < maxSteps) {
          this.#say("Debugger.stepInto");
          return;
        }
        clearTimeout(tooLate);
        finish(stack === "" ? undefined : stack);
      };
      this.#say("Debugger.enable");
      this.#say("Debugger.pause");
    });
  }

  #say(method: string, params = {}): number {
    const id = ++this.#lastId;
    const message = JSON.stringify({ id, method, params });
    this.#session.post("NodeWorker.sendMessageToWorker", { sessionId: this.#sessionId, message });
    return id;
  }

  #ask(method: string, params: object): Promise<void> {
    const id = this.#say(method, params);
    return new Promise((resolve) => this.#answered.set(id, resolve));
  }

  #hear({ id, method, params }: Message): void {
    if (id !== undefined) this.#answered.get(id)?.();
    if (method === "Debugger.scriptParsed") this.#scripts.set(params!.scriptId, params!.url);
    if (method === "Debugger.paused") this.#onPaused(params!.callFrames);
  }

  #isUsers({ location }: CallFrame): boolean {
    return this.#scripts.get(location.scriptId)?.startsWith(usersScript) === true;
  }

  #text(frames: readonly CallFrame[]): string {
    const lines = frames.slice(0, maxFrames).flatMap(({ functionName, location }) => {
      const script = this.#scripts.get(location.scriptId);
      // Code that was made of text has no place, and Node's own is nobody's loop: what called it tells more.
      if (!script || script.startsWith("node:")) return [];
      const place = `${script}:${location.lineNumber + 1}:${(location.columnNumber ?? 0) + 1}`;
      return [functionName === "" ? `    at ${place}` : `    at ${functionName} (${place})`];
    });
    return lines.join("\n");
  }
}
