/** Who waits for what in a run. */
export class Waits {
  private readonly texts = new Set<{ readonly text: string }>();

  /** Settles as `until` does; until then `who` waits for `what`. */
  async waitFor<T>(who: string, what: string, until: Promise<T>): Promise<T> {
    const wait = { text: `${who} waits for ${what}` };
    this.texts.add(wait);
    try {
      return await until;
    } finally {
      this.texts.delete(wait);
    }
  }

  /** What to add to a sentence; empty if nobody waits. */
  toString(): string {
    return this.texts.size === 0 ? "" : ` (${[...this.texts].map(({ text }) => text).join("; ")})`;
  }
}
