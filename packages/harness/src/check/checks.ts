import type { ApplyMessage, Raft, RaftView, StartResult } from "@raft-stress/raft/api";
import { ImplementationError } from "../failure.ts";
import type { QuietWatch, Simulation } from "../sim/simulation.ts";
import { Checkers } from "./checkers.ts";
import type { Coverage } from "./coverage.ts";
import { DiskLooks, densePlan, type ReadDisk, sparsePlan } from "./disk-looks.ts";
import type { EntryRecord } from "./log-matching.ts";
import { MessageChecks } from "./message-checks.ts";
import type { ServerRecord } from "./server-record.ts";
import { isAsLast, ViewChecks } from "./view-checks.ts";
import type { DiskOf, WriteAhead } from "./write-ahead.ts";

/** What the checks ask of the cluster they look at. */
export interface CheckedCluster {
  /** Whether a server is down or cut off, or the network unreliable. */
  hasFaults(): boolean;
  readonly readDisk: ReadDisk;
}

export interface ChecksOptions {
  readonly servers: number;
  /** Whether the service takes snapshots. */
  readonly snapshots: boolean;
  /** Look at disks much more often. */
  readonly thorough: boolean;
  /** Events at whose end the disk of their server is to be looked at, for the report of a violation. */
  readonly diskAt: readonly number[];
}

/**
 * Holds one run against the invariants of Raft, at every event. It is told of what crosses the network, of saves, of what services are given, of answers; at the end of each event
 * it looks at the server through inspect(), if there is one. It knows nothing of an implementation but that. The first violation ends the run.
 */
export class Checks implements QuietWatch {
  readonly messages: MessageChecks;
  readonly coverage: Coverage;
  private readonly simulation: Simulation;
  private readonly checkers: Checkers;
  private readonly records: readonly ServerRecord[];
  private readonly writeAhead: WriteAhead;
  private readonly views: ViewChecks;
  private readonly diskLooks: DiskLooks;
  private cluster: CheckedCluster | undefined = undefined;
  /** On the real clock a server that is booted aside could set timers of Node's own, and what another did between two events is no event's. */
  private readonly canBoot: boolean;
  /** What a calm server showed last. */
  private shown: RaftView | undefined = undefined;
  /** Lets promises run at the end of the event that is over; undefined where nothing can be run then. */
  private drain: (() => void) | undefined = undefined;

  constructor(simulation: Simulation, { servers, snapshots, thorough, diskAt }: ChecksOptions) {
    this.simulation = simulation;
    this.canBoot = simulation.isVirtual;
    this.checkers = new Checkers(simulation, servers, snapshots);
    this.records = this.checkers.records;
    this.writeAhead = this.checkers.writeAhead;
    this.coverage = this.checkers.coverage;
    const plan = thorough ? densePlan : sparsePlan(simulation.seed.low);
    this.diskLooks = new DiskLooks(this.checkers, plan, diskAt, (server, drain) => this.cluster?.readDisk(server, drain));
    this.messages = new MessageChecks(this.checkers, this.diskLooks);
    this.views = new ViewChecks(this.checkers, thorough, () => this.cluster?.hasFaults() ?? false);
  }

  /** The cluster whose servers these are; from now on the end of each event is looked at. */
  attach(cluster: CheckedCluster): void {
    this.cluster = cluster;
    const diskOf: DiskOf = (server) => (this.drain === undefined ? undefined : cluster.readDisk(server, this.drain));
    this.checkers.diskOf = diskOf;
    this.simulation.quietWatch = this;
  }

  /** How often each property was looked at, in the order of `propertyKeys`. */
  looks(): readonly number[] {
    return this.checkers.looks();
  }

  /** What was on the disk of the server of an event of `diskAt` at its end. */
  diskAt(event: number): string | undefined {
    return this.diskLooks.notes.get(event);
  }

  /** MakeRaft has returned. `snapshotIndex`: of the snapshot that its service begins with, 0 without one. */
  booted(server: number, raft: Raft, snapshotIndex: number): void {
    const { events, nowUs } = this.simulation;
    this.checkers.records[server]!.begin(raft);
    this.checkers.applyOrder.booted(server, snapshotIndex, events, nowUs);
  }

  died(server: number): void {
    const record = this.checkers.records[server]!;
    const isMidEvent = this.simulation.inEvent && this.simulation.currentServer === server;
    record.diedSaving = isMidEvent && record.saves !== record.savesAtQuiet;
    if (isMidEvent && record.raft !== undefined && record.inspects && record.seenThisLife) {
      try {
        this.views.lastLook(record);
      } catch {
        // It died in the midst of something.
      }
    }
    record.end();
  }

  /** The server has saved. `snapshot`: the bytes of the service's snapshot, if they are others than before. */
  saved(server: number, snapshot: Uint8Array | undefined): void {
    const record = this.checkers.records[server]!;
    record.saves++;
    record.isCalm = false;
    if (snapshot !== undefined) record.diskSnapshotIndex = snapshotIndexOf(snapshot);
  }

  /** The server died in start(): nobody was answered, and the command may be in logs all the same. */
  startUnanswered(command: unknown): void {
    this.checkers.accepted.addUnanswered(command);
  }

