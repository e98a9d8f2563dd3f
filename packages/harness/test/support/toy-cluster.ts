import type { PaperCall } from "../../src/check/figure2.ts";
import { CheckWorld, type ShownServer } from "./check-world.ts";

interface ToyEntry {
  readonly term: number;
  readonly command: number;
}

/** What a server did in an event. */
export type Act =
  | { readonly type: "request"; readonly request: ToyRequest }
  | { readonly type: "arrival"; readonly request: ToyRequest }
  | { readonly type: "reply"; readonly request: ToyRequest; readonly reply: ToyReply }
  | { readonly type: "start"; readonly index: number; readonly term: number; readonly command: number }
  | { readonly type: "save" /** Of the service's snapshot, if another one was saved than before. */; readonly snapshot: number | undefined }
  | { readonly type: "boot" };

export interface ToyRequest {
  readonly method: "RequestVote" | "AppendEntries";
  readonly from: number;
  readonly to: number;
  readonly event: number;
  readonly args: {
    readonly term: number;
    readonly lastLogIndex: number;
    readonly lastLogTerm: number;
    readonly prevLogIndex: number;
    readonly prevLogTerm: number;
    readonly entries: readonly ToyEntry[];
    readonly leaderCommit: number;
  };
  readonly call: PaperCall | undefined;
}

export interface ToyReply {
  readonly term: number;
  readonly voteGranted: boolean;
  readonly success: boolean;
}

/** One event of a history, with everything that could be seen of it. */
export interface Observation {
  readonly event: number;
  readonly server: number;
  /** How often the server had booted at its end. */
  readonly life: number;
  readonly acts: readonly Act[];
  /** What the server showed at its end; undefined while it is down. */
  readonly shown: ShownServer | undefined;
  /** All disks at its end. */
  readonly disks: readonly ShownServer[];
}

/** What a toy server may do wrong. */
export const toyFaults = [
  "votes for everybody",
  "votes whatever the logs hold",
  "forgets to save",
  "believes requests of older terms",
  "makes no consistency check",
  "acknowledges what it lacks",
  "overwrites and keeps the rest",
  "truncates without need",
  "commits older terms",
  "commits without majority",
  "commits what a follower has",
  "lies about its log",
  "loses its disk",
  "leads without majority",
  "stays a candidate",
  "leads without asking",
  "goes back a term",
  "speaks of a term to come",
  "makes entries up",
  "takes back a commit",
  "drops entries as leader",
  "overwrites what is committed",
  "changes commands",
  "changes its vote",
  "compacts without a snapshot",
  "gives a snapshot another term",
] as const;

export type ToyFault = (typeof toyFaults)[number];

interface Server extends ShownServer {
  alive: boolean;
  votes: Set<number>;
  matchIndex: number[];
  commands: (number | undefined)[];
}

const maxTerm = 6;
const maxIndex = 6;

/**
 * A handful of servers that do what Raft does, in steps that a list of numbers decides, and now and then something wrong. All that they do is told to the checks and written down.
 */
export class ToyCluster {
  readonly world: CheckWorld;
  readonly history: Observation[] = [];
  private readonly size: number;
  private readonly servers: Server[];
  private readonly disks: { shown: ShownServer; commands: (number | undefined)[]; snapshot: number }[];
  private readonly requests: ToyRequest[] = [];
  private readonly replies: { readonly request: ToyRequest; readonly reply: ToyReply }[] = [];
  private readonly tape: readonly number[];
  private at = 0;
  private command = 0;
  private readonly lives: number[] = [];
  private sentPlain = false;
  private acts: Act[] = [];
  private readonly faults: ReadonlySet<ToyFault>;

  constructor(tape: readonly number[], faults: readonly ToyFault[], size = 3) {
    this.tape = tape;
    this.faults = new Set(faults);
    this.size = size;
    this.world = new CheckWorld({ servers: size, snapshots: true });
    this.servers = Array.from({ length: size }, () => this.newServer());
    this.disks = this.servers.map((server) => ({ shown: this.copy(server), commands: [], snapshot: 0 }));
  }

  /** Goes on until something is found, or the list is at its end. */
  run(): this {
    for (let server = 0; server < this.size; server++) this.boot(server);
    while (this.at < this.tape.length && this.world.violation === undefined) this.step();
    return this;
  }

  private step(): void {
    const server = this.below(this.size);
    const steps = [
      () => this.timeout(server),
      () => this.elect(server),
      () => this.deliverRequest(),
      () => this.deliverRequest(),
      () => this.deliverReply(),
      () => this.propose(),
      () => this.propose(),
      () => this.append(),
      () => this.replicate(),
      () => this.replicate(),
      () => this.replicate(),
      () => this.replicate(),
      () => this.restart(server),
      () => this.compact(server),
      () => this.misbehave(server),
    ];
    steps[this.below(steps.length)]!();
  }

