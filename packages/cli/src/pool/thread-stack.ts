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
/** How long a way is followed, in real milliseconds. */
const followsWithinMs = 10_000;
/** A user's script with more places than this is not followed: each is a breakpoint. */
const maxPlaces = 20_000;

/** A user's script, as it is named in a thread. */
const usersScript = "raft-stress:/";

/**
 * Where the code of a busy thread is, as the lines of an Error's stack, with places in the script: pauses it for a moment, as a debugger does. Undefined when it
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
 * Follows the thread's code from its next `debugger` statement on, through a user's script, place by place. `onStep` is told each, as `stackOfThread` tells it; undefined
 * while it is not known where the code is, and for good when the way is too long to be followed. What ends the thread, or its process, was called from the last place.
 * Resolves when it is ready; never throws.
 */
export async function followThread(worker: Worker, onStep: (stack: string | undefined) => void): Promise<void> {
  const inspector = await import("node:inspector");
  const session = new inspector.Session();
  worker.once("exit", () => session.disconnect());
  try {
    session.connect();
    const thread = await attached(session, worker.threadId, attachedWithinMs);
    await thread?.follow(onStep);
  } catch {
    // As above.
  }
}

/** Such a stack with places in the sources; undefined when nothing is left of it. Of a script's own first lines there is no source. */
export function shownStack(stack: string | undefined): string | undefined {
  const lines = stack === undefined ? [] : withSourcePositions(stack).split("\n");
  const shown = lines.filter((line) => !line.includes(usersScript)).join("\n");
  return shown === "" ? undefined : shown;
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

interface Place {
  readonly lineNumber: number;
  readonly columnNumber: number;
}

function isBefore(a: Place, b: Place): boolean {
  return a.lineNumber < b.lineNumber || (a.lineNumber === b.lineNumber && a.columnNumber < b.columnNumber);
}

interface Answer {
  readonly locations?: readonly Place[];
}

interface Message {
  readonly id?: number;
  readonly result?: Answer;
  readonly method?: string;
  readonly params?: { readonly scriptId: string; readonly url: string; readonly callFrames: readonly CallFrame[] };
}

/** Speaks to one thread's debugger. */
class ThreadDebugger {
  readonly #session: Session;
  readonly #sessionId: string;
  readonly #scripts = new Map<string, string>();
  readonly #answered = new Map<number, (answer: Answer) => void>();
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
  async follow(onStep: (stack: string | undefined) => void): Promise<void> {
    let deadlineMs = Number.POSITIVE_INFINITY;
    this.#onPaused = (frames) => {
      if (this.#isUsers(frames[0]!)) {
        const isTooFar = performance.now() > deadlineMs;
        onStep(isTooFar ? undefined : this.#text(frames));
        this.#say(isTooFar ? "Debugger.disable" : "Debugger.resume");
      } else {
        void this.#breakEverywhere(onStep).then((done) => {
          deadlineMs = performance.now() + followsWithinMs;
          this.#say(done ? "Debugger.resume" : "Debugger.disable");
        });
      }
    };
    await this.#ask("Debugger.enable");
  }

  /** Not steps, which V8 lets run on at an `await` until that function goes on: a breakpoint at each place. Returns whether there are not too many. */
  async #breakEverywhere(onStep: (stack: undefined) => void): Promise<boolean> {
    for (const [scriptId, url] of this.#scripts) {
      const places = url.startsWith(usersScript) ? await this.#places(scriptId) : [];
      if (places.length > maxPlaces) return false;
      for (const { lineNumber, columnNumber } of places) {
        await this.#ask("Debugger.setBreakpoint", { location: { scriptId, lineNumber, columnNumber } });
        onStep(undefined);
      }
    }
    return true;
  }

  /** V8 tells a thousand at a time. */
  async #places(scriptId: string): Promise<readonly Place[]> {
    const places: Place[] = [];
    let start = { scriptId, lineNumber: 0, columnNumber: 0 };
    for (;;) {
      const { locations = [] } = await this.#ask("Debugger.getPossibleBreakpoints", { start });
      const last = locations.at(-1);
      // Past the last place it tells that one again.
      if (last === undefined || isBefore(last, start) || places.length > maxPlaces) return places;
      places.push(...locations);
      start = { scriptId, lineNumber: last.lineNumber, columnNumber: last.columnNumber + 1 };
    }
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
        const stack = this.#text(frames);
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

  #say(method: string, params = {}, id = ++this.#lastId): void {
    const message = JSON.stringify({ id, method, params });
    this.#session.post("NodeWorker.sendMessageToWorker", { sessionId: this.#sessionId, message });
  }

  #ask(method: string, params = {}): Promise<Answer> {
    return new Promise((resolve) => {
      const id = ++this.#lastId;
      // The answer may come while the question is still being posted.
      this.#answered.set(id, resolve);
      this.#say(method, params, id);
    });
  }

  #hear({ id, result, method, params }: Message): void {
    if (id !== undefined) {
      this.#answered.get(id)?.(result ?? {});
      this.#answered.delete(id);
    }
    if (method === "Debugger.scriptParsed") this.#scripts.set(params!.scriptId, params!.url);
    if (method === "Debugger.paused") this.#onPaused(params!.callFrames);
  }

  #isUsers({ location }: CallFrame): boolean {
    return this.#scripts.get(location.scriptId)?.startsWith(usersScript) === true;
  }

  /** What is not the user's tells nothing of where the user's code was. */
  #text(frames: readonly CallFrame[]): string {
    const lines = frames
      .filter((frame) => this.#isUsers(frame))
      .slice(0, maxFrames)
      .map(({ functionName, location }) => {
        const place = `${this.#scripts.get(location.scriptId)}:${location.lineNumber + 1}:${(location.columnNumber ?? 0) + 1}`;
        return functionName === "" ? `    at ${place}` : `    at ${functionName} (${place})`;
      });
    return lines.join("\n");
  }
}
