import type { PropertyKey } from "../../src/check/properties.ts";
import type { ShownServer } from "../support/check-world.ts";
import type { Observation, ToyRequest } from "../support/toy-cluster.ts";

/**
 * The properties as they are defined, over the whole history, with nothing remembered but the history itself. Each function gives all events at which its property is seen to be violated. Slow, short
 * and obvious: what the checkers do in passing is held against this.
 */

type History = readonly Observation[];
type Rule = (history: History) => number[];

interface Sight {
  readonly event: number;
  readonly server: number;
  readonly life: number;
}

/** All that servers showed, in order, each with what the same life showed before it, if anything. */
function views(history: History): (Sight & { at: number; shown: ShownServer; before: ShownServer | undefined })[] {
  return history.flatMap(({ event, server, life, shown }, at) => {
    if (shown === undefined) return [];
    return [{ event, server, life, at, shown, before: shownBefore(history, server, at) }];
  });
}

/** What the server showed last, in its present life, before observation `at`. */
function shownBefore(history: History, server: number, at: number): ShownServer | undefined {
  const { life } = history[at]!;
  return history.findLast((seen, i) => i < at && seen.server === server && seen.shown !== undefined && seen.life === life)?.shown;
}

function holds({ base, terms }: ShownServer, index: number, term: number): boolean {
  return index <= base || terms[index] === term;
}

function last(shown: ShownServer): number {
  return shown.terms.length - 1;
}

/** Who was seen to lead which term, when. */
function leaderships(history: History): (Sight & { term: number })[] {
  const told = history.flatMap(({ event, server, life, acts }) =>
    acts.flatMap((act) => {
      if (act.type === "start") return [{ event, server, life, term: act.term }];
      if (act.type !== "request" || act.request.method !== "AppendEntries") return [];
      return [{ event, server, life, term: act.request.args.term }];
    }),
  );
  const shown = views(history)
    .filter(({ shown: { role }, before }) => role === "leader" && before !== undefined)
    .map(({ event, server, life, shown: { currentTerm } }) => ({ event, server, life, term: currentTerm }));
  return [...told, ...shown].sort((a, b) => a.event - b.event);
}

function leaderOf(history: History, term: number, event: number): number | undefined {
  return leaderships(history).find((sign) => sign.term === term && sign.event <= event)?.server;
}

const electionSafety: Rule = (history) => {
  const signs = leaderships(history);
  return signs.filter((b) => signs.some((a) => a.event <= b.event && a.term === b.term && a.server !== b.server)).map(({ event }) => event);
};

/** Votes that have left servers. */
function votesTold(history: History): (Sight & { term: number; candidate: number })[] {
  return history.flatMap(({ event, server, life, acts }) =>
    acts.flatMap((act) => {
      if (act.type === "request" && act.request.method === "RequestVote") {
        return [{ event, server, life, term: act.request.args.term, candidate: server }];
      }
      if (act.type !== "reply" || !act.reply.voteGranted) return [];
      return [{ event, server, life, term: act.request.args.term, candidate: act.request.from }];
    }),
  );
}

const oneVote: Rule = (history) => {
  const told = votesTold(history);
  const shown = views(history).flatMap(({ event, server, life, shown: { currentTerm: term, votedFor } }) =>
    typeof votedFor === "number" ? [{ event, server, life, term, candidate: votedFor }] : [],
  );
  const found: number[] = [];
  for (const b of [...told, ...shown]) {
    for (const a of [...told, ...shown]) {
      if (a.server !== b.server || a.term !== b.term || a.candidate === b.candidate || a.event > b.event) continue;
      if (told.includes(a) && told.includes(b)) found.push(b.event);
      // Across lives what was shown binds nobody; and the leader of the term may be noted for a vote, also before a vote that was given earlier is told.
      if (a.life !== b.life) continue;
      const note = shown.includes(b) ? b : a;
      if (note.candidate === leaderOf(history, a.term, b.event)) continue;
      found.push(b.event);
    }
  }
  return found;
};