  private timeout(me: number): void {
    const server = this.servers[me]!;
    if (!server.alive || server.role === "leader" || server.currentTerm >= maxTerm) return;
    this.event(me, () => {
      server.currentTerm++;
      server.role = "candidate";
      server.votedFor = me;
      server.votes = new Set([me]);
      this.save(me);
      const lie = this.wrong("lies about its log") ? this.below(3) - 1 : 0;
      const last = server.terms.length - 1;
      // -1 would pass for an empty log whose first entry has index 0.
      const term = server.currentTerm + (this.wrong("speaks of a term to come") ? 1 : 0);
      for (const to of this.others(me)) {
        this.request("RequestVote", me, to, { term, lastLogIndex: Math.max(0, last + lie), lastLogTerm: server.terms[last]! });
      }
      if (this.wrong("leads without majority")) this.lead(me);
    });
  }

  /** An election in which most messages arrive at once. */
  private elect(me: number): void {
    const before = this.requests.length;
    this.timeout(me);
    for (const request of this.requests.slice(before)) if (this.below(4) > 0) this.converse(request);
  }

  /** A leader brings a follower up to date, if nothing is in the way. */
  private replicate(): void {
    const before = this.requests.length;
    this.append(true);
    for (const request of this.requests.slice(before)) this.converse(request);
  }

  private converse(request: ToyRequest): void {
    const before = this.replies.length;
    this.deliverRequest(request);
    for (const delivered of this.replies.slice(before)) this.deliverReply(delivered);
  }

  /** Requests may be delivered more than once. */
  private deliverRequest(request = this.pick(this.requests)): void {
    if (request === undefined || !this.servers[request.to]!.alive) return;
    this.event(request.to, () => {
      this.acts.push({ type: "arrival", request });
      this.world.arrive(request.to, request.call);
      const reply = request.method === "RequestVote" ? this.vote(request) : this.store(request);
      this.acts.push({ type: "reply", request, reply });
      this.world.reply(request.to, request.call, reply);
      this.replies.push({ request, reply });
    });
  }

  private observeTerm(me: number, term: number): boolean {
    const server = this.servers[me]!;
    if (term <= server.currentTerm) return false;
    server.currentTerm = term;
    server.votedFor = undefined;
    server.role = "follower";
    return true;
  }

  private vote({ from, to, args }: ToyRequest): ToyReply {
    const server = this.servers[to]!;
    let changed = this.observeTerm(to, args.term);
    const last = server.terms.length - 1;
    const lastTerm = server.terms[last]!;
    const upToDate = args.lastLogTerm > lastTerm || (args.lastLogTerm === lastTerm && args.lastLogIndex >= last);
    const isCurrent = args.term === server.currentTerm || this.wrong("believes requests of older terms");
    const isFree = server.votedFor === undefined || server.votedFor === from || this.wrong("votes for everybody");
    const voteGranted = isCurrent && isFree && (upToDate || this.wrong("votes whatever the logs hold"));
    if (voteGranted && server.votedFor !== from) {
      if (server.votedFor === undefined) server.votedFor = from;
      changed = true;
    }
    if (changed) this.save(to);
    return { term: server.currentTerm, voteGranted, success: false };
  }

  private store({ to, args }: ToyRequest): ToyReply {
    const server = this.servers[to]!;
    let changed = this.observeTerm(to, args.term);
    const refused = { term: server.currentTerm, voteGranted: false, success: false };
    const done = (reply: ToyReply): ToyReply => {
      if (changed) this.save(to);
      return reply;
    };
    if (args.term < server.currentTerm && !this.wrong("believes requests of older terms")) return done(refused);
    if (server.role === "candidate" && !this.wrong("stays a candidate")) server.role = "follower";
    const { prevLogIndex: prev, entries } = args;
    const last = server.terms.length - 1;
    const matches = prev <= server.base || (prev <= last && server.terms[prev] === args.prevLogTerm);
    if (this.wrong("acknowledges what it lacks")) return done({ ...refused, success: true });
    if (!matches && !(prev <= last && this.wrong("makes no consistency check"))) return done(refused);
    for (const [i, { term, command }] of entries.entries()) {
      const index = prev + 1 + i;
      if (index <= server.base) continue;
      const differs = server.terms[index] !== term;
      if (index < server.terms.length && (differs || this.wrong("truncates without need"))) {
        if (!this.wrong("overwrites and keeps the rest")) server.terms.length = index;
        changed = true;
      }
      if (!differs && index < server.terms.length) continue;
      server.terms[index] = term;
      server.commands[index] = command;
      changed = true;
    }
    const bound = this.wrong("commits what a follower has") ? server.terms.length - 1 : prev + entries.length;
    const commit = Math.min(args.leaderCommit, bound);
    if (commit > server.commitIndex) server.commitIndex = commit;
    return done({ term: server.currentTerm, voteGranted: false, success: true });
  }

