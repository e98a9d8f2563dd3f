/**
 * Which way messages can go between the servers of a cluster: one bit for each direction of each pair. A request from S1 to S2 travels 1 -> 2, its reply
 * 2 -> 1. Immutable; the shapes of the literature (a partition, a bridge, a ring, ...) are functions that return one.
 */
export class Links {
  readonly size: number;
  /** open[from * size + to]. */
  readonly #open: readonly boolean[];

  /** `isOpen`: whether messages get from one server to another one. */
  constructor(size: number, isOpen: (from: number, to: number) => boolean) {
    this.size = size;
    this.#open = Array.from({ length: size * size }, (_, pair) => isOpen(Math.floor(pair / size), pair % size));
  }

  /** Whoever is no server of the cluster, a client of the network's tests, reaches everyone. */
  isOpen(from: number, to: number): boolean {
    const { size } = this;
    return from >= size || to >= size || this.#open[from * size + to]!;
  }

  /** The same without the direction from -> to. */
  cut(from: number, to: number): Links {
    return new Links(this.size, (a, b) => this.isOpen(a, b) && !(a === from && b === to));
  }

  /** The same with the direction from -> to open. */
  mend(from: number, to: number): Links {
    return new Links(this.size, (a, b) => this.isOpen(a, b) || (a === from && b === to));
  }

  /** Each server's open ways: `S0 -> 1 2; S1 -> 0 2; S2 ->`. */
  toString(): string {
    const others = (from: number) => Array.from({ length: this.size }, (_, to) => to).filter((to) => to !== from && this.isOpen(from, to));
    return Array.from({ length: this.size }, (_, from) => [`S${from} ->`, ...others(from)].join(" ")).join("; ");
  }

  /** What is open in both. */
  and(other: Links): Links {
    return new Links(this.size, (from, to) => this.isOpen(from, to) && other.isOpen(from, to));
  }
}

/** Everyone reaches everyone. */
export function fullMesh(size: number): Links {
  return new Links(size, () => true);
}

/** Servers reach those of their own group. Who is in no group is alone; who is in several, a bridge, reaches all of them. */
export function partition(size: number, ...groups: readonly (readonly number[])[]): Links {
  return new Links(size, (from, to) => from === to || groups.some((group) => group.includes(from) && group.includes(to)));
}

/** Two groups that reach each other through one server only. */
export function bridge(size: number, left: readonly number[], over: number, right: readonly number[]): Links {
  return partition(size, [...left, over], [over, ...right]);
}

/** Each server reaches its `reach` neighbours on either side. With reach = size / 4, rounded, each sees a majority, and no two the same one. */
export function ring(order: readonly number[], reach = 1): Links {
  const size = order.length;
  const place = placesOf(order);
  return new Links(size, (from, to) => {
    const apart = Math.abs(place[from]! - place[to]!);
    return Math.min(apart, size - apart) <= reach;
  });
}

/** Each server reaches the one before and the one after it; the ends are apart. */
export function chain(order: readonly number[]): Links {
  const place = placesOf(order);
  return new Links(order.length, (from, to) => Math.abs(place[from]! - place[to]!) <= 1);
}

/** All reach the hub and nobody else. */
export function star(size: number, hub: number): Links {
  return new Links(size, (from, to) => from === to || from === hub || to === hub);
}

/** Everything is open but what would go from one of `from` to one of `to`. The other way remains. */
export function oneWayCut(size: number, from: readonly number[], to: readonly number[]): Links {
  return new Links(size, (a, b) => a === b || !(from.includes(a) && to.includes(b)));
}

/** Nothing reaches the server; what it sends arrives. */
export function deaf(size: number, server: number): Links {
  return new Links(size, (from, to) => from === to || to !== server);
}

/** Nothing that the server sends arrives, replies included; it hears everything. */
export function mute(size: number, server: number): Links {
  return new Links(size, (from, to) => from === to || from !== server);
}

function placesOf(order: readonly number[]): readonly number[] {
  const size = order.length;
  if (new Set(order).size !== size || order.some((server) => !(Number.isInteger(server) && server >= 0 && server < size))) {
    throw new RangeError(`an order of ${size} servers must name each of 0 to ${size - 1} once, got ${order.join(", ")}`);
  }
  const places: number[] = [];
  order.forEach((server, place) => {
    places[server] = place;
  });
  return places;
}