/** Only who has asked for votes can have too few; and the first leader of a term is the one that was elected. */
const electionQuorum: Rule = (history) => {
  const signs = leaderships(history);
  const servers = history[0]!.disks.length;
  return signs
    .filter((sign, n) => {
      if (signs.slice(0, n).some(({ term }) => term === sign.term)) return false;
      const told = votesTold(history).filter((vote) => vote.term === sign.term && vote.event <= sign.event);
      const firstVoteOf = (server: number) => told.find((vote) => vote.server === server)?.candidate;
      if (firstVoteOf(sign.server) !== sign.server) return false;
      const voters = Array.from({ length: servers }, (_, server) => server).filter((server) => firstVoteOf(server) === sign.server);
      return 2 * voters.length <= servers;
    })
    .map(({ event }) => event);
};

function isNewer(lastTerm: number, lastIndex: number, { args }: ToyRequest): boolean {
  return lastTerm > args.lastLogTerm || (lastTerm === args.lastLogTerm && lastIndex > args.lastLogIndex);
}

const electionRestriction: Rule = (history) =>
  history
    .filter(({ server, acts, shown }, at) =>
      acts.some((act) => {
        if (act.type === "reply" && act.reply.voteGranted) {
          const voter = shownBefore(history, server, at);
          return voter !== undefined && isNewer(voter.terms[last(voter)]!, last(voter), act.request);
        }
        if (act.type !== "request" || act.request.method !== "RequestVote" || shown === undefined) return false;
        const { term, lastLogIndex, lastLogTerm } = act.request.args;
        const isCandidate = shown.role === "candidate" && shown.currentTerm === term;
        return isCandidate && (lastLogIndex !== last(shown) || lastLogTerm !== shown.terms[last(shown)]);
      }),
    )
    .map(({ event }) => event);

const monotoneTerm: Rule = (history) => {
  const all = views(history);
  return all
    .filter((b) =>
      all.some((a) => a.server === b.server && a.life === b.life && a.event < b.event && a.shown.currentTerm > b.shown.currentTerm),
    )
    .map(({ event }) => event);
};

/** Terms that have left servers in messages. */
function termsTold(history: History): (Sight & { at: number; term: number })[] {
  return history.flatMap(({ event, server, life, acts }, at) =>
    acts.flatMap((act) => {
      if (act.type === "request") return [{ event, server, life, at, term: act.request.args.term }];
      return act.type === "reply" ? [{ event, server, life, at, term: act.reply.term }] : [];
    }),
  );
}

const messageTerms: Rule = (history) =>
  termsTold(history)
    .filter(({ at, term }) => history[at]!.shown !== undefined && term > history[at]!.shown!.currentTerm)
    .map(({ event }) => event);

const staleRequests: Rule = (history) =>
  history
    .filter(({ server, event, acts }, at) =>
      acts.some((act) => {
        if (act.type !== "reply" || !(act.reply.voteGranted || act.reply.success)) return false;
        const { term } = act.request.args;
        const told = termsTold(history).some((tale) => tale.server === server && tale.event < event && tale.term > term);
        return told || (shownBefore(history, server, at)?.currentTerm ?? 0) > term;
      }),
    )
    .map(({ event }) => event);

/** How often the server has saved from one observation to another, both included. */
function savesWithin(history: History, server: number, from: number, to: number): number {
  return history.slice(from, to + 1).flatMap((seen) => (seen.server === server ? seen.acts.filter(({ type }) => type === "save") : []))
    .length;
}

/** Saves in one observation before an act of it. */
function savesBefore({ acts }: Observation, act: Observation["acts"][number]): number {
  return acts.slice(0, acts.indexOf(act)).filter(({ type }) => type === "save").length;
}