  private deliverReply(delivered = this.pick(this.replies)): void {
    if (delivered === undefined) return;
    const { request, reply } = delivered;
    const me = request.from;
    const server = this.servers[me]!;
    if (!server.alive) return;
    this.event(me, () => {
      if (this.observeTerm(me, reply.term)) this.save(me);
      if (request.args.term !== server.currentTerm) return;
      if (request.method === "RequestVote") {
        if (server.role !== "candidate" || !reply.voteGranted) return;
        server.votes.add(request.to);
        if (2 * server.votes.size > this.size) this.lead(me);
      } else if (server.role === "leader" && reply.success) {
        const { prevLogIndex, entries } = request.args;
        server.matchIndex[request.to] = Math.max(server.matchIndex[request.to]!, prevLogIndex + entries.length);
        this.commit(me);
      }
    });
  }

  private lead(me: number): void {
    const server = this.servers[me]!;
    server.role = "leader";
    server.matchIndex = this.servers.map(() => 0);
  }

  private commit(me: number): void {
    const server = this.servers[me]!;
    server.matchIndex[me] = server.terms.length - 1;
    const needed = this.wrong("commits without majority") ? 1 : Math.floor(this.size / 2) + 1;
    for (let index = server.terms.length - 1; index > server.commitIndex; index--) {
      const copies = server.matchIndex.filter((match) => match >= index).length;
      if (copies < needed || (server.terms[index] !== server.currentTerm && !this.wrong("commits older terms"))) continue;
      server.commitIndex = index;
      return;
    }
  }

  private propose(): void {
    const me = this.leader();
    if (me === undefined) return;
    const server = this.servers[me]!;
    if (server.terms.length > maxIndex) return;
    this.event(me, () => {
      const command = ++this.command;
      const index = server.terms.length;
      const term = server.currentTerm;
      server.terms.push(term);
      server.commands[index] = command;
      this.save(me);
      this.acts.push({ type: "start", index, term, command });
      this.world.start(me, command, index, term);
    });
  }

  /** `whole`: all that the follower may lack. */
  private append(whole = false): void {
    const me = this.leader();
    if (me === undefined) return;
    const server = this.servers[me]!;
    this.event(me, () => {
      const { base, terms, currentTerm } = server;
      const to = this.pick(this.others(me))!;
      const known = Math.max(base, Math.min(server.matchIndex[to]!, terms.length - 1));
      const prevLogIndex = whole ? known : base + this.below(terms.length - base);
      const count = whole ? terms.length - 1 - prevLogIndex : this.below(terms.length - prevLogIndex);
      const entries = terms.slice(prevLogIndex + 1, prevLogIndex + 1 + count).map((term, i) => {
        const command = server.commands[prevLogIndex + 1 + i]!;
        // Commands that are others from the first one on would pass for encoded ones.
        const isChanged = this.sentPlain && this.wrong("changes commands");
        this.sentPlain = true;
        return { term, command: isChanged ? command + 1000 : command };
      });
      this.request("AppendEntries", me, to, {
        term: currentTerm,
        prevLogIndex,
        prevLogTerm: terms[prevLogIndex]!,
        entries,
        leaderCommit: server.commitIndex,
      });
    });
  }

  private restart(me: number): void {
    this.event(-1, () => {
      this.servers[me]!.alive = false;
      this.world.checks.died(me);
    });
    this.boot(me);
  }

  private boot(me: number): void {
    const disk = this.disks[me]!;
    const server = this.newServer();
    Object.assign(server, structuredClone(disk.shown), { role: "follower", commitIndex: disk.shown.base, lastApplied: disk.shown.base });
    server.commands = [...disk.commands];
    this.servers[me] = server;
    if (this.wrong("loses its disk")) {
      const loss = this.below(3);
      if (loss === 0) server.votedFor = undefined;
      else if (loss === 1) server.currentTerm = Math.max(0, server.currentTerm - 1);
      else server.terms.length = Math.max(server.base + 1, server.terms.length - 1);
      disk.shown = this.copy(server);
    }
    this.event(me, () => {
      this.acts.push({ type: "boot" });
      this.lives[me] = (this.lives[me] ?? 0) + 1;
      this.world.disks[me] = this.copy(server);
      this.world.bootNow(me, server.base);
    });
  }

