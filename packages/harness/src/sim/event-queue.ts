import { FarEvents, isFar } from "./far-events.ts";
import { mix32 } from "./random.ts";
import type { SimEvent } from "./sim-event.ts";

/**
 * All that is going to happen, by time, then by rank if they have been given one. Without ranks events of one owner at the same instant keep the order in which they were scheduled, as timers of one
 * Node process do; between owners the seed decides, anew at each instant.
 */
export class EventQueue {
  /** A binary heap of what is due soon. Its slots from `count` on are empty: an array that is cut and grows with each event would be allocated anew again and again. */
  private readonly heap: (SimEvent | undefined)[] = [];
  private count = 0;
  /**
   * An event that comes before all of the heap, or undefined. Half of all events are scheduled to be the very next one, as calls by the tester and
   * deliveries to a service are: they never pass through the heap.
   */
  private front: SimEvent | undefined = undefined;
  private readonly far = new FarEvents();
  private readonly tieSeed: number;
  private sequence = 0;

  constructor(tieSeed: number) {
    this.tieSeed = tieSeed;
  }

  get size(): number {
    return this.count + this.far.size + (this.front === undefined ? 0 : 1);
  }

  /** All scheduled events, in no order. */
  values(): readonly SimEvent[] {
    const events = this.heap.slice(0, this.count) as SimEvent[];
    if (this.front !== undefined) events[events.length] = this.front;
    this.far.listInto(events);
    return events;
  }

  /** The next event, still scheduled. */
  peek(): SimEvent | undefined {
    const next = this.front ?? this.heap[0];
    if (next !== undefined) return next;
    this.comeNearer();
    return this.heap[0];
  }

  /** Schedules an event that is not scheduled now. */
  push(event: SimEvent, timeUs: number): void {
    event.timeUs = timeUs;
    event.sequence = this.sequence++;
    const { front } = this;
    if (timeUs >= this.far.nearEndUs) this.far.add(event);
    else if (front !== undefined) {
      if (this.before(event, front)) {
        this.pushIntoHeap(front);
        this.putInFront(event);
      } else this.pushIntoHeap(event);
    } else if (this.count === 0 || this.before(event, this.heap[0]!)) this.putInFront(event);
    else this.pushIntoHeap(event);
  }

  private putInFront(event: SimEvent): void {
    this.front = event;
    event.heapIndex = 0;
  }

  pop(): SimEvent | undefined {
    const front = this.front;
    if (front !== undefined) {
      this.front = undefined;
      front.heapIndex = -1;
      return front;
    }
    const first = this.peek();
    if (first === undefined) return undefined;
    const last = this.takeLast();
    if (last !== first) this.siftDown(last, 0);
    first.heapIndex = -1;
    return first;
  }

  /** Takes an event out before its time. Returns whether it was scheduled. */
  remove(event: SimEvent): boolean {
    const index = event.heapIndex;
    if (index < 0) return false;
    if (event === this.front) {
      this.pop();
      return true;
    }
    if (isFar(event)) {
      this.far.remove(event);
      event.heapIndex = -1;
      return true;
    }
    const heap = this.heap;
    const last = this.takeLast();
    event.heapIndex = -1;
    if (last === event) return true;
    if (index > 0 && this.before(last, heap[(index - 1) >> 1]!)) this.siftUp(last, index);
    else this.siftDown(last, index);
    return true;
  }

  /** Nothing is near: what is due next comes into the heap. */
  private comeNearer(): void {
    this.far.advance((event) => this.pushIntoHeap(event));
  }

  private pushIntoHeap(event: SimEvent): void {
    this.siftUp(event, this.count++);
  }

  private takeLast(): SimEvent {
    const last = this.heap[--this.count]!;
    this.heap[this.count] = undefined;
    return last;
  }

  private siftUp(event: SimEvent, from: number): void {
    const heap = this.heap;
    let index = from;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex]!;
      if (!this.before(event, parent)) break;
      heap[index] = parent;
      parent.heapIndex = index;
      index = parentIndex;
    }
    heap[index] = event;
    event.heapIndex = index;
  }

  private siftDown(event: SimEvent, from: number): void {
    const heap = this.heap;
    const size = this.count;
    let index = from;
    for (;;) {
      let childIndex = 2 * index + 1;
      if (childIndex >= size) break;
      let child = heap[childIndex]!;
      if (childIndex + 1 < size) {
        const right = heap[childIndex + 1]!;
        if (this.before(right, child)) {
          child = right;
          childIndex++;
        }
      }
      if (!this.before(child, event)) break;
      heap[index] = child;
      child.heapIndex = index;
      index = childIndex;
    }
    heap[index] = event;
    event.heapIndex = index;
  }

  private before(a: SimEvent, b: SimEvent): boolean {
    const { timeUs } = a;
    const otherUs = b.timeUs;
    return timeUs === otherUs ? this.ranksBefore(a, b) : timeUs < otherUs;
  }

  /** For two events of one instant. */
  private ranksBefore(a: SimEvent, b: SimEvent): boolean {
    if (a.rank !== b.rank) return a.rank < b.rank;
    if (a.owner !== b.owner) {
      const instant = mix32(this.tieSeed, a.timeUs | 0);
      const tieA = mix32(instant, a.owner);
      const tieB = mix32(instant, b.owner);
      if (tieA !== tieB) return tieA < tieB;
    }
    return a.sequence < b.sequence;
  }
}
