import { mix32 } from "./random.ts";
import type { SimEvent } from "./sim-event.ts";

/**
 * Binary heap of events by time, then by rank if they have been given one. Without ranks events of one owner at the same instant keep the order in which they were scheduled, as timers of one
 * Node process do; between owners the seed decides, anew at each instant.
 */
export class EventQueue {
  private readonly heap: SimEvent[] = [];
  /**
   * An event that comes before all of the heap, or undefined. Half of all events are scheduled to be the very next one, as calls by the tester and
   * deliveries to a service are: they never pass through the heap.
   */
  private front: SimEvent | undefined = undefined;
  private readonly tieSeed: number;
  private sequence = 0;

  constructor(tieSeed: number) {
    this.tieSeed = tieSeed;
  }

  get size(): number {
    return this.heap.length + (this.front === undefined ? 0 : 1);
  }

  /** All scheduled events, in no order. */
  values(): readonly SimEvent[] {
    return this.front === undefined ? this.heap : [this.front, ...this.heap];
  }

  /** The next event, still scheduled. */
  peek(): SimEvent | undefined {
    return this.front ?? this.heap[0];
  }

  /** Schedules an event that is not scheduled now. */
  push(event: SimEvent, timeUs: number): void {
    event.timeUs = timeUs;
    event.sequence = this.sequence++;
    const next = this.front ?? this.heap[0];
    if (next !== undefined && !this.before(event, next)) {
      this.pushIntoHeap(event);
      return;
    }
    if (this.front !== undefined) this.pushIntoHeap(this.front);
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
    const heap = this.heap;
    const first = heap[0];
    if (first === undefined) return undefined;
    const last = heap.pop()!;
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
    const heap = this.heap;
    const last = heap.pop()!;
    event.heapIndex = -1;
    if (last === event) return true;
    if (index > 0 && this.before(last, heap[(index - 1) >> 1]!)) this.siftUp(last, index);
    else this.siftDown(last, index);
    return true;
  }

  private pushIntoHeap(event: SimEvent): void {
    this.heap.push(event);
    this.siftUp(event, this.heap.length - 1);
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
    const size = heap.length;
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
    if (a.timeUs !== b.timeUs) return a.timeUs < b.timeUs;
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