  private compact(me: number): void {
    const server = this.servers[me]!;
    if (!server.alive || server.commitIndex <= server.base) return;
    this.event(me, () => {
      server.base = server.commitIndex;
      if (this.wrong("gives a snapshot another term")) server.terms[server.base]!--;
      this.save(me, this.wrong("compacts without a snapshot") ? undefined : server.base);
    });
  }

  private misbehave(me: number): void {
    const server = this.servers[me]!;
    if (!server.alive) return;
    const last = server.terms.length - 1;
    this.event(me, () => {
      if (this.wrong("goes back a term")) server.currentTerm = Math.max(0, server.currentTerm - 1);
      if (this.wrong("leads without asking") && server.currentTerm > 0) this.lead(me);
      if (this.wrong("makes entries up") && last < maxIndex) {
        server.terms.push(this.below(server.currentTerm + 2));
        server.commands[last + 1] = ++this.command;
      }
      if (this.wrong("takes back a commit")) server.commitIndex = Math.max(0, server.commitIndex - 1);
      if (this.wrong("drops entries as leader") && server.role === "leader" && last > server.base) server.terms.length = last;
      if (this.wrong("overwrites what is committed") && server.commitIndex > server.base && server.role !== "leader") {
        server.terms.length = server.commitIndex + 1;
        server.terms[server.commitIndex] = server.currentTerm;
      }
      if (this.wrong("changes its vote")) server.votedFor = this.below(2) === 0 ? undefined : this.below(this.size);
      if (this.below(2) === 0) this.save(me);
    });
  }

  private request(method: ToyRequest["method"], from: number, to: number, given: Partial<ToyRequest["args"]>): void {
    const none = { term: 0, lastLogIndex: 0, lastLogTerm: 0, prevLogIndex: 0, prevLogTerm: 0, entries: [], leaderCommit: 0 };
    const args = { ...none, ...given };
    const call = this.world.send(from, method, args);
    const request = { method, from, to, event: this.world.simulation.events, args, call };
    this.acts.push({ type: "request", request });
    this.requests.push(request);
  }

  private save(me: number, snapshot?: number): void {
    if (this.wrong("forgets to save")) return;
    const server = this.servers[me]!;
    this.disks[me] = { shown: this.copy(server), commands: [...server.commands], snapshot: snapshot ?? this.disks[me]!.snapshot };
    this.acts.push({ type: "save", snapshot });
    this.world.save(me, snapshot, this.copy(server));
  }

  private event(me: number, act: () => void): void {
    if (this.world.violation !== undefined) return;
    this.acts = [];
    this.world.event(me, () => {
      act();
      for (const [server, state] of this.servers.entries()) this.world.shown[server] = this.copy(state);
    });
    const shown = me >= 0 && this.servers[me]!.alive ? this.copy(this.servers[me]!) : undefined;
    const disks = this.disks.map(({ shown: disk }) => structuredClone(disk));
    const life = this.lives[me] ?? 0;
    this.history.push({ event: this.world.simulation.events, server: me, life, acts: this.acts, shown, disks });
  }

  private newServer(): Server {
    return {
      role: "follower",
      currentTerm: 0,
      votedFor: undefined,
      commitIndex: 0,
      lastApplied: 0,
      base: 0,
      terms: [0],
      alive: true,
      votes: new Set(),
      matchIndex: [],
      commands: [],
    };
  }

  private copy({ role, currentTerm, votedFor, commitIndex, lastApplied, base, terms }: ShownServer): ShownServer {
    return { role, currentTerm, votedFor, commitIndex, lastApplied, base, terms: [...terms] };
  }

  private leader(): number | undefined {
    return this.pick(this.servers.map((_, server) => server).filter((s) => this.servers[s]!.alive && this.servers[s]!.role === "leader"));
  }

  private others(me: number): number[] {
    return this.servers.map((_, server) => server).filter((server) => server !== me);
  }

  private wrong(fault: ToyFault): boolean {
    return this.faults.has(fault) && this.below(2) === 0;
  }

  private pick<T>(from: readonly T[]): T | undefined {
    // The latest ones more often than others.
    const back = this.below(4) === 0 ? this.below(Math.max(1, from.length)) : this.below(Math.min(3, Math.max(1, from.length)));
    return from[from.length - 1 - back];
  }

  private below(bound: number): number {
    const decision = this.tape[this.at++] ?? 0;
    return decision % bound;
  }
}
