import type { MakeRaft, Raft, RaftEnv, RaftView, StartResult, TimerId } from "./api.ts";
import type { RaftCore } from "./core.ts";
import type {
  AppendEntriesArgs,
  AppendEntriesReply,
  InstallSnapshotArgs,
  InstallSnapshotReply,
  Outgoing,
  Reply,
  RequestVoteArgs,
  RequestVoteReply,
} from "./messages.ts";

/** Makes the core of one server from its environment: at first boot and after every restart. */
export type MakeCore = (env: RaftEnv) => RaftCore;

/** Makes a pure core a server: events in, and their results carried out on the server's environment. */
export function fromCore(makeCore: MakeCore): MakeRaft {
  return (env) => new RaftServer(env, makeCore(env));
}

class RaftServer implements Raft {
  private readonly env: RaftEnv;
  private readonly core: RaftCore;
  private killed = false;
  private timer: TimerId | undefined = undefined;
  /** What the timer was set for; the core's deadline may have moved on since. */
  private armedForMs = Infinity;
  private readonly fire: () => void;
  readonly handlers: Raft["handlers"];

  constructor(env: RaftEnv, core: RaftCore) {
    this.env = env;
    this.core = core;
    // Named first: what is written as the right side of such an assignment V8 allocates in the old generation, where it outlives its run with all that it sees.
    const fire = () => this.timerFired();
    this.fire = fire;
    // One-liners: V8 forgets the compiled code of closures when a collection finds none of them alive, as between two short-lived clusters.
    this.handlers = {
      RequestVote: (args: RequestVoteArgs) => this.requestVote(args),
      AppendEntries: (args: AppendEntriesArgs) => this.appendEntries(args),
      InstallSnapshot: (args: InstallSnapshotArgs) => this.installSnapshot(args),
    };
    this.carryOut(env.clock.now());
  }

  start(command: unknown): StartResult {
    if (this.killed) return { index: -1, term: this.core.view.currentTerm, isLeader: false };
    const result = this.core.propose(command);
    if (!result.isLeader) return result;
    const now = this.env.clock.now();
    const { commitIndex, lastApplied } = this.core.view;
    // Nobody can know of the command before it is sent, so it is saved then, together with all that is sent with it. Alone in its cluster, a server commits at once.
    if (commitIndex > lastApplied) this.carryOut(now);
    else this.arm(now);
    return result;
  }

  getState(): { term: number; isLeader: boolean } {
    const { currentTerm, role } = this.core.view;
    return { term: currentTerm, isLeader: role === "leader" && !this.killed };
  }

  snapshot(index: number, snapshot: Uint8Array): void {
    if (this.killed) return;
    // The service may use its buffer again.
    this.core.compact(index, snapshot.slice());
    this.carryOut(this.env.clock.now());
  }

  kill(): void {
    this.killed = true;
    this.disarm();
  }

  inspect(): RaftView {
    return this.core.view;
  }

  private requestVote(args: RequestVoteArgs): RequestVoteReply | undefined {
    if (this.killed) return undefined;
    const now = this.env.clock.now();
    const reply = this.core.receiveRequestVote(args, now);
    this.carryOut(now);
    return reply;
  }

  private appendEntries(args: AppendEntriesArgs): AppendEntriesReply | undefined {
    if (this.killed) return undefined;
    const now = this.env.clock.now();
    const reply = this.core.receiveAppendEntries(args, now);
    this.carryOut(now);
    return reply;
  }

  private installSnapshot(args: InstallSnapshotArgs): InstallSnapshotReply | undefined {
    if (this.killed) return undefined;
    const now = this.env.clock.now();
    const reply = this.core.receiveInstallSnapshot(args, now);
    this.carryOut(now);
    return reply;
  }

  /**
   * The one place where the results of an event leave the core: persist, then send, then apply. What others can see, of a request or a
   * reply, must survive a crash; and a reply leaves after this has returned.
   */
  private carryOut(now: number): void {
    const core = this.core;
    if (core.unsaved) {
      this.env.persister.save(core.encodeState(), core.snapshot);
      core.saved();
    }
    const outbox = core.takeOutbox();
    if (outbox !== undefined) for (let i = 0; i < outbox.length; i++) this.send(outbox[i]!);
    // The promise of each delivery is the service's business: deliveries are in order, and the core does not wait for them.
    for (let message = core.takeApply(); message !== undefined; message = core.takeApply()) void this.env.apply(message);
    this.arm(now);
  }

  private send(request: Outgoing): void {
    this.env.peers[request.to]!.request(request.method, request.args, (reply) => this.replyArrived(request, reply));
  }

  private replyArrived(request: Outgoing, reply: unknown): void {
    if (this.killed) return;
    const now = this.env.clock.now();
    if (reply === undefined) this.core.receiveLoss(request, now);
    else this.core.receiveReply(request, reply as Reply, now);
    this.carryOut(now);
  }

  /** Sets the timer only when the deadline is earlier than the one it was set for: most deadlines move away before they are reached. */
  private arm(now: number): void {
    const deadlineMs = this.core.nextDeadlineMs(now);
    if (deadlineMs >= this.armedForMs) return;
    this.disarm();
    this.armedForMs = deadlineMs;
    this.timer = this.env.clock.setTimeout(this.fire, Math.max(0, deadlineMs - now));
  }

  private disarm(): void {
    if (this.timer !== undefined) this.env.clock.clearTimeout(this.timer);
    this.timer = undefined;
    this.armedForMs = Infinity;
  }

  private timerFired(): void {
    if (this.killed) return;
    // A clock of finite resolution may show a little less than what the timer was set for; the deadline counts as reached all the same.
    const now = Math.max(this.env.clock.now(), this.armedForMs);
    this.timer = undefined;
    this.armedForMs = Infinity;
    if (this.core.nextDeadlineMs(now) <= now) this.core.reachDeadline(now);
    this.carryOut(now);
  }
}
