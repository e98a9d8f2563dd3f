import { eventKinds, TESTER } from "./sim-event.ts";

const wordsPerEvent = 4;
const capacity = 1 << 14;
/** Rings of runs that are over. On the virtual clock there is one a thread, on the real clock one for each run side by side. */
const spare: RecentEvents[] = [];
const kindNames = new Map<number, string>(Object.entries(eventKinds).map(([name, kind]) => [kind, name]));

/**
 * The last events of a run in a ring of plain numbers, always on. A failure that does not repeat from its seed can't be shown by running it
 * again: this is what is left of it.
 */
export class RecentEvents {
  private readonly words = new Int32Array(capacity * wordsPerEvent);
  /** Number of the latest event. */
  private count = 0;

  /** An empty ring. One that was given back is taken first: a ring is a quarter of a megabyte outside of V8's heap, and many of those make V8 collect all of it. */
  static take(): RecentEvents {
    const ring = spare.pop() ?? new RecentEvents();
    ring.clear();
    return ring;
  }

  /** To be called when the run is over and its ring has been read. */
  giveBack(): void {
    spare.push(this);
  }

  clear(): void {
    this.count = 0;
  }

  /** The event of the next number. `kindAndOwner`: the kind in the low 8 bits, above them the owner's number plus one. */
  add(number: number, timeUs: number, kindAndOwner: number, detail: number, digest: number): void {
    const at = (number & (capacity - 1)) * wordsPerEvent;
    const words = this.words;
    words[at] = timeUs;
    words[at + 1] = kindAndOwner;
    words[at + 2] = detail;
    words[at + 3] = digest;
    this.count = number;
  }

  /** One line an event, oldest first. `methods`: the RPC names that `detail` refers to. */
  lines(methods: readonly string[]): string[] {
    const lines: string[] = [];
    for (let number = Math.max(0, this.count - capacity) + 1; number <= this.count; number++) {
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
    return `${time} event ${number} at ${name}: ${kind}${call} (${(digest >>> 0).toString(16).padStart(8, "0")})`;
  }
}
