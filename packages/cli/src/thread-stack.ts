import type { Session } from "node:inspector";
import type { Worker } from "node:worker_threads";
import { withSourcePositions } from "@raft-stress/harness/results";

/** One frame of a thread's stack, places as V8 counts them: lines and columns from 0. */
interface CallFrame {
  readonly functionName: string;
  readonly location: { readonly scriptId: string; readonly lineNumber: number; readonly columnNumber?: number };
}

const maxFrames = 20;
/** From one tick of a chain of them to the next it takes a hundred or two. */
const maxSteps = 300;

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

/** Speaks to one thread's debugger. */
class ThreadDebugger {
  readonly #session: Session;
  readonly #sessionId: string;
  readonly #scripts = new Map<string, string>();
  #lastId = 0;
  #onPaused: (frames: readonly CallFrame[]) => void = () => {};

  constructor(session: Session, sessionId: string) {
    this.#session = session;
    this.#sessionId = sessionId;
    session.on("NodeWorker.receivedMessageFromWorker", ({ params }) => {
      if (params.sessionId === sessionId) this.#hear(JSON.parse(params.message));
    });
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

  #say(method: string): void {
    const message = JSON.stringify({ id: ++this.#lastId, method });
    this.#session.post("NodeWorker.sendMessageToWorker", { sessionId: this.#sessionId, message });
  }

  #hear({ method, params }: { method?: string; params?: { scriptId: string; url: string; callFrames: readonly CallFrame[] } }): void {
    if (method === "Debugger.scriptParsed") this.#scripts.set(params!.scriptId, params!.url);
    if (method === "Debugger.paused") this.#onPaused(params!.callFrames);
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