/** Whether the server has not saved since something first arrived, when `act` of observation `at` happens. */
function unsavedSince(
  history: History,
  server: number,
  at: number,
  act: Observation["acts"][number],
  arrived: (request: ToyRequest) => boolean,
) {
  const first = history.findIndex(
    (seen) => seen.server === server && seen.acts.some((arrival) => arrival.type === "arrival" && arrived(arrival.request)),
  );
  return first >= 0 && savesWithin(history, server, first, at - 1) + savesBefore(history[at]!, act) === 0;
}

const writeAhead: Rule = (history) =>
  history.flatMap(({ event, server, acts }, at) => {
    const before = shownBefore(history, server, at);
    const isWrong = acts.some((act) => {
      if (act.type === "request" || act.type === "reply") {
        const term = act.type === "request" ? act.request.args.term : act.reply.term;
        if (termUnsaved(history, server, at, act, term)) return true;
      }
      if (act.type !== "reply") return false;
      const { request, reply } = act;
      if (reply.voteGranted) {
        const { from, args } = request;
        const isFirst = !votesTold(history).some((vote) => vote.server === server && vote.term === args.term && vote.event < event);
        return (
          isFirst &&
          unsavedSince(
            history,
            server,
            at,
            act,
            (other) => other.from === from && other.args.term === args.term && other.method === "RequestVote",
          )
        );
      }
      const { entries, prevLogIndex } = request.args;
      if (!reply.success || entries.length === 0) return false;
      const index = prevLogIndex + entries.length;
      const { term } = entries.at(-1)!;
      // The disk as it was before: with no save since it is the same.
      if (index <= (before?.commitIndex ?? 0) || holds(history[at - 1]!.disks[server]!, index, term)) return false;
      return unsavedSince(history, server, at, act, ({ args }) => args.entries[index - args.prevLogIndex - 1]?.term === term);
    });
    return isWrong ? [event] : [];
  });

/** Whether a term leaves that the server has come to in this life and not saved since. */
function termUnsaved(history: History, server: number, at: number, act: Observation["acts"][number], term: number): boolean {
  const { life } = history[at]!;
  const seen = views(history).filter((view) => view.server === server && view.life === life && view.at < at);
  if (seen.length === 0 || seen.at(-1)!.shown.currentTerm > term || seen[0]!.shown.currentTerm === term) return false;
  // The present stretch in this term; without one, the term begins now.
  const isElsewhere = (view: (typeof seen)[number]) => view.shown.currentTerm !== term;
  const begins = seen.at(-1)!.shown.currentTerm === term ? seen[seen.findLastIndex(isElsewhere) + 1]!.at : at;
  const saves = savesWithin(history, server, begins, at - 1) + savesBefore(history[at]!, act);
  if (saves > 0) return false;
  // Without a save in the rest of the event the disk is still what it was when the message left.
  const after = savesWithin(history, server, at, at) - savesBefore(history[at]!, act);
  return after > 0 || history[at]!.disks[server]!.currentTerm < term;
}

const stableStorage: Rule = (history) =>
  history
    .filter(({ event, server, acts, shown }, at) => {
      if (shown === undefined || !acts.some(({ type }) => type === "boot")) return false;
      const terms = termsTold(history).filter((tale) => tale.server === server && tale.event < event);
      if (terms.some(({ term }) => term > shown.currentTerm)) return true;
      const votes = votesTold(history).filter((vote) => vote.server === server && vote.event < event && vote.term === shown.currentTerm);
      const isNoted = shown.votedFor === leaderOf(history, shown.currentTerm, event) && shown.votedFor !== undefined;
      if (votes.some(({ candidate }) => candidate !== shown.votedFor) && !isNoted) return true;
      return acknowledgedEntries(history, server, at).some(({ index, term }) => !holds(shown, index, term));
    })
    .map(({ event }) => event);

