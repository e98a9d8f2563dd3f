/** All that one server knows. Never changed, only replaced. */
export interface State {
  readonly me: number;
  readonly servers: number;
  // Persistent.
  readonly term: number;
  readonly votedFor: number | null;
  /** log[0] stands for everything in the snapshot; the entry at index i is log[i - base]. */
  readonly log: readonly Entry[];
  readonly base: number;
  readonly snapshot: Uint8Array;
  // Volatile.
  readonly role: "follower" | "candidate" | "leader";
  readonly commitIndex: number;
  /** Who has voted for this candidate. */
  readonly voters: readonly number[];
  /** What this leader knows of each server's log. */
  readonly progress: readonly Progress[];
}

export interface Entry {
  readonly term: number;
  readonly command: unknown;
}

interface Progress {
  /** The next entry to send. */
  readonly next: number;
  /** The last entry known to be there. */
  readonly match: number;
}

/** A place in a log. */
export interface Position {
  readonly index: number;
  readonly term: number;
}

export const lastIndex = ({ base, log }: State): number => base + log.length - 1;
export const termAt = ({ base, log }: State, index: number): number => log[index - base]!.term;
export const entriesFrom = ({ base, log }: State, index: number): readonly Entry[] => log.slice(index - base);
export const positionAt = (state: State, index: number): Position => ({ index, term: termAt(state, index) });

/** Whether the log has this entry; everything up to the snapshot it has. */
export const holds = (state: State, { index, term }: Position): boolean =>
  index <= state.base || (index <= lastIndex(state) && termAt(state, index) === term);

/** The log up to `index`, then `entries`. */
export const withEntries = (state: State, index: number, entries: readonly Entry[]): State => ({
  ...state,
  log: [...state.log.slice(0, index + 1 - state.base), ...entries],
});

/** A snapshot takes the place of the entries up to `upTo`. What follows them stays if it goes with them. */
export const withSnapshot = (state: State, upTo: Position, snapshot: Uint8Array): State => {
  const following = holds(state, upTo) ? entriesFrom(state, upTo.index + 1) : [];
  return { ...state, base: upTo.index, log: [{ term: upTo.term, command: null }, ...following], snapshot };
};
