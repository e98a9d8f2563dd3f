import { Buffer } from "node:buffer";
import { isMap, isProxy, isSet } from "node:util/types";
import { DefaultSerializer, Serializer } from "node:v8";

/**
 * The serializers of `node:v8`. V8 writes a value as it happens to hold it: a whole number as one or as a float, an array as dense or as sparse. How it holds
 * values changes while it learns about the code, so that the bytes would depend on the runs that a thread has made before. These write a copy that is held
 * in one way only: the bytes tell the value, and `deserialize` reads them as ever.
 */
const SimulatedSerializer = onCopies(Serializer);
const SimulatedDefaultSerializer = onCopies(DefaultSerializer);

export const repeatableSerialization = {
  Serializer: SimulatedSerializer,
  DefaultSerializer: SimulatedDefaultSerializer,
  serialize(value: unknown): Buffer {
    const serializer = new SimulatedDefaultSerializer();
    serializer.writeHeader();
    serializer.writeValue(value);
    return serializer.releaseBuffer();
  },
};

function onCopies(Real: typeof Serializer): typeof Serializer {
  const simulated = class extends Real {
    override writeValue(value: unknown): boolean {
      return super.writeValue(copyOf(value, new Map()));
    }
  };
  return Object.defineProperty(simulated, "name", { value: Real.name });
}

/** What has been copied already: references to one object stay references to one. */
type Copies = Map<object, unknown>;

function copyOf(value: unknown, copies: Copies): unknown {
  if (typeof value === "number") return numberAsHeld(value);
  if (typeof value === "string") return stringAsHeld(value);
  if (typeof value !== "object" || value === null || isProxy(value)) return value;
  return copies.get(value) ?? copyObject(value, copies);
}

/** A whole number is always held as one, if it fits. */
function numberAsHeld(value: number): number {
  return (value | 0) === value && !Object.is(value, -0) ? value | 0 : value;
}

/** A string without wide characters never takes two bytes for each. */
function stringAsHeld(text: string): string {
  return /^[\0-\xff]*$/.test(text) ? Buffer.from(text, "latin1").toString("latin1") : text;
}

function copyObject(value: object, copies: Copies): unknown {
  if (Array.isArray(value)) return copyMembers(value, isDense(value) ? packed(value.length) : sparse(value.length), copies);
  if (isMap(value)) return copyMap(value, copies);
  if (isSet(value)) return copySet(value, copies);
  // Without a prototype an object is held as a table, whose values have no types.
  if (Object.prototype.toString.call(value) === "[object Object]") return copyMembers(value, Object.create(null), copies);
  return value;
}

function copyMembers(value: object, copy: object, copies: Copies): object {
  copies.set(value, copy);
  for (const key of Object.keys(value)) {
    const member = copyOf((value as Record<string, unknown>)[key], copies);
    if (key === "__proto__") Object.defineProperty(copy, key, { value: member, enumerable: true });
    else (copy as Record<string, unknown>)[key] = member;
  }
  return copy;
}

/** Whether it has no holes: its keys begin with all its indices. */
function isDense(array: readonly unknown[]): boolean {
  const { length } = array;
  return length === 0 || Object.keys(array)[length - 1] === String(length - 1);
}

/** Arrays are made in two functions: V8 remembers of each place what kind of array it makes. */
function packed(length: number): unknown[] {
  const array: unknown[] = [];
  for (let i = 0; i < length; i++) array.push(undefined);
  return array;
}

function sparse(length: number): unknown[] {
  return new Array(length);
}

function copyMap(map: ReadonlyMap<unknown, unknown>, copies: Copies): Map<unknown, unknown> {
  const copy = new Map<unknown, unknown>();
  copies.set(map, copy);
  for (const [key, value] of map) copy.set(copyOf(key, copies), copyOf(value, copies));
  return copy;
}

function copySet(set: ReadonlySet<unknown>, copies: Copies): Set<unknown> {
  const copy = new Set<unknown>();
  copies.set(set, copy);
  for (const value of set) copy.add(copyOf(value, copies));
  return copy;
}
