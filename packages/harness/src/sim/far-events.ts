import type { SimEvent } from "./sim-event.ts";

/** Microseconds of virtual time that one bucket spans, as a power of two. */
const bucketUs = 1 << 16;
/** Buckets in use at a time: they reach 8.4 s ahead, beyond all delays of the network. */
const buckets = 1 << 7;
/** Added to the position of an event that is kept here, so that it is not taken for one in the heap. */
const farIndex = 1 << 24;

/** Which bucket's time `timeUs` lies in. */
function bucketOf(timeUs: number): number {
  return Math.floor(timeUs / bucketUs);
}

/** Whether a scheduled event is kept here. */
export function isFar(event: SimEvent): boolean {
  return event.heapIndex >= farIndex;
}

/**
 * The events that are not due soon, sorted by 65 ms of time and no further. Calls to dead ends wait for seconds: in one heap with all others, hundreds of them would be in the way of each event.
 */
export class FarEvents {
  /** What is due before is near, and not kept here. */
  nearEndUs = bucketUs;
  size = 0;
  /** The bucket before the first one kept here. */
  private near = 0;
  /** A ring: those of bucket b are at b % buckets. It never holds any of the near bucket, whose place is being emptied while the next ones come in. */
  private readonly ring: (SimEvent[] | undefined)[] = new Array(buckets).fill(undefined);
  /** Events of later buckets than the ring has. */
  private readonly beyond: SimEvent[] = [];
  /** No event of `beyond` is of an earlier bucket. */
  private beyondFrom = Number.POSITIVE_INFINITY;

  /** Keeps an event that is not near, its time set. */
  add(event: SimEvent): void {
    this.size++;
    this.put(this.listFor(bucketOf(event.timeUs)), event);
  }

  remove(event: SimEvent): void {
    this.size--;
    this.takeOut(this.listFor(bucketOf(event.timeUs)), event);
  }

  /** Makes the first bucket that holds anything the near one, and hands its events to `take`, in no order. Does nothing when there is none. */
  advance(take: (event: SimEvent) => void): void {
    if (this.size === 0) return;
    if (this.size === this.beyond.length) this.near = this.firstBeyond() - 1;
    for (let steps = 0; steps < buckets; steps++) {
      this.near++;
      this.drawIn();
      const list = this.ring[this.near % buckets];
      if (list === undefined || list.length === 0) continue;
      this.nearEndUs = (this.near + 1) * bucketUs;
      this.size -= list.length;
      for (let event = list.pop(); event !== undefined; event = list.pop()) take(event);
      return;
    }
  }

  /** Puts all that are kept into `events`, in no order. */
  listInto(events: SimEvent[]): void {
    for (const list of this.ring) if (list !== undefined) for (const event of list) events[events.length] = event;
    for (const event of this.beyond) events[events.length] = event;
  }

  private listFor(bucket: number): SimEvent[] {
    if (bucket - this.near >= buckets) {
      this.beyondFrom = Math.min(this.beyondFrom, bucket);
      return this.beyond;
    }
    const at = bucket % buckets;
    let list = this.ring[at];
    if (list === undefined) {
      list = [];
      this.ring[at] = list;
    }
    return list;
  }

  private put(list: SimEvent[], event: SimEvent): void {
    // Not by push, here and elsewhere: an implementation may have replaced it, which is seen at the end of its run only.
    event.heapIndex = farIndex + list.length;
    list[list.length] = event;
  }

  private takeOut(list: SimEvent[], event: SimEvent): void {
    const last = list.pop()!;
    if (last === event) return;
    last.heapIndex = event.heapIndex;
    list[event.heapIndex - farIndex] = last;
  }

  private firstBeyond(): number {
    let first = Number.POSITIVE_INFINITY;
    for (const { timeUs } of this.beyond) first = Math.min(first, bucketOf(timeUs));
    return first;
  }

  /** The ring has moved on: its last bucket may be that of events from beyond. */
  private drawIn(): void {
    const { beyond, near } = this;
    if (this.beyondFrom - near >= buckets) return;
    this.beyondFrom = Number.POSITIVE_INFINITY;
    for (let i = beyond.length - 1; i >= 0; i--) {
      const event = beyond[i]!;
      const bucket = bucketOf(event.timeUs);
      if (bucket - near >= buckets) {
        this.beyondFrom = Math.min(this.beyondFrom, bucket);
        continue;
      }
      this.takeOut(beyond, event);
      this.put(this.listFor(bucket), event);
    }
  }
}
