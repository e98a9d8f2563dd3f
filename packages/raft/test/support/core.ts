import type { ApplyMessage } from "../../src/api.ts";
import { encodeState } from "../../src/codec.ts";
import { RaftCore } from "../../src/core.ts";
import type { AppendEntriesArgs, AppendEntriesReply, Entry, InstallSnapshotArgs, Outgoing, RequestVoteArgs } from "../../src/messages.ts";
import { completeOptions, type RaftOptions } from "../../src/options.ts";

/** How a core under test begins: as if it had been restarted from this state. */
export interface Boot {
  readonly me?: number;
  readonly servers?: number;
  readonly currentTerm?: number;
  readonly votedFor?: number;
  /** Terms of the entries after the snapshot point; the command of entry i is `commandAt(i, term)`. */
  readonly terms?: readonly number[];
  readonly snapshotIndex?: number;
  readonly snapshotTerm?: number;
  readonly options?: Partial<RaftOptions>;
  /** Share of the range of election timeouts that is drawn, 0 by default: the shortest. */
  readonly timeoutShare?: number;
}

export const SNAPSHOT = Uint8Array.of(7, 7, 7);

export function commandAt(index: number, term: number): string {
  return `${index}@${term}`;
}

export function entriesFrom(firstIndex: number, terms: readonly number[]): Entry[] {
  return terms.map((term, i) => ({ term, command: commandAt(firstIndex + i, term) }));
}

/** A core, and the results of its events so far, taken after each event as a driver takes them. */
export class Bench {
  readonly core: RaftCore;
  now = 1000;
  /** Requests sent since `sent` was last emptied. */
  sent: Outgoing[] = [];
  applied: ApplyMessage[] = [];
  saves = 0;
  stored: { state: Uint8Array; snapshot: Uint8Array };
  readonly traced: string[] = [];
  readonly #boot: Boot;

  /** `draw`: the shares of the range of election timeouts, one after the other. */
  constructor(boot: Boot = {}, stored = storedState(boot), draw = () => boot.timeoutShare ?? 0) {
    this.#boot = boot;
    this.stored = stored;
    const config = {
      me: boot.me ?? 0,
      servers: boot.servers ?? 3,
      // Scenarios count on this pacing, whatever the default is.
      options: completeOptions({ sendIntervalMs: 20, ...boot.options }),
      random: { next: draw, int: (lo: number, hi: number) => lo + Math.floor(draw() * (hi - lo)) },
      trace: (topic: string, message: string) => this.traced.push(`${topic} ${message}`),
    };
    this.core = new RaftCore(config, stored.state, stored.snapshot, this.now);
  }

  get view() {
    return this.core.view;
  }

  get terms(): number[] {
    const { firstIndex, lastIndex } = this.view;
    return Array.from({ length: lastIndex - firstIndex + 1 }, (_, i) => this.view.termAt(firstIndex + i));
  }

