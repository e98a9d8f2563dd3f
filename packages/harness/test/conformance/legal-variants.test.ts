import type { MakeRaft, Raft, RaftEnv, RaftView } from "@raft-stress/raft/api";
import { describe, expect, it } from "vitest";
import { makeRaft } from "../../../raft/src/index.ts";
import { run } from "../support/runs.ts";

/** Right Rafts of unusual styles, made from the built-in one: the checks, at their most thorough, must have nothing to say against any of them. */

interface Style {
  readonly env?: (env: RaftEnv) => RaftEnv;
  /** What a request looks like on the wire, and what is made of it at the other side. */
  readonly send?: (method: string, args: never, raft: Raft) => unknown;
  readonly receive?: (method: string, args: never) => unknown;
  readonly reply?: (method: string, reply: never) => unknown;
  readonly takeReply?: (method: string, reply: never) => unknown;
  /** Puts something around a handler. */
  readonly handler?: (handle: () => unknown, env: RaftEnv, method: string, args: never, raft: Raft) => unknown;
  readonly inspect?: ((view: RaftView) => RaftView) | "none";
}

function styled(style: Style): MakeRaft {
  return (givenEnv) => {
    const env = style.env?.(givenEnv) ?? givenEnv;
    const send = style.send ?? ((_, args) => args);
    const takeReply = style.takeReply ?? ((_, reply) => reply);
    const peers = env.peers.map((peer): typeof peer => ({
      call: async (method, args) => {
        const reply = await peer.call(method, send(method, args as never, raft));
        return reply === undefined ? undefined : takeReply(method, reply as never);
      },
      request: (method, args, onReply) =>
        peer.request(method, send(method, args as never, raft), (reply) =>
          onReply(reply === undefined ? undefined : takeReply(method, reply as never)),
        ),
    }));
    const raft: Raft = makeRaft({ ...env, peers });
    const show = style.inspect ?? copied;
    const handlers = Object.entries(raft.handlers).map(([method, handle]) => {
      const around = style.handler ?? ((inner: () => unknown) => inner());
      const styledHandler = (args: unknown): unknown => {
        const answer = (given: unknown) => (given === undefined ? undefined : (style.reply?.(method, given as never) ?? given));
        const result = around(() => handle(style.receive?.(method, args as never) ?? args), env, method, args as never, raft);
        return result instanceof Promise ? result.then(answer) : answer(result);
      };
      return [method, styledHandler] as const;
    });
    return {
      start: (command) => raft.start(command),
      getState: () => raft.getState(),
      snapshot: (index, snapshot) => raft.snapshot(index, snapshot),
      kill: () => raft.kill(),
      handlers: Object.fromEntries(handlers),
      ...(show === "none" ? {} : { inspect: () => show(raft.inspect!()) }),
    };
  };
}

/** A view of its own, as many write it. */
function copied(view: RaftView): RaftView {
  const { role, currentTerm, votedFor, commitIndex, lastApplied, firstIndex, lastIndex } = view;
  const terms = Array.from({ length: lastIndex - firstIndex + 2 }, (_, i) => view.termAt(firstIndex - 1 + i));
  return {
    role,
    currentTerm,
    votedFor,
    commitIndex,
    lastApplied,
    firstIndex,
    lastIndex,
    termAt: (index) => terms[index - firstIndex + 1]!,
  };
}

type Fields = Record<string, unknown>;

const shiftedFields = ["lastLogIndex", "prevLogIndex", "leaderCommit", "lastIncludedIndex"];

function shifted(args: Fields, by: number): Fields {
  const changed = shiftedFields.filter((name) => name in args).map((name) => [name, (args[name] as number) + by]);
  return { ...args, ...Object.fromEntries(changed) };
}

function renamed(value: unknown, rename: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((part) => renamed(part, rename));
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [rename(name), name === "command" || name === "Command" ? part : renamed(part, rename)]),
  );
}

const capital = (name: string) => name[0]!.toUpperCase() + name.slice(1);
const small = (name: string) => name[0]!.toLowerCase() + name.slice(1);

function withEntries(args: Fields, change: (entry: { term: number; command: unknown }) => unknown): Fields {
  return Array.isArray(args.entries) ? { ...args, entries: args.entries.map(change) } : args;
}

const encode = (command: unknown) => JSON.stringify({ command });
const decode = (text: unknown) => (JSON.parse(text as string) as Fields).command;

function savingLike(
  save: (real: RaftEnv["persister"], ...saved: Parameters<RaftEnv["persister"]["save"]>) => void,
): (env: RaftEnv) => RaftEnv {
  return (env) => ({ ...env, persister: { ...env.persister, save: (state, snapshot) => save(env.persister, state, snapshot) } });
}

