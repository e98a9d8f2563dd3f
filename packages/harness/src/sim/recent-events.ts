import { eventKinds, type SimEvent, TESTER } from "./sim-event.ts";

const wordsPerEvent = 4;
const capacity = 1 << 14;
const kindNames = new Map<number, string>(Object.entries(eventKinds).map(([name, kind]) => [kind, name]));

/**
 * The last events of a run in a ring of plain numbers, always on. A failure that does not repeat from its seed can't be shown by running it
 * again: this is what is left of it.
 */
export class RecentEvents {
  private readonly words = new Int32Array(capacity * wordsPerEvent);
  private count = 0;

  clear(): void {
    this.count = 0;
  }

  add(event: SimEvent): void {
    const at = (this.count++ & (capacity - 1)) * wordsPerEvent;
    const words = this.words;
    words[at] = event.timeUs;
    words[at + 1] = event.kind | ((event.owner + 1) << 8);
    words[at + 2] = event.detail;
    words[at + 3] = event.digest;
  }

  /** One line an event, oldest first. `methods`: the RPC names that `detail` refers to. */
  lines(methods: readonly string[]): string[] {
    const first = Math.max(0, this.count - capacity);
    const lines: string[] = [];
    for (let number = first; number < this.count; number++) {
      const at = (number & (capacity - 1)) * wordsPerEvent;
      lines.push(this.format(number, at, methods));
    }
    return lines;
  }

  private format(number: number, at: number, methods: readonly string[]): string {
    const [timeUs, who, detail, digest] = this.words.subarray(at, at + wordsPerEvent) as unknown as [number, number, number, number];
    const owner = (who >>> 8) - 1;
    const kind = kindNames.get(who & 0xff) ?? "event";
    const name = owner === TESTER ? "the test" : `S${owner}`;
    const call = detail === 0 ? "" : ` ${methods[detail & 0xff] ?? ""} S${(detail >>> 8) & 0xfff} -> S${(detail >>> 20) & 0xfff}`;
    const time = Math.floor(timeUs / 1000)
      .toString()
      .padStart(6, "0");
    return `${time} event ${number + 1} at ${name}: ${kind}${call} (${(digest >>> 0).toString(16).padStart(8, "0")})`;
  }
}