/** The entries that the server has acknowledged before observation `at`, held then, and not dropped since as far as it showed. */
function acknowledgedEntries(history: History, server: number, at: number): { index: number; term: number }[] {
  return history.slice(0, at).flatMap((seen, i) =>
    seen.acts.flatMap((act) => {
      if (seen.server !== server || act.type !== "reply" || !act.reply.success || seen.shown === undefined) return [];
      const { prevLogIndex, prevLogTerm, entries } = act.request.args;
      const end = prevLogIndex + entries.length;
      if (!holds(seen.shown, end, entries.at(-1)?.term ?? prevLogTerm)) return [];
      const found: { index: number; term: number }[] = [];
      for (let index = seen.shown.base + 1; index <= end; index++) {
        const term = seen.shown.terms[index]!;
        const later = history.slice(i, at).filter((view) => view.server === server && view.shown !== undefined);
        if (later.every((view) => holds(view.shown!, index, term))) found.push({ index, term });
      }
      return found;
    }),
  );
}

/** A part of a log that was seen: the terms of the entries from `first` on, and their commands where they were seen. */
interface Fragment extends Sight {
  readonly first: number;
  readonly terms: readonly number[];
  readonly commands: readonly (number | undefined)[];
  /** Term of whoever had it. */
  readonly holderTerm: number;
  /** Whether the entry at `first` is only known by its term, as the one before others. */
  readonly isPrev: boolean;
}

/**
 * The event from which on commands in messages are held to be those that start() was given: when the first one that can be compared is. A first one that differs passes for an encoded one,
 * and what it hides is for State Machine Safety and Proposed Commands to see.
 */
function plainFrom(history: History): number {
  const given = new Map<string, number>();
  for (const { event, acts } of history) {
    for (const act of acts) {
      if (act.type === "start") given.set(`${act.index} ${act.term}`, given.get(`${act.index} ${act.term}`) ?? act.command);
      if (act.type !== "request") continue;
      for (const [i, { term, command }] of act.request.args.entries.entries()) {
        const known = given.get(`${act.request.args.prevLogIndex + 1 + i} ${term}`);
        if (known !== undefined) return known === command ? event : Number.POSITIVE_INFINITY;
      }
    }
  }
  return Number.POSITIVE_INFINITY;
}

function fragments(history: History): Fragment[] {
  const plain = plainFrom(history);
  const sent = history.flatMap(({ event, server, life, acts }) =>
    acts.flatMap((act): Fragment[] => {
      const sight = { event, server, life };
      if (act.type === "start") {
        return [{ ...sight, first: act.index, terms: [act.term], commands: [act.command], holderTerm: act.term, isPrev: false }];
      }
      if (act.type !== "request" || act.request.args.entries.length === 0) return [];
      const { prevLogIndex, prevLogTerm, entries, term } = act.request.args;
      const terms = [prevLogTerm, ...entries.map((entry) => entry.term)];
      const commands = [undefined, ...entries.map(({ command }) => (event < plain ? undefined : command))];
      return [{ ...sight, first: prevLogIndex, terms, commands, holderTerm: term, isPrev: true }];
    }),
  );
  const shown = views(history).map(({ event, server, life, shown: { base, terms, currentTerm } }): Fragment => {
    return { event, server, life, first: base, terms: terms.slice(base), commands: [], holderTerm: currentTerm, isPrev: true };
  });
  return [...sent, ...shown].sort((a, b) => a.event - b.event);
}

const logMatching: Rule = (history) => {
  const all = fragments(history);
  const found: number[] = [];
  for (const b of all) for (const a of all) if (a.event <= b.event && !match(a, b)) found.push(b.event);
  return found;
};

function match(a: Fragment, b: Fragment): boolean {
  const at = ({ first, terms }: Fragment, index: number) => terms[index - first];
  const commandAt = ({ first, commands }: Fragment, index: number) => commands[index - first];
  for (let index = 1; index < 20; index++) {
    if (at(a, index) === undefined || at(a, index) !== at(b, index)) continue;
    const [mine, theirs] = [commandAt(a, index), commandAt(b, index)];
    if (mine !== undefined && theirs !== undefined && mine !== theirs) return false;
    // A term that stands for the entry before others says nothing of what lies below it.
    for (let below = index - 1; below >= Math.max(a.first, b.first); below--) if (at(a, below) !== at(b, below)) return false;
  }
  return true;
}

