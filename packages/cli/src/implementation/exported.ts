import type { MakeRaft } from "@raft-stress/raft/api";
import type { BundledRaft } from "./bundled-raft.ts";
import { attempt, NotLoaded, placeOfExport, threwAtTopLevel } from "./load-error.ts";

export interface Exported {
  readonly makeRaft: MakeRaft;
  /** The name of the export; `module.exports` when it is the whole module. */
  readonly name: string;
}

/** The MakeRaft among a module's exports: `makeRaft`, else the default, else the whole of a CommonJS module. Throws NotLoaded. */
export function exportedMakeRaft(exports: unknown, bundle: BundledRaft): Exported {
  const found = attempt(() => find(exports), nothing);
  const { name } = found;
  if (name === "")
    throw new NotLoaded(`has no function makeRaft among its exports, and no function as its default export: ${listed(found.names)}`);
  const value = readExport(found, bundle);
  const place = placeOfExport(name, bundle);
  if (typeof value !== "function") throw new NotLoaded(`exports ${name} as ${kindOf(value)}, not as a function that makes a Raft${place}`);
  if (isClass(value)) {
    const className = value.name === "" || value.name === "default" ? "TheClass" : value.name;
    throw new NotLoaded(`exports ${name} as a class${place}: export a function that makes one, such as (env) => new ${className}(env)`);
  }
  return { makeRaft: value as MakeRaft, name };
}

interface Found {
  readonly name: string;
  readonly value: () => unknown;
  readonly names: readonly string[];
}

const nothing: Found = { name: "", value: () => undefined, names: [] };

/** An export may be a getter, and that may throw. */
function readExport({ value }: Found, bundle: BundledRaft): unknown {
  try {
    return value();
  } catch (thrown) {
    throw threwAtTopLevel(thrown, bundle);
  }
}

function find(exports: unknown): Found {
  const isObject = (typeof exports === "object" && exports !== null) || typeof exports === "function";
  if (!isObject) return { ...nothing, name: "module.exports", value: () => exports };
  const module = exports as Readonly<Record<string, unknown>>;
  const name = ["makeRaft", "default"].find((candidate) => candidate in module);
  if (name !== undefined) return { ...nothing, name, value: () => module[name] };
  if (typeof exports === "function") return { ...nothing, name: "module.exports", value: () => exports };
  return { ...nothing, names: Object.keys(module) };
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? "it exports nothing" : `it exports ${names.join(", ")}`;
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (value instanceof Promise) return "a promise";
  return `${/^[aeiou]/.test(typeof value) ? "an" : "a"} ${typeof value}`;
}

function isClass(value: object): value is { readonly name: string } & object {
  return /^class\b/.test(Function.prototype.toString.call(value));
}
