import type { RaftView } from "../../src/api.ts";
import type { RaftCore } from "../../src/core.ts";

interface KnownEntry {
  readonly previousTerm: number;
  readonly seenAt: number;
}

/** Figure 3, the properties that hold at all times. Each violation throws with what was seen. */
export class Oracle {
  /** Election Safety: the one leader of each term. */
  readonly #leaders = new Map<number, number>();
  /** Log Matching: by index and term, the term of the entry before. By induction all earlier entries are the same too. */
  readonly #entries = new Map<string, KnownEntry>();
  /** State Machine Safety: the commands applied anywhere, in order. */
  readonly applies: number[] = [];
  /** Terms of the entries that are known to be committed, by index; Leader Completeness. */
  readonly #committedTerms: number[] = [0];
  readonly #last: { term: number; commitIndex: number; role: string; lastIndex: number }[] = [];

  get leaders(): number {
    return this.#leaders.size;
  }

  restarted(server: number): void {
    delete this.#last[server];
  }

  applied(server: number, service: readonly number[]): void {
    const from = Math.min(this.applies.length, service.length);
    for (let i = Math.max(0, from - 20); i < service.length; i += 1) {
      this.applies[i] ??= service[i]!;
      if (this.applies[i] !== service[i]) {
        throw new Error(`State Machine Safety: S${server} applied ${service[i]} at index ${i + 1}, another server ${this.applies[i]}`);
      }
    }
  }

  observe(server: number, { view }: RaftCore): void {
    this.#checkOrder(server, view);
    this.#checkLogMatching(server, view);
    this.#learnCommitted(server, view);
    this.#checkLeader(server, view);
    const { currentTerm: term, commitIndex, role, lastIndex } = view;
    this.#last[server] = { term, commitIndex, role, lastIndex };
  }

  #checkOrder(server: number, view: RaftView): void {
    const { firstIndex, lastApplied, commitIndex, lastIndex, currentTerm } = view;
    if (!(firstIndex - 1 <= lastApplied && lastApplied <= commitIndex && commitIndex <= lastIndex)) {
      throw new Error(
        `S${server}: snapshot up to ${firstIndex - 1}, applied ${lastApplied}, committed ${commitIndex}, log end ${lastIndex}`,
      );
    }
    const last = this.#last[server];
    if (last === undefined) return;
    if (currentTerm < last.term || commitIndex < last.commitIndex) {
      throw new Error(`S${server} went back from T${last.term} commit ${last.commitIndex} to T${currentTerm} commit ${commitIndex}`);
    }
    if (last.role === "leader" && view.role === "leader" && last.term === currentTerm && lastIndex < last.lastIndex) {
      throw new Error(`Leader Append-Only: S${server} went from ${last.lastIndex} to ${lastIndex} entries`);
    }
  }

  #checkLogMatching(server: number, view: RaftView): void {
    for (let index = view.firstIndex; index <= view.lastIndex; index += 1) {
      const key = `${index}@${view.termAt(index)}`;
      const previousTerm = view.termAt(index - 1);
      const known = this.#entries.get(key);
      if (known === undefined) this.#entries.set(key, { previousTerm, seenAt: server });
      else if (known.previousTerm !== previousTerm) {
        throw new Error(`Log Matching: before ${key} is T${previousTerm} at S${server}, T${known.previousTerm} at S${known.seenAt}`);
      }
    }
  }

  #learnCommitted(server: number, view: RaftView): void {
    for (let index = view.firstIndex - 1; index <= view.commitIndex; index += 1) {
      const term = view.termAt(index);
      this.#committedTerms[index] ??= term;
      if (this.#committedTerms[index] !== term) {
        throw new Error(`S${server} committed index ${index} with T${term}, another server with T${this.#committedTerms[index]}`);
      }
    }
  }

  #checkLeader(server: number, view: RaftView): void {
    if (view.role !== "leader") return;
    const { currentTerm, firstIndex, lastIndex } = view;
    const leader = this.#leaders.get(currentTerm);
    if (leader !== undefined && leader !== server) throw new Error(`Election Safety: S${leader} and S${server} both lead T${currentTerm}`);
    if (leader === server) return;
    this.#leaders.set(currentTerm, server);
    for (let index = firstIndex - 1; index < this.#committedTerms.length; index += 1) {
      const term = this.#committedTerms[index];
      // A server knows of commits in gaps when it got them in a snapshot.
      if (term === undefined) continue;
      if (index > lastIndex || view.termAt(index) !== term) {
        throw new Error(`Leader Completeness: S${server} leads T${currentTerm} without the committed entry ${index} of T${term}`);
      }
    }
  }
}