interface Chunk {
  readonly term: number;
  readonly lastIncludedIndex: number;
  readonly offset: number;
  readonly done: boolean;
  data: Uint8Array;
}

/** InstallSnapshot as in Figure 13: in parts, each after the answer to the one before. */
function sendingChunks(env: RaftEnv): RaftEnv {
  const inChunks = (peer: RaftEnv["peers"][number]): typeof peer => ({
    ...peer,
    request: (method, args, onReply) => {
      if (method !== "InstallSnapshot") {
        peer.request(method, args, onReply);
        return;
      }
      const { data, term } = args as Chunk;
      const size = Math.ceil(data.length / 3);
      const send = (offset: number): void => {
        const done = offset + size >= data.length;
        peer.request(method, { ...(args as Chunk), offset, data: data.subarray(offset, offset + size), done }, (reply) => {
          const goesOn = !done && reply !== undefined && (reply as Chunk).term === term;
          if (goesOn) send(offset + size);
          else onReply(done || reply === undefined ? reply : undefined);
        });
      };
      send(0);
    },
  });
  return { ...env, peers: env.peers.map(inChunks) };
}

const received = new WeakMap<Raft, { index: number; bytes: number[] }>();

/** Puts the parts of a snapshot together; one that comes out of order is not answered. */
function takingChunks(handle: () => unknown, _env: RaftEnv, method: string, args: Chunk, raft: Raft): unknown {
  if (method !== "InstallSnapshot") return handle();
  const { lastIncludedIndex: index, offset, data, done } = args;
  const { term } = raft.getState();
  if (args.term < term) return handle();
  if (offset === 0) received.set(raft, { index, bytes: [] });
  const parts = received.get(raft);
  if (parts?.index !== index || parts.bytes.length !== offset) return undefined;
  parts.bytes.push(...data);
  if (!done) return { term: args.term === term ? term : 0 };
  args.data = Uint8Array.from(parts.bytes);
  return handle();
}

const styles: Record<string, MakeRaft> = {
  "that sends snapshots in chunks": styled({ env: sendingChunks, handler: takingChunks as never }),
  "with handlers that answer later": styled({
    handler: async (handle, env) => {
      const reply = handle();
      await env.clock.sleep(2);
      return reply;
    },
  }),
  "with handlers that begin later": styled({
    handler: async (handle, env) => {
      await env.clock.sleep(1);
      const reply = handle();
      await Promise.resolve();
      return reply;
    },
  }),
  "that saves everything twice": styled({
    env: savingLike((real, state, snapshot) => {
      real.save(state, snapshot);
      real.save(state, snapshot);
    }),
  }),
  "that saves in chunks": styled({
    env: savingLike((real, state, snapshot) => {
      const bytes = state instanceof Uint8Array ? [state] : state;
      real.save(
        bytes.flatMap((part) => [part.subarray(0, 3), part.subarray(3)]),
        snapshot,
      );
    }),
  }),
  "that saves at each request, needed or not": styled({
    handler: (handle, env) => {
      env.persister.save(env.persister.readState(), env.persister.readSnapshot());
      return handle();
    },
  }),
  "whose messages count from 0": styled({ send: (_, args) => shifted(args, -1), receive: (_, args) => shifted(args, 1) }),
  "whose fields have capitals": styled({
    send: (_, args) => renamed(args, capital),
    receive: (_, args) => renamed(args, small),
    reply: (_, reply) => renamed(reply, capital),
    takeReply: (_, reply) => renamed(reply, small),
  }),
  "whose messages carry encoded commands": styled({
    send: (_, args) => withEntries(args, ({ term, command }) => ({ term, command: encode(command) })),
    receive: (_, args) => withEntries(args, ({ term, command }) => ({ term, command: decode(command) })),
  }),
  "whose messages carry entries that nobody else can read": styled({
    send: (_, args) => withEntries(args, (entry) => JSON.stringify(entry)),
    receive: (_, args) => withEntries(args, (entry) => JSON.parse(entry as never) as unknown),
  }),
  "without inspect()": styled({ inspect: "none" }),
  "that shows nobody as -1": styled({ inspect: (view) => ({ ...copied(view), votedFor: view.votedFor ?? -1 }) }),
  "that shows nobody as null": styled({ inspect: (view) => ({ ...copied(view), votedFor: view.votedFor ?? (null as never) }) }),
  "that sends pre-votes by the name of votes": styled({
    env: (env) => ({
      ...env,
      peers: env.peers.map((peer): typeof peer => ({
        ...peer,
        request: (method, args, onReply) => {
          const vote = args as { term: number };
          if (method === "RequestVote") peer.request(method, { ...vote, term: vote.term + 1, preVote: true }, () => {});
          peer.request(method, args, onReply);
        },
      })),
    }),
    handler: (handle, _env, _method, args, raft) =>
      (args as Fields).preVote === true ? { term: raft.getState().term, voteGranted: true } : handle(),
  }),
  "that sends heartbeats without fields of the log beside the others": styled({
    env: (env) => ({
      ...env,
      peers: env.peers.map((peer): typeof peer => ({
        ...peer,
        request: (method, args, onReply) => {
          const { term, leaderId } = args as Fields;
          if (method === "AppendEntries")
            peer.request(method, { term, leaderId, prevLogIndex: -1, prevLogTerm: -1, entries: null, alive: true }, () => {});
          peer.request(method, args, onReply);
        },
      })),
    }),
    handler: (handle, _env, _method, args, raft) => {
      const { alive, term } = args as unknown as { alive?: boolean; term: number };
      const present = raft.getState().term;
      return alive ? { term: present, success: present === term } : handle();
    },
  }),
  "that takes half of the entries now and then, and says so": styled({
    receive: (method, args) => {
      const { entries, term } = args as { entries: unknown[]; term: number };
      return method === "AppendEntries" && entries.length > 1 && isHalved(entries.length, term)
        ? { ...(args as Fields), entries: entries.slice(0, entries.length >> 1) }
        : args;
    },
    handler: (handle, _env, method, args) => {
      const reply = handle() as Fields | undefined;
      const { entries, term, prevLogIndex } = args as { entries: unknown[]; term: number; prevLogIndex: number };
      const isPart = method === "AppendEntries" && entries.length > 1 && isHalved(entries.length, term);
      return isPart && reply?.success === true ? { ...reply, matchIndex: prevLogIndex + (entries.length >> 1) } : reply;
    },
    // The built-in Raft knows of no part: it sends what it hears nothing of once more.
    takeReply: (_, reply) => ((reply as Fields).matchIndex === undefined ? reply : undefined),
  }),
  "that goes back to the beginning of a term when logs conflict": styled({
    reply: (method, reply: { success?: boolean }) =>
      method === "AppendEntries" && reply.success === false ? { ...reply, conflictIndex: 0, conflictTerm: 0 } : reply,
  }),
  "that calls its RPCs by other names": ownNames(makeRaft),
};

