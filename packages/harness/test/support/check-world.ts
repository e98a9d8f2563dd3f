import type { ApplyMessage, Raft, RaftView } from "@raft-stress/raft/api";
import { Checks } from "../../src/check/checks.ts";
import { type PaperCall, rpcKindOf } from "../../src/check/figure2.ts";
import type { DiskContents } from "../../src/check/write-ahead.ts";
import { PropertyViolation } from "../../src/failure.ts";
import { newSimulation } from "./world.ts";

/** What inspect() shows of a server that tests write by hand. */
export interface ShownServer {
  role: RaftView["role"];
  currentTerm: number;
  votedFor: number | undefined | null;
  commitIndex: number;
  lastApplied: number;
  /** Index of the snapshot below the log. */
  base: number;
  /** Terms by index, from 0 on; what is below `base` counts no more. */
  terms: number[];
}

export interface CheckWorldOptions {
  readonly servers?: number;
  readonly snapshots?: boolean;
  readonly thorough?: boolean;
  /** Servers that have no inspect(). */
  readonly withoutInspect?: readonly number[];
}

const noRaft: Omit<Raft, "inspect"> = {
  start: () => ({ index: -1, term: 0, isLeader: false }),
  getState: () => ({ term: 0, isLeader: false }),
  snapshot() {},
  kill() {},
  handlers: {},
};

function newServer(): ShownServer {
  return { role: "follower", currentTerm: 0, votedFor: undefined, commitIndex: 0, lastApplied: 0, base: 0, terms: [0] };
}

/**
 * The checks of a run without a run: a test says, event by event, what each server does and shows. A save takes to disk what the server shows at that moment, unless it is told something
 * else.
 */
export class CheckWorld {
  readonly simulation = newSimulation();
  readonly checks: Checks;
  readonly shown: ShownServer[];
  readonly disks: ShownServer[];
  private readonly withoutInspect: readonly number[];

  constructor({ servers = 3, snapshots = false, thorough = false, withoutInspect = [] }: CheckWorldOptions = {}) {
    this.checks = new Checks(this.simulation, { servers, snapshots, thorough, diskAt: [] });
    this.shown = Array.from({ length: servers }, newServer);
    this.disks = Array.from({ length: servers }, newServer);
    this.withoutInspect = withoutInspect;
    this.checks.attach({ hasFaults: () => false, readDisk: (server) => this.readDisk(server) });
  }

  /** What has been found; undefined while all is right. */
  get violation(): PropertyViolation | undefined {
    const { error } = this.simulation;
    if (error !== undefined && !(error instanceof PropertyViolation)) throw error;
    return error;
  }

  /** Property and sentence of what has been found. */
  get found(): string | undefined {
    return this.violation?.message;
  }

  /** Lets one event of the server's happen. */
  event(server: number, act: (shown: ShownServer) => void = () => {}): this {
    const { simulation } = this;
    simulation.events++;
    simulation.nowUs += 1000;
    simulation.currentServer = server;
    simulation.inEvent = true;
    act(this.shown[server]!);
    simulation.end(() => {});
    return this;
  }

  /** Boots all servers. */
  bootAll(): this {
    for (let server = 0; server < this.shown.length; server++) this.boot(server);
    return this;
  }

  /** Boots a server with what is on its disk; `change` it, if it shall show something else. */
  boot(server: number, change: (shown: ShownServer) => void = () => {}, snapshotIndex = 0): this {
    return this.event(server, () => {
      const shown = structuredClone(this.disks[server]!);
      shown.role = "follower";
      shown.commitIndex = shown.base;
      shown.lastApplied = shown.base;
      change(shown);
      this.shown[server] = shown;
      this.bootNow(server, snapshotIndex);
    });
  }

  /** Within an event: MakeRaft has returned a server that shows what it is to show. */
  bootNow(server: number, snapshotIndex = 0): void {
    const raft: Raft = this.withoutInspect.includes(server) ? noRaft : { ...noRaft, inspect: () => this.view(server) };
    this.checks.booted(server, raft, snapshotIndex);
  }

  /** Within an event: the server saves. `snapshotIndex`: of its service's snapshot, if it is another one than before. */
  save(server: number, snapshotIndex?: number, saved: ShownServer = this.shown[server]!): void {
    this.disks[server] = structuredClone(saved);
    this.checks.saved(server, snapshotIndex === undefined ? undefined : new TextEncoder().encode(`[${snapshotIndex},null]`));
  }

  /** Within an event: a request leaves. */
  send(from: number, method: string, args: unknown): PaperCall | undefined {
    return this.checks.messages.requestSent(from, rpcKindOf(method), args);
  }

  arrive(to: number, call: PaperCall | undefined): void {
    if (call !== undefined) this.checks.messages.requestArrived(to, call);
  }

  reply(server: number, call: PaperCall | undefined, reply: unknown): void {
    if (call !== undefined) this.checks.messages.replySent(server, call, reply);
  }

  /** Within an event: start() answers that the command stands at `index`. */
  start(server: number, command: unknown, index: number, term: number): void {
    this.checks.started(server, command, { index, term, isLeader: true });
  }

  apply(server: number, index: number, command: unknown): void {
    this.checks.applied(server, { type: "command", index, command });
  }

  applySnapshot(server: number, message: Omit<Extract<ApplyMessage, { type: "snapshot" }>, "type">): void {
    this.checks.applied(server, { type: "snapshot", ...message });
  }

  private view(server: number): RaftView {
    const { base, terms, votedFor, ...shown } = this.shown[server]!;
    // A fresh object each time, as many write it.
    return {
      ...shown,
      votedFor: votedFor as number | undefined,
      firstIndex: base + 1,
      lastIndex: terms.length - 1,
      termAt: (index) => terms[index]!,
    };
  }

  private readDisk(server: number): DiskContents {
    const { currentTerm, votedFor, base, terms } = this.disks[server]!;
    return {
      currentTerm,
      votedFor: votedFor ?? undefined,
      whole: !this.withoutInspect.includes(server),
      baseIndex: base,
      lastIndex: terms.length - 1,
      termAt: (index) => terms[index]!,
    };
  }
}