  /** A crash, and the next life from what was stored. */
  restart(): Bench {
    return new Bench(this.#boot, this.stored);
  }

  vote(args: Partial<RequestVoteArgs>) {
    const { currentTerm } = this.view;
    const reply = this.core.receiveRequestVote({ term: currentTerm, candidateId: 1, lastLogIndex: 0, lastLogTerm: 0, ...args }, this.now);
    this.#carryOut();
    return reply;
  }

  append(args: Partial<AppendEntriesArgs>): AppendEntriesReply {
    const { currentTerm } = this.view;
    const whole = { term: currentTerm, leaderId: 1, prevLogIndex: 0, prevLogTerm: 0, entries: [], leaderCommit: 0, ...args };
    const reply = this.core.receiveAppendEntries(whole, this.now);
    this.#carryOut();
    return reply;
  }

  install(args: Partial<InstallSnapshotArgs>) {
    const { currentTerm } = this.view;
    const whole = { term: currentTerm, leaderId: 1, lastIncludedIndex: 0, lastIncludedTerm: 0, data: SNAPSHOT, ...args };
    const reply = this.core.receiveInstallSnapshot(whole, this.now);
    this.#carryOut();
    return reply;
  }

  propose(command: unknown) {
    const result = this.core.propose(command);
    this.#carryOut();
    return result;
  }

  /** Proposes, and lets the request go out. */
  proposeAndSend(command: unknown): void {
    this.propose(command);
    this.reachDeadline();
  }

  reply(request: Outgoing, reply: object): void {
    this.core.receiveReply(request, reply as AppendEntriesReply, this.now);
    this.#carryOut();
  }

  accept(request: Outgoing): void {
    this.reply(request, { term: request.args.term, success: true, conflictIndex: 0, conflictTerm: 0 });
  }

  rejectEntries(request: Outgoing, conflictIndex: number, conflictTerm: number): void {
    this.reply(request, { term: request.args.term, success: false, conflictIndex, conflictTerm });
  }

  lose(request: Outgoing): void {
    this.core.receiveLoss(request, this.now);
    this.#carryOut();
  }

  compact(index: number, snapshot = SNAPSHOT): void {
    this.core.compact(index, snapshot);
    this.#carryOut();
  }

  /** Lets time pass to the next deadline, if that is not past already, and reaches it. */
  reachDeadline(): void {
    this.now = Math.max(this.now, this.core.nextDeadlineMs(this.now));
    this.core.reachDeadline(this.now);
    this.#carryOut();
  }

  passTime(ms: number): void {
    const end = this.now + ms;
    while (this.core.nextDeadlineMs(this.now) <= end) this.reachDeadline();
    this.now = end;
  }

  takeSent(): Outgoing[] {
    const { sent } = this;
    this.sent = [];
    return sent;
  }

  /** The requests sent to one peer, which are taken out. */
  takeSentTo(server: number): Outgoing[] {
    const taken = this.sent.filter(({ to }) => to === server);
    this.sent = this.sent.filter(({ to }) => to !== server);
    return taken;
  }

  /** Runs for an election and wins it with everyone's vote. The first heartbeats are in `sent`. */
  winElection(): this {
    while (this.view.role === "follower") this.reachDeadline();
    for (const request of this.takeSent()) this.reply(request, { term: request.args.term, voteGranted: true });
    return this;
  }

  /** The first heartbeats of a new leader are answered, by followers whose logs match. */
  becomeSettled(): this {
    for (const request of this.takeSent()) this.accept(request);
    this.now += 50;
    return this;
  }

  /** As `becomeSettled`, but only this server has answered. */
  becomeSettledWith(server: number): this {
    for (const request of this.takeSent()) if (request.to === server) this.accept(request);
    this.now += 50;
    return this;
  }

  #carryOut(): void {
    if (this.core.unsaved) {
      this.stored = { state: this.core.encodeState().slice(), snapshot: this.core.snapshot.slice() };
      this.core.saved();
      this.saves += 1;
    }
    this.sent.push(...(this.core.takeOutbox() ?? []));
    for (let message = this.core.takeApply(); message !== undefined; message = this.core.takeApply()) this.applied.push(message);
  }
}

function storedState(boot: Boot): { state: Uint8Array; snapshot: Uint8Array } {
  const { terms = [], snapshotIndex = 0, snapshotTerm = snapshotIndex > 0 ? 1 : 0 } = boot;
  const currentTerm = boot.currentTerm ?? terms.at(-1) ?? snapshotTerm;
  if (currentTerm === 0) return { state: new Uint8Array(0), snapshot: new Uint8Array(0) };
  const entries = entriesFrom(snapshotIndex + 1, terms);
  const state = encodeState({ currentTerm, votedFor: boot.votedFor, snapshotIndex, snapshotTerm, entries });
  return { state, snapshot: snapshotIndex > 0 ? SNAPSHOT : new Uint8Array(0) };
}

/** The arguments of a request that is known to be an AppendEntries. */
export function appendArgs(request: Outgoing | undefined): AppendEntriesArgs {
  if (request?.method !== "AppendEntries") throw new Error(`expected an AppendEntries, got ${request?.method}`);
  return request.args;
}

export function snapshotArgs(request: Outgoing | undefined): InstallSnapshotArgs {
  if (request?.method !== "InstallSnapshot") throw new Error(`expected an InstallSnapshot, got ${request?.method}`);
  return request.args;
}