const logTerms: Rule = (history) =>
  fragments(history)
    .filter(({ terms, holderTerm, isPrev }) =>
      terms.some((term, i) => (i > 0 && term < terms[i - 1]!) || ((i > 0 || !isPrev) && term > holderTerm)),
    )
    .map(({ event }) => event);

const entryOrigin: Rule = (history) => {
  const all = fragments(history);
  return all
    .filter((fragment, n) =>
      fragment.terms.some((term, i) => {
        const index = fragment.first + i;
        if (index === 0 || (i === 0 && fragment.isPrev)) return false;
        const had = all.slice(0, n).some((other) => {
          const j = index - other.first;
          return other.terms[j] === term && !(j === 0 && other.isPrev);
        });
        return !had && leaderOf(history, term, fragment.event) !== fragment.server;
      }),
    )
    .map(({ event }) => event);
};

const leaderAppendOnly: Rule = (history) =>
  views(history)
    .filter(({ shown, before }) => {
      if (before === undefined || before.role !== "leader" || shown.role !== "leader") return false;
      if (before.currentTerm !== shown.currentTerm) return false;
      return before.terms.some((term, index) => index > before.base && !holds(shown, index, term));
    })
    .map(({ event }) => event);

/** The last entries that servers acknowledged to leaders of the terms in which they were. */
function acknowledgements(history: History): (Sight & { leaderTerm: number; index: number; term: number })[] {
  return history.flatMap(({ event, server, life, acts, shown }) =>
    acts.flatMap((act) => {
      if (act.type !== "reply" || !act.reply.success || shown === undefined) return [];
      const { term: leaderTerm, prevLogIndex, prevLogTerm, entries } = act.request.args;
      if (shown.currentTerm !== leaderTerm) return [];
      return [{ event, server, life, leaderTerm, index: prevLogIndex + entries.length, term: entries.at(-1)?.term ?? prevLogTerm }];
    }),
  );
}

const acknowledged: Rule = (history) => {
  const all = acknowledgements(history);
  return views(history)
    .filter(({ event, server, life, shown }) =>
      all.some((given) => {
        if (given.server !== server || given.life !== life || given.event > event) return false;
        return given.leaderTerm === shown.currentTerm && !holds(shown, given.index, given.term);
      }),
    )
    .map(({ event }) => event);
};

const candidatesYield: Rule = (history) =>
  history
    .filter(({ acts, shown }) =>
      acts.some((act) => {
        if (act.type !== "reply" || act.request.method !== "AppendEntries") return false;
        const { term } = act.request.args;
        return act.reply.term === term && shown?.currentTerm === term && shown.role === "candidate";
      }),
    )
    .map(({ event }) => event);

interface NaiveCommit {
  readonly index: number;
  readonly term: number;
  readonly commitTerm: number;
  readonly event: number;
  readonly at: number;
}

/** What was committed, each entry by whoever showed it first. */
function commits(history: History): NaiveCommit[] {
  const found: NaiveCommit[] = [];
  for (const { event, at, shown } of views(history)) {
    for (let index = found.length + 1; index <= Math.min(shown.commitIndex, last(shown)); index++) {
      found.push({ index, term: shown.terms[index]!, commitTerm: shown.currentTerm, event, at });
    }
  }
  return found;
}

const stateMachineSafety: Rule = (history) =>
  views(history)
    .filter(({ event, shown }) =>
      commits(history).some(
        (commit) =>
          commit.event <= event &&
          commit.index <= shown.commitIndex &&
          commit.index >= shown.base &&
          commit.index <= last(shown) &&
          shown.terms[commit.index] !== commit.term,
      ),
    )
    .map(({ event }) => event);

