import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Batch, BatchEnd, Executor, Loss, OnResults, RunUnderWay } from "../executor.ts";
import type { ChildSetup } from "./child-messages.ts";
import { type Active, Child, type ChildEnd } from "./child-process.ts";
import { readLastEvent } from "./last-event.ts";
import type { LoadEnd } from "./pool.ts";
import { capacityFor } from "./thread-counts.ts";
import { shownStack } from "./thread-stack.ts";

/**
 * Hands batches to a pool in another process, and starts a new process when that one is lost: whatever a user's Raft does to its process, the command goes on. For what
 * threads can't survive: one allocation beyond V8's limits, a native call without end.
 */
export class ChildPool implements Executor {
  readonly capacity: number;
  readonly singleRuns: boolean;
  readonly #setup: ChildSetup;
  readonly #print: (text: string) => void;
  #child: Child;
  #closing = false;
  #lastId = 0;
  /** Holds the last events of runs that are alone; made when it is needed. */
  #scratch: string | undefined;

  /** `child` has been started and has not been set up. `print` takes what the process prints. */
  constructor(child: Child, setup: ChildSetup, print: (text: string) => void) {
    const { clock } = setup.setup.settings;
    this.capacity = capacityFor(setup.workers, clock);
    this.singleRuns = setup.singleRuns;
    this.#setup = setup;
    this.#print = print;
    this.#child = child;
    child.setUp(setup);
  }

  /** Loads the implementation, so that what is wrong with it is known before anything runs. */
  load(): Promise<LoadEnd> {
    const id = ++this.#lastId;
    const lastEventFile = join(this.#scratchDirectory(), `${id}`);
    const send = (child: Child, active: Active): Promise<LoadEnd | ChildEnd> => child.send({ type: "load", id, lastEventFile }, active);
    return this.#submit({ id, jobs: [], onResults() {} }, send, true, lastEventFile);
  }

  async run(batch: Batch, onResults: OnResults): Promise<BatchEnd> {
    const id = ++this.#lastId;
    const lastEventFile = batch.alone ? join(this.#scratchDirectory(), `${id}`) : undefined;
    const sent = lastEventFile === undefined ? batch : { ...batch, lastEventFile };
    const send = (child: Child, active: Active): Promise<LoadEnd | ChildEnd> => child.send({ type: "run", id, batch: sent }, active);
    const end = await this.#submit({ id, jobs: batch.jobs, onResults }, send, batch.alone === true, lastEventFile);
    return end.type === "loaded" ? { type: "fault", stack: "a batch ended as a load" } : end;
  }

  async #submit(
    { id, jobs, onResults }: Pick<Active, "id" | "jobs" | "onResults">,
    send: (child: Child, active: Active) => Promise<LoadEnd | ChildEnd>,
    alone: boolean,
    lastEventFile?: string,
  ): Promise<LoadEnd> {
    if (this.#child.spent && !this.#closing) {
      this.#child = Child.start(this.#setup.setup.settings.clock, this.#print);
      this.#child.setUp(this.#setup);
    }
    const end = await send(this.#child, { id, jobs, onResults, sentMs: performance.now(), finished: new Set() });
    if (end.type !== "gone") return end;
    return lossOf(end, alone, lastEventFile);
  }

  #scratchDirectory(): string {
    if (this.#scratch === undefined) {
      this.#scratch = mkdtempSync(join(tmpdir(), "raft-stress-"));
      // Also when the command ends without being closed.
      process.once("exit", () => this.#removeScratch());
    }
    return this.#scratch;
  }

  #removeScratch(): void {
    if (this.#scratch !== undefined) rmSync(this.#scratch, { recursive: true, force: true });
  }

  /** Results come by themselves. */
  collect(): void {}

  underWay(): readonly RunUnderWay[] {
    return this.#child.underWay();
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#child.close();
    this.#removeScratch();
  }
}

/** A batch that was lost with its process. Of several, or of several runs in one, it is not known who has done it. */
function lossOf({ deliberate, death, company, followed }: ChildEnd, alone: boolean, lastEventFile: string | undefined): Loss {
  const part = deliberate ? "bystander" : company === 1 && alone ? "culprit" : "suspect";
  const { event, virtualMs, server } = readLastEvent(lastEventFile);
  return {
    type: "lost",
    what: "process",
    why: death.ofMemory ? "memory" : "died",
    position: part === "culprit" ? 0 : undefined,
    part,
    message: death.message,
    event,
    virtualMs,
    inEventMs: 0,
    server,
    stack: shownStack(followed),
  };
}