  /** start() has answered. */
  started(server: number, command: unknown, result: StartResult): void {
    const { checkers } = this;
    const { events, nowUs } = this.simulation;
    checkers.eventStorm.started(server, events, nowUs);
    if (!result.isLeader) return;
    const { index, term } = result;
    checkers.leads(server, term, "took a command in start()");
    checkers.startContract.takes(server, index, term, events, nowUs);
    checkers.accepted.add(server, index, term, command, events, nowUs);
    checkers.writeAhead.entriesCame(this.records[server]!, [this.taken(server, index, term, command)]);
  }

  /** The leader has put the command into an entry. */
  private taken(server: number, index: number, term: number, command: unknown): EntryRecord {
    const { logMatching } = this.checkers;
    const { events, nowUs } = this.simulation;
    const sign = "was given the command in start()";
    const entry = logMatching.entrySeen(server, index, term, -1, sign, events, nowUs);
    logMatching.commandSeen(entry, server, command, sign, events, nowUs);
    return entry;
  }

  /** getState() has answered. */
  stateTold(server: number, term: number, isLeader: boolean): void {
    const record = this.checkers.records[server]!;
    const { events, nowUs } = this.simulation;
    const former = record.seenThisLife && record.inspects ? record.currentTerm : record.toldTerm;
    this.checkers.monotoneTerm.shows(server, former, term, "getState()", events, nowUs);
    if (isLeader) this.checkers.leads(server, term, "said in getState() that it leads");
  }

  /** The service of the server hands over a snapshot. */
  snapshotTaken(server: number, index: number, bytes: Uint8Array): void {
    const { events, nowUs } = this.simulation;
    this.records[server]!.isIdle = false;
    this.checkers.snapshotConsistency.took(server, index, bytes, events, nowUs);
  }

  /** The service of the server is given a message. */
  applied(server: number, message: ApplyMessage): void {
    const { checkers, simulation } = this;
    const { events, nowUs } = simulation;
    const { index } = message;
    const record = this.records[server]!;
    // Nobody waits for it: of the server's own code nothing runs.
    record.isIdle = simulation.synchronous;
    if (message.type === "command") {
      const { command } = message;
      checkers.applyOrder.delivered(server, index, false, events, nowUs);
      checkers.stateMachineSafety.applies(server, index, command, events, nowUs);
      checkers.proposedCommands.applied(server, index, command, events, nowUs);
      if (record.seenThisLife) checkers.startContract.applied(server, index, record.termAt(index), command, events, nowUs);
    } else if (checkers.snapshots) {
      checkers.coverage.count("snapshotsInstalled");
      checkers.applyOrder.delivered(server, index, true, events, nowUs);
      checkers.snapshotConsistency.delivered(server, index, message.snapshot, events, nowUs);
      checkers.snapshotConsistency.deliveredAs(server, index, message.term, checkers.committed, events, nowUs);
    }
  }

  /** An event of `server` is over, with all that followed at once. `drain`: lets promises run; undefined where nothing can be run now. */
  quiet(server: number, drainOfLoop: (() => void) | undefined): void {
    const record = this.records[server];
    if (record === undefined || (record.isCalm && this.isUnchanged(record))) return;
    this.lookAgain(record, drainOfLoop);
  }

  /** More has happened in the event than that the server showed what it had shown before. */
  private lookAgain(record: ServerRecord, drainOfLoop: (() => void) | undefined): void {
    const { server } = record;
    const { diskLooks, writeAhead } = this;
    record.isIdle = false;
    const drain = this.canBoot ? drainOfLoop : undefined;
    this.drain = drain;
    const isAlive = record.raft !== undefined;
    if (isAlive) {
      if (record.inspects) this.look(record);
      else if (!record.seenThisLife) this.firstQuiet(server);
    }
    if (writeAhead.isSuspicious) writeAhead.settle(record, this.checkers.diskOf);
    record.savesAtQuiet = record.saves;
    if (diskLooks.isDue) diskLooks.quiet(server, drain);
    record.isCalm = isAlive && record.inspects && record.seenThisLife && !diskLooks.notesEvents;
  }

  /** Of a calm server. */
  private isUnchanged(record: ServerRecord): boolean {
    if (record.isIdle) record.isIdle = false;
    else {
      try {
        const view = record.raft!.inspect!();
        if (!isAsLast(record, view)) {
          this.shown = view;
          return false;
        }
      } catch (thrown) {
        throw ImplementationError.of(record.server, "inspect()", thrown);
      }
    }
    this.checkers.unchanged++;
    return true;
  }

  private look(record: ServerRecord): void {
    try {
      // It has been asked already if it was calm: inspect() is called once at the end of an event.
      if (record.isCalm) this.views.changed(record, this.shown!, false);
      else this.views.look(record, record.raft!.inspect!());
    } catch (thrown) {
      throw ImplementationError.of(record.server, "inspect()", thrown);
    }
  }

  /** Of a life that can't be inspected. */
  private firstQuiet(server: number): void {
    const record = this.checkers.records[server]!;
    record.seenThisLife = true;
    if (record.lives > 1) this.coverage.count("restarts");
  }
}

/** The index that a snapshot of the harness's service reaches: it begins with it. 0 if it is no such snapshot. */
function snapshotIndexOf(snapshot: Uint8Array): number {
  let index = 0;
  for (let at = 1; at < snapshot.length; at++) {
    const digit = snapshot[at]! - 0x30;
    if (digit < 0 || digit > 9) break;
    index = 10 * index + digit;
  }
  return index;
}