/** By chance, but the same in each run. */
function isHalved(count: number, term: number): boolean {
  return (count * 7 + term) % 3 === 0;
}

function ownNames(make: MakeRaft): MakeRaft {
  return (env) => {
    const peers = env.peers.map((peer): typeof peer => ({
      call: (method, args) => peer.call(`Own${method}`, args),
      request: (method, args, onReply) => peer.request(`Own${method}`, args, onReply),
    }));
    const raft = make({ ...env, peers });
    const handlers = Object.fromEntries(Object.entries(raft.handlers).map(([method, handle]) => [`Own${method}`, handle]));
    return {
      start: (command) => raft.start(command),
      getState: () => raft.getState(),
      snapshot: (index, snapshot) => raft.snapshot(index, snapshot),
      kill: () => raft.kill(),
      handlers,
      ...(raft.inspect === undefined ? {} : { inspect: () => raft.inspect!() }),
    };
  };
}

const tests = [
  "TestBackup2B",
  "TestPersist22C",
  "TestFigure82C",
  "TestUnreliableChurn2C",
  "TestSnapshotInstallUnCrash2D",
  "TestSnapshotAllCrash2D",
  "TestCrashesAtSaves2X",
  "TestClusterCrashes2X",
  "TestOldMessages2X",
  "TestSnapshotCrashes2X",
  "TestRandomWeather2X",
];

describe("a Raft that goes back to the beginning of a term when logs conflict", () => {
  it("may send a server that returns its log once, in an economical cluster too", async () => {
    const raft = styles["that goes back to the beginning of a term when logs conflict"]!;
    for (let seed = 1; seed <= 40; seed++) {
      const { outcome, failure } = await run("TestEconomy2X", raft, { seed, traceLevel: "none" });
      expect(`${seed} ${outcome}: ${failure?.reason ?? ""}`).toBe(`${seed} pass: `);
    }
  });
});

describe.each(Object.entries(styles))("a Raft %s", (_, raft) => {
  it.each(tests)("violates nothing in %s", async (test) => {
    const { outcome, failure } = await run(test, raft, { seed: 5, checks: "race", traceLevel: "none" });
    expect(failure?.property === undefined ? "no property is violated" : failure.reason).toBe("no property is violated");
    expect(`${outcome}: ${failure?.reason ?? ""}`).toBe("pass: ");
  });
});
