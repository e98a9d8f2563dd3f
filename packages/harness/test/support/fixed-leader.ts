import type { MakeRaft, Raft, RaftEnv } from "@raft-stress/raft/api";

interface Append {
  from: number;
  commands: unknown[];
  commitIndex: number;
}

/** How often the leader sends to everyone, in ms. */
const heartbeatMs = 100;

/**
 * A "Raft" in which S0 leads term 1 forever: it sends each follower what it lacks and commits what a majority holds. No elections, no log matching; a log
 * on disk. Right as long as S0 stays, and small enough to be bent at will.
 */
export class FixedLeader implements Raft {
  readonly env: RaftEnv;
  readonly log: unknown[];
  commitIndex = 0;
  lastApplied = 0;
  killed = false;
  readonly #matchIndex: number[];
  readonly handlers = { Append: (args: Append) => this.append(args) };

  constructor(env: RaftEnv) {
    this.env = env;
    const saved = env.persister.readState();
    this.log = saved.length === 0 ? [] : (JSON.parse(new TextDecoder().decode(saved)) as unknown[]);
    this.#matchIndex = env.peers.map(() => 0);
    if (env.me === 0) this.#beat();
  }

  start(command: unknown): { index: number; term: number; isLeader: boolean } {
    if (this.killed || this.env.me !== 0) return { index: -1, term: 1, isLeader: false };
    this.log.push(command);
    this.save();
    this.sendToAll();
    return { index: this.log.length, term: 1, isLeader: true };
  }

  getState(): { term: number; isLeader: boolean } {
    return { term: 1, isLeader: this.env.me === 0 };
  }

  snapshot(): void {}

  kill(): void {
    this.killed = true;
  }

  save(): void {
    this.env.persister.save(new TextEncoder().encode(JSON.stringify(this.log)), new Uint8Array(0));
  }

  sendToAll(): void {
    for (let peer = 1; peer < this.env.peers.length; peer++) this.#send(peer);
  }

  /** Applies what is committed. */
  apply(): void {
    while (this.lastApplied < this.commitIndex) {
      const index = ++this.lastApplied;
      void this.env.apply({ type: "command", index, command: this.log[index - 1] });
    }
  }

  append({ from, commands, commitIndex }: Append): { length: number } {
    if (from <= this.log.length && from + commands.length > this.log.length) {
      this.log.push(...commands.slice(this.log.length - from));
      this.save();
    }
    this.commitIndex = Math.max(this.commitIndex, Math.min(commitIndex, this.log.length));
    this.apply();
    return { length: this.log.length };
  }

  #beat(): void {
    this.sendToAll();
    this.env.clock.setTimeout(() => this.#beat(), heartbeatMs);
  }

  #send(peer: number): void {
    const from = this.#matchIndex[peer]!;
    const args: Append = { from, commands: this.log.slice(from), commitIndex: this.commitIndex };
    this.env.peers[peer]!.request("Append", args, (reply) => {
      if (reply === undefined) return;
      this.#matchIndex[peer] = Math.max(this.#matchIndex[peer]!, (reply as { length: number }).length);
      this.#commit();
    });
  }

  #commit(): void {
    const lengths = [this.log.length, ...this.#matchIndex.slice(1)].toSorted((a, b) => b - a);
    const held = lengths[lengths.length >> 1]!;
    if (held <= this.commitIndex) return;
    this.commitIndex = held;
    this.apply();
    this.sendToAll();
  }
}

/** The plain fixed leader. */
export const fixedLeader: MakeRaft = (env) => new FixedLeader(env);

/** A Raft that never does anything: nobody leads, nothing is sent. */
export const silent: MakeRaft = () => ({
  start: () => ({ index: -1, term: 0, isLeader: false }),
  getState: () => ({ term: 0, isLeader: false }),
  snapshot() {},
  kill() {},
  handlers: {},
});

/** The silent Raft with some of its parts replaced. */
export function silentWith(parts: (env: RaftEnv) => Partial<Raft>): MakeRaft {
  return (env) => ({ ...silent(env), ...parts(env) });
}