/** The last entry of each commit: those below it are committed with it. */
function topCommits(history: History): NaiveCommit[] {
  const all = commits(history);
  return all.filter((commit) => !all.some(({ event, index }) => event === commit.event && index > commit.index));
}

const commitRule: Rule = (history) =>
  topCommits(history)
    .filter(({ index, term, at }) => {
      const { shown, disks } = history[at]!;
      if (shown!.role !== "leader" || term === shown!.currentTerm) return false;
      return !disks.every((disk) => holds(disk, index, term));
    })
    .map(({ event }) => event);

const durableQuorum: Rule = (history) => {
  const all = commits(history);
  return history
    .filter(({ event, disks }) =>
      all.some((commit) => {
        if (commit.event > event) return false;
        return 2 * disks.filter((disk) => holds(disk, commit.index, commit.term)).length <= disks.length;
      }),
    )
    .map(({ event }) => event);
};

const leaderCompleteness: Rule = (history) => {
  const elections = views(history).filter(
    ({ shown, before }) =>
      before !== undefined && shown.role === "leader" && (before.role !== "leader" || before.currentTerm !== shown.currentTerm),
  );
  return elections.flatMap(({ event, shown }) =>
    commits(history)
      .filter(({ index, term, commitTerm }) => commitTerm < shown.currentTerm && !holds(shown, index, term))
      .map((commit) => Math.max(commit.event, event)),
  );
};

const monotoneCommit: Rule = (history) => {
  const all = views(history);
  return all
    .filter((b) => {
      const goesBack = all.some(
        (a) => a.server === b.server && a.life === b.life && a.event < b.event && a.shown.commitIndex > b.shown.commitIndex,
      );
      return goesBack || (b.before !== undefined && b.shown.commitIndex > last(b.shown));
    })
    .map(({ event }) => event);
};

const snapshotConsistency: Rule = (history) =>
  history
    .filter(({ event, server, acts, shown }, at) => {
      if (shown === undefined) return false;
      const wasShown = history.findLast((seen, i) => i < at && seen.server === server && seen.shown !== undefined)?.shown;
      const isCompacted = shown.base !== (wasShown?.base ?? 0);
      const isOther = (commit: NaiveCommit) =>
        commit.event < event && commit.index === shown.base && commit.term !== shown.terms[shown.base];
      if (isCompacted && commits(history).some(isOther)) return true;
      const snapshots = history.slice(0, at + 1).flatMap((seen) => (seen.server === server ? seen.acts : []));
      const onDisk = snapshots.findLast((act) => act.type === "save" && act.snapshot !== undefined);
      const hasSaved = acts.some(({ type }) => type === "save");
      return hasSaved && shown.base > (onDisk?.type === "save" ? onDisk.snapshot! : 0);
    })
    .map(({ event }) => event);

export const naiveRules: Partial<Record<PropertyKey, Rule>> = {
  electionSafety,
  electionQuorum,
  oneVote,
  candidatesYield,
  electionRestriction,
  monotoneTerm,
  messageTerms,
  staleRequests,
  writeAhead,
  stableStorage,
  logMatching,
  logTerms,
  entryOrigin,
  leaderAppendOnly,
  acknowledgedEntries: acknowledged,
  commitRule,
  durableQuorum,
  leaderCompleteness,
  stateMachineSafety,
  monotoneCommit,
  snapshotConsistency,
};

/** The first event at which anything is violated, and what is violated there; undefined if nothing is. */
export function firstViolation(history: History): { event: number; properties: PropertyKey[] } | undefined {
  const found = Object.entries(naiveRules).map(([key, rule]) => ({ key: key as PropertyKey, event: Math.min(...rule(history)) }));
  const event = Math.min(...found.map((violation) => violation.event));
  if (event === Number.POSITIVE_INFINITY) return undefined;
  return { event, properties: found.filter((violation) => violation.event === event).map(({ key }) => key) };
}
