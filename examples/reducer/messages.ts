import type { ApplyMessage } from "@raft-stress/raft/api";
import type { Entry, Position, State } from "./state.ts";

/** The three RPCs. Names and shapes are this implementation's own: nobody but its servers reads them. */
export type Request =
  | { readonly method: "vote"; readonly term: number; readonly candidate: number; readonly last: Position }
  | {
      readonly method: "append";
      readonly term: number;
      readonly prev: Position;
      readonly entries: readonly Entry[];
      readonly commitIndex: number;
    }
  | { readonly method: "install"; readonly term: number; readonly upTo: Position; readonly snapshot: Uint8Array };

export interface Reply {
  readonly term: number;
  /** The vote is given, or the log goes on after what was sent. */
  readonly ok: boolean;
  /** To a refused append: where to try next. */
  readonly tryAt?: number;
}

/** What can happen to a server. */
export type Event =
  | { readonly type: "electionTimeout" }
  | { readonly type: "roundDue" }
  | { readonly type: "propose"; readonly command: unknown }
  | { readonly type: "compact"; readonly index: number; readonly snapshot: Uint8Array }
  | { readonly type: "request"; readonly request: Request }
  | { readonly type: "reply"; readonly peer: number; readonly request: Request; readonly reply: Reply };

/** What a server wants done. What is persistent is not among it: the runner sees that it has changed. */
export type Effect =
  | { readonly type: "send"; readonly peer: number; readonly request: Request }
  | { readonly type: "answer"; readonly reply: Reply }
  | { readonly type: "apply"; readonly message: ApplyMessage }
  | { readonly type: "restartElectionTimer" }
  /** The next round of sending is due within this time, or earlier if it already is. */
  | { readonly type: "round"; readonly withinMs: number };

export type Step = readonly [state: State, effects: readonly Effect[]];
