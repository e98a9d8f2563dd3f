import { EventEmitter } from "node:events";
import { builtinModule } from "./builtin-module.ts";

/** Something of Node's that code may set for itself, and that every run finds as the first one did. */
export interface Setting {
  hasChanged(): boolean;
  reset(): void;
}

/** Those within reach of all code. V8's own are the guard's business. */
export function settingsOfAll(): Setting[] {
  return [ofProperty(EventEmitter, "defaultMaxListeners")];
}

export function settingsOfModule(name: string): Setting[] {
  switch (name) {
    case "buffer":
      return [ofProperty(builtinModule(name) as object, "INSPECT_MAX_BYTES")];
    case "stream":
      return [false, true].map(ofHighWaterMark);
    case "util":
      return tablesOfInspect().map(ofTable);
    default:
      return [];
  }
}

/** What changes how `util.inspect` writes. */
export function tablesOfInspect(): object[] {
  const { inspect } = builtinModule("util") as typeof import("node:util");
  return [inspect.defaultOptions, inspect.styles, inspect.colors];
}

// Code under test may replace these.
const { defineProperty, deleteProperty, getOwnPropertyDescriptor, ownKeys } = Reflect;

function ofProperty(owner: object, key: string): Setting {
  const holder = owner as Record<string, unknown>;
  const value = holder[key];
  return {
    hasChanged: () => holder[key] !== value,
    reset() {
      holder[key] = value;
    },
  };
}

function ofHighWaterMark(objectMode: boolean): Setting {
  const stream = builtinModule("stream") as typeof import("node:stream");
  const { getDefaultHighWaterMark: get, setDefaultHighWaterMark: set } = stream;
  const value = get(objectMode);
  return { hasChanged: () => get(objectMode) !== value, reset: () => set(objectMode, value) };
}

function ofTable(table: object): Setting {
  const keys = ownKeys(table) as string[];
  const holder = table as Readonly<Record<string, unknown>>;
  const values = keys.map((key) => holder[key]);
  const descriptors = keys.map((key) => getOwnPropertyDescriptor(table, key)!);
  // A colour is a pair of numbers.
  for (const value of values) Object.freeze(value);
  return {
    hasChanged() {
      for (let i = 0; i < keys.length; i++) if (holder[keys[i]!] !== values[i]) return true;
      return ownKeys(table).length !== keys.length;
    },
    reset() {
      const now = ownKeys(table);
      for (let i = 0; i < now.length; i++) deleteProperty(table, now[i]!);
      for (let i = 0; i < keys.length; i++) defineProperty(table, keys[i]!, descriptors[i]!);
    },
  };
}
